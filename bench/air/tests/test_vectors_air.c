// A mistake that the bench shares with its own reference device would cancel out. Here frames made
// by others (fixtures/vectors/uplink.json) go over the lab's air; the bench's receiver and judge
// must make of them what the file says. Run it inside foxlab with vectors.scenario.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/air/receive.h"
#include "bench/base/bytes.h"
#include "bench/base/json.h"
#include "bench/net/judge.h"
#include "bench/radio/radio.h"

enum { BLOCK = 32768, RATE_HZ = 520834, FRAMES_MAX = 400, SILENCE_S = 3, SECONDS_MAX = 300 };

static const double lo_hz = 868.015e6, low_hz = 868.125e6, high_hz = 868.140e6;

struct heard {
    struct air_frame frames[FRAMES_MAX];
    size_t n;
};

static struct radio *open_radio(void)
{
    const char *uri = getenv("FOXLAB_PLUTO_0_URI");
    if (!uri) fail_msg("FOXLAB_PLUTO_0_URI is not set; run this with foxlab run vectors.scenario");
    const struct radio_config c = {.uri = uri,
                                   .rate_hz = RATE_HZ,
                                   .lo_hz = lo_hz,
                                   .gain_db = 50,
                                   .block_samples = BLOCK,
                                   .timeout_ms = 10000};
    struct radio *r = NULL;
    struct err e = {0};
    if (radio_open(&r, &c, &e) < 0) fail_msg("%s", e.text);
    return r;
}

// Everything until the device has been silent for a while.
static void listen(struct heard *h)
{
    struct radio *radio = open_radio();
    const struct air_receiver_config c = {.rate_hz = radio_info(radio)->rate_hz,
                                          .low_hz = low_hz - lo_hz,
                                          .high_hz = high_hz - lo_hz,
                                          .bit_rate_600 = true};
    struct air_receiver *receiver = NULL;
    struct err e = {0};
    if (air_receiver_new(&receiver, &c, &e) < 0) fail_msg("%s", e.text);
    int64_t first = -1, last_end = 0;
    for (int64_t now = 0; now < (int64_t)SECONDS_MAX * RATE_HZ; now += BLOCK) {
        struct iq_block b = {0};
        if (radio_read(radio, &b, &e) < 0) fail_msg("%s", e.text);
        if (first < 0) first = b.first_sample;
        if (air_receiver_push(receiver, b.iq, b.n_samples, &e) < 0) fail_msg("%s", e.text);
        while (h->n < FRAMES_MAX && air_receiver_next(receiver, &h->frames[h->n]))
            last_end = h->frames[h->n++].end_sample;
        if (h->n && now > last_end + (int64_t)SILENCE_S * RATE_HZ) break;
    }
    air_receiver_free(receiver);
    radio_close(radio);
}

static const char *text(const struct jval *vector, const char *key)
{
    const char *t = jval_text(jval_get(vector, key), NULL);
    if (!t) fail_msg("a vector without %s", key);
    return t;
}

// A fresh core network that knows this one device: nothing of an earlier vector counts.
static enum judge_verdict judge(const struct air_frame *f, uint32_t id, const char *key_hex)
{
    struct secret key;
    uint8_t raw[16];
    struct judge *j = NULL;
    struct judge_result r;
    struct err e = {0};
    assert_int_equal(hex_decode(key_hex, raw, sizeof raw, NULL), 16);
    assert_int_equal(secret_init(&key, raw, sizeof raw, NULL), ERR_OK);
    const struct judge_device device = {.id = id, .key = &key, .modulus = 4096};
    assert_int_equal(judge_new(&j, NULL), ERR_OK);
    assert_int_equal(judge_register(j, &device, NULL), ERR_OK);
    if (judge_frame(j, &f->uplink, f->status, 1, &r, &e) < 0) fail_msg("%s", e.text);
    judge_free(j);
    secret_deinit(&key);
    return r.verdict;
}

static void assert_hex(const uint8_t *data, size_t len, const char *expected, const char *name)
{
    char got[128];
    hex_encode(data, len, got);
    if (strcmp(got, expected) != 0) fail_msg("%s: expected %s, got %s", name, expected, got);
}

static void check_encoded(const struct air_frame *f, const struct jval *vector, unsigned rank)
{
    const char *name = text(vector, "name");
    const struct sfx_uplink *up = &f->uplink;
    uint32_t id = (uint32_t)strtoul(text(vector, "device_id"), NULL, 16);
    if (f->status != SFX_STATUS_OK) fail_msg("%s: %s", name, sfx_status_text(f->status));
    assert_hex(f->packet, f->packet_len, text(vector, "packet_hex"), name);
    assert_hex(up->payload, up->payload_len, text(vector, "payload_hex"), name);
    assert_hex(up->tag, up->tag_len, text(vector, "auth_hex"), name);
    assert_string_equal(sfx_message_type_name(up->type), text(vector, "message_type"));
    assert_int_equal(f->rank, rank);
    assert_int_equal(up->device_id, id);
    assert_int_equal(up->counter, jval_int(jval_get(vector, "message_counter"), -1));
    assert_int_equal(up->bidirectional, jval_int(jval_get(vector, "bidirectional"), -1));
    assert_int_equal(up->li, jval_int(jval_get(vector, "li"), -1));
    assert_int_equal(judge(f, id, text(vector, "auth_key_hex")), JUDGE_ACCEPTED);
}

// Damaged and forged frames. One wrong bit is an error of the channel, and the receiver may mend
// it: then the packet is the one that it was made from.
static void check_received(const struct air_frame *f, const struct jval *vector,
                           const struct jval *file)
{
    const struct jval *expect = jval_get(vector, "expect"), *encode = jval_get(file, "encode");
    const char *name = text(vector, "name"), *result = text(expect, "result");
    assert_int_equal(f->rank, jval_int(jval_get(expect, "rank_detected"), -1));
    assert_int_equal(f->burst.head_errors, 0);
    if (strcmp(result, "crc_bad") == 0 && f->status == SFX_STATUS_BAD_CRC) return;
    enum judge_verdict verdict = judge(f, f->uplink.device_id, text(vector, "auth_key_hex"));
    if (strcmp(result, "auth_bad") == 0) {
        assert_int_equal(f->status, SFX_STATUS_OK);
        if (verdict != JUDGE_BAD_TAG) fail_msg("%s: %s", name, judge_verdict_text(verdict));
        return;
    }
    assert_int_equal(verdict, JUDGE_ACCEPTED);
    for (size_t i = 0; i < jval_len(encode); i++)
        if (strcmp(text(jval_at(encode, i), "name"), text(vector, "based_on")) == 0)
            check_encoded(f, jval_at(encode, i), f->rank);
}

static void test_frames_of_others_are_judged_as_they_are(void **state)
{
    (void)state;
    static struct heard heard;
    struct jval *file = NULL;
    struct err e = {0};
    size_t at = 0, accepted = 0, received = 0;
    if (jval_load(&file, FOX_SOURCE_DIR "/fixtures/vectors/uplink.json", &e) < 0)
        fail_msg("%s", e.text);
    listen(&heard);
    const struct jval *encode = jval_get(file, "encode"), *decode = jval_get(file, "decode");
    for (size_t i = 0; i < jval_len(encode); i++) {
        const struct jval *frames = jval_get(jval_at(encode, i), "frames");
        for (size_t r = 0; r < jval_len(frames); r++, at++, accepted++) {
            if (at == heard.n) fail_msg("only %zu frames were heard", at);
            unsigned rank = (unsigned)jval_int(jval_get(jval_at(frames, r), "rank"), 0);
            check_encoded(&heard.frames[at], jval_at(encode, i), rank);
        }
    }
    for (size_t i = 0; i < jval_len(decode); i++) {
        // the device leaves these out: a wrong bit that is sent turns the phase of all that
        // follows, which no channel does; test_cmd_vectors has them as received bits
        if (jval_int(jval_get(jval_get(jval_at(decode, i), "expect"), "ft_bit_errors"), 0) > 0)
            continue;
        if (at == heard.n) fail_msg("only %zu frames were heard", at);
        check_received(&heard.frames[at++], jval_at(decode, i), file);
        received++;
    }
    assert_int_equal(heard.n, at); // and nothing else was heard
    assert_true(accepted > 200 && received >= 19);
    print_message("# %zu frames heard, %zu as they were encoded, %zu damaged or forged\n", heard.n,
                  accepted, received);
    jval_free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_of_others_are_judged_as_they_are),
    };
    return cmocka_run_group_tests_name("air/vectors", tests, NULL, NULL);
}
