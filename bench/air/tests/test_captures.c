// Recordings made and encoded elsewhere decode to exactly what their truth files say.
#include <math.h>
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

enum { FRAMES_MAX = 64, TEXT = 256 };

struct score {
    size_t sent, right, wrong;
};

static void die(const struct err *e)
{
    fail_msg("%s", e->text);
}

static struct jval *load(const char *name, const char *kind)
{
    char path[TEXT];
    struct jval *j = NULL;
    struct err e = {0};
    snprintf(path, sizeof path, FOX_SOURCE_DIR "/fixtures/iq/%s.%s", name, kind);
    if (jval_load(&j, path, &e) < 0) die(&e);
    return j;
}

static size_t decode(const char *name, double rate, struct air_frame *frames)
{
    char path[TEXT];
    struct err e = {0};
    snprintf(path, sizeof path, FOX_SOURCE_DIR "/fixtures/iq/%s.sigmf-data", name);
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    struct air_receiver *r = NULL;
    struct air_receiver_config config = {
        .rate_hz = rate,
        .low_hz = -96e3,
        .high_hz = 96e3,
        .bit_rate_100 = true,
        .bit_rate_600 = true,
        .combine_s = 10,
    };
    if (air_receiver_new(&r, &config, &e) < 0) die(&e);
    int16_t iq[2 * 5000];
    size_t n, got = 0;
    while ((n = fread(iq, 4, 5000, f)) > 0)
        if (air_receiver_push(r, iq, n, &e) < 0) die(&e);
    if (air_receiver_finish(r, &e) < 0) die(&e);
    fclose(f);
    while (got < FRAMES_MAX && air_receiver_next(r, &frames[got]))
        if (frames[got].burst.checked) got++; // as foxbench decode without --all
    air_receiver_free(r);
    return got;
}

// The packet that a truth file's frame carries: its own text for rank 1; other ranks are undone
// here, by the division that the replica code means.
static void packet_of(const char *hex, unsigned rank, uint8_t *packet, size_t *len)
{
    struct err e = {0};
    uint8_t frame[SFX_FRAME_MAX];
    int n = hex_decode(hex, frame, sizeof frame, &e);
    if (n < 0) die(&e);
    *len = (size_t)n - 4;
    memset(packet, 0, *len);
    int one = 0, two = 0;
    for (size_t i = 0; i < 8 * *len; i++) {
        int bit = frame[4 + i / 8] >> (7 - i % 8) & 1;
        if (rank == 2) bit ^= one ^ two;
        if (rank == 3) bit ^= two;
        packet[i / 8] |= (uint8_t)(bit << (7 - i % 8));
        two = one;
        one = bit;
    }
}

static bool fits(const struct air_frame *f, const struct jval *event, double rate)
{
    uint8_t packet[SFX_PACKET_MAX];
    size_t len;
    unsigned rank = (unsigned)jval_int(jval_get(event, "replica"), 9) + 1;
    double bit_rate = jval_number(jval_get(event, "bitrate"), 0);
    packet_of(jval_text(jval_get(event, "hex"), ""), rank, packet, &len);
    double t = jval_number(jval_get(event, "t_ref_s"), -1);
    double hz = jval_number(jval_get(event, "f_hz"), 1e9);
    return fabs(f->burst.start_sample / rate - t) < 6 / bit_rate && fabs(f->burst.f_hz - hz) < 20 &&
           f->burst.bit_rate == bit_rate && f->rank == rank && f->packet_len == len &&
           memcmp(f->packet, packet, len) == 0;
}

static struct score score(const char *name)
{
    struct jval *truth = load(name, "truth.json");
    double rate = jval_number(jval_get(truth, "fs_hz"), 0);
    const struct jval *events = jval_get(truth, "events");
    struct air_frame *frames = calloc(FRAMES_MAX, sizeof *frames);
    assert_non_null(frames);
    size_t n = decode(name, rate, frames), used = 0;
    struct score s = {0};
    for (size_t i = 0; i < jval_len(events); i++) {
        const struct jval *event = jval_at(events, i);
        if (!jval_get(event, "hex")) continue; // a jammer
        s.sent++;
        size_t hits = 0;
        for (size_t k = 0; k < n; k++)
            hits += fits(&frames[k], event, rate);
        s.right += hits == 1;
        used += hits;
    }
    s.wrong = n - used;
    free(frames);
    jval_free(truth);
    print_message("# %s: %zu sent, %zu right, %zu wrong\n", name, s.sent, s.right, s.wrong);
    return s;
}

static void decodes_all(const char *name)
{
    struct score s = score(name);
    assert_int_equal(s.right, s.sent);
    assert_int_equal(s.wrong, 0);
}

#define ALL_OF(name)                                                                               \
    static void test_##name(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        decodes_all(#name);                                                                        \
    }

ALL_OF(cal_clean)
ALL_OF(cal_shaped)
ALL_OF(cal_600)
ALL_OF(snr_11dB)
ALL_OF(snr_08dB)
ALL_OF(drift_15)
ALL_OF(near_4kHz_40dB)
ALL_OF(imp_iq)
ALL_OF(jam_cw_2k_p25)
ALL_OF(wide_1M)
ALL_OF(rep_4dB)

static void test_noise_holds_nothing(void **state)
{
    (void)state;
    struct score s = score("none_noise");
    assert_int_equal(s.sent, 0);
    assert_int_equal(s.wrong, 0);
}

// Frequency and time are measured, not only found: far closer than the score asks for.
static void test_measures_where_a_burst_is(void **state)
{
    (void)state;
    struct air_frame frames[FRAMES_MAX];
    assert_int_equal(decode("cal_clean", 48000, frames), 1);
    const struct phy_burst *b = &frames[0].burst;
    assert_true(fabs(b->start_sample / 48000 - 0.45) < 0.0002);
    assert_true(fabs(b->f_hz - -4321) < 0.02);
    assert_true(fabs(b->drift_hz_s) < 0.02);
    assert_true(fabs(b->ebn0_db - 40) < 1.5);
    assert_true(fabs(b->power_dbfs - 20 * log10(12.9099 / 2047)) < 0.3);
    assert_int_equal(llabs(frames[0].end_sample - llround(2.22 * 48000)) < 16, 1);

    assert_int_equal(decode("cal_shaped", 48000, frames), 1);
    assert_true(fabs(frames[0].burst.drift_hz_s - -8) < 0.02);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cal_clean),
        cmocka_unit_test(test_cal_shaped),
        cmocka_unit_test(test_cal_600),
        cmocka_unit_test(test_snr_11dB),
        cmocka_unit_test(test_snr_08dB),
        cmocka_unit_test(test_drift_15),
        cmocka_unit_test(test_near_4kHz_40dB),
        cmocka_unit_test(test_imp_iq),
        cmocka_unit_test(test_jam_cw_2k_p25),
        cmocka_unit_test(test_wide_1M),
        cmocka_unit_test(test_rep_4dB),
        cmocka_unit_test(test_noise_holds_nothing),
        cmocka_unit_test(test_measures_where_a_burst_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
