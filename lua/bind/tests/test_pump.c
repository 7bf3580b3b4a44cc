// The pump over a radio and a port that do what a test wants: frames, gaps, ends, answers and
// evidence.
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/net/history.h"
#include "lua/bind/pump.h"

enum { BLOCK = 4096, RATE = 48000, EVENTS_MAX = 256 };

// ---- a radio that plays a recording, then silence

struct radio {
    struct bytes samples;
    int64_t at;
    int block;
    struct radio_info info;
    int16_t out[2 * BLOCK];
};

static struct {
    const char *recording;
    int overflow_in; // block with the overflow flag, -1: none
    int gone_in;     // block that fails, -1: none
    int rate_hz;     // 0: RATE
} radio_plan;

int radio_open(struct radio **out, const struct radio_config *config, struct err *err)
{
    struct radio *r = calloc(1, sizeof *r);
    assert_non_null(r);
    bytes_init(&r->samples, 1 << 24);
    if (radio_plan.recording)
        assert_int_equal(bytes_read_file(&r->samples, radio_plan.recording, err), 0);
    r->info = (struct radio_info){.serial = "S1",
                                  .model = "fake",
                                  .rate_hz = radio_plan.rate_hz ? radio_plan.rate_hz : RATE,
                                  .lo_hz = config->lo_hz};
    *out = r;
    return ERR_OK;
}

void radio_close(struct radio *r)
{
    if (!r) return;
    bytes_deinit(&r->samples);
    free(r);
}

const struct radio_info *radio_info(const struct radio *r)
{
    return &r->info;
}

int radio_read(struct radio *r, struct iq_block *out, struct err *err)
{
    int block = r->block++;
    if (block == radio_plan.gone_in)
        return err_set(err, ERR_GONE, "radio ip:127.0.0.1:4711: unplugged in block %d", block);
    int64_t total = (int64_t)r->samples.len / 4;
    for (int i = 0; i < BLOCK; i++) {
        bool there = r->at + i < total;
        memset(r->out + 2 * i, 0, 4);
        if (there) memcpy(r->out + 2 * i, r->samples.data + 4 * (r->at + i), 4);
    }
    *out = (struct iq_block){
        .first_sample = r->at,
        .n_samples = BLOCK,
        .iq = r->out,
        .flags = block == radio_plan.overflow_in ? IQ_FLAG_OVERFLOW : 0,
    };
    r->at += BLOCK;
    return ERR_OK;
}

// What was sent, and whether the oscillator was on when the first and the last sample left.
static struct {
    int64_t at;
    size_t n;
    int switches; // of the oscillator
    bool lo_on;
} radio_sent;

int radio_transmit(struct radio *r, int64_t at_sample, const int16_t *iq, size_t n, struct err *err)
{
    (void)r, (void)iq, (void)err;
    radio_sent.at = at_sample;
    radio_sent.n = n;
    return ERR_OK;
}

int64_t radio_earliest(const struct radio *r)
{
    return r->at + BLOCK;
}

int radio_drop(struct radio *r, struct err *err)
{
    (void)r, (void)err;
    return ERR_OK;
}

int radio_set_tx(struct radio *r, bool lo_on, double attenuation_db, struct err *err)
{
    (void)r, (void)attenuation_db, (void)err;
    radio_sent.switches += lo_on != radio_sent.lo_on;
    radio_sent.lo_on = lo_on;
    return ERR_OK;
}

int radio_align(struct radio *const *radios, size_t n, struct err *err)
{
    (void)radios, (void)n, (void)err;
    return ERR_OK;
}

int radio_tune_tx(struct radio *r, double lo_hz, struct err *err)
{
    (void)err;
    r->info.tx_lo_hz = lo_hz;
    return ERR_OK;
}

// ---- a port that answers every command with the next text of a list, some reads later

struct port {
    char written[256];
    char due[256];
    int reads_left;
    bool lines[2];
};

static struct {
    const char *answer;
    int delay; // reads until it comes
    bool gone;
} port_plan;

// The device's port; those of samples have a digit in their path.
static struct port the_port, sample_ports[3];

int port_open(struct port **out, const struct port_config *config, struct err *err)
{
    (void)err;
    unsigned n = config->path ? (unsigned)(config->path[strlen(config->path) - 1] - '0') : 0;
    *out = n >= 1 && n <= 3 ? &sample_ports[n - 1] : &the_port;
    **out = (struct port){0};
    return ERR_OK;
}

void port_close(struct port *p)
{
    (void)p;
}

int port_write(struct port *p, const void *data, size_t len, struct err *err)
{
    if (port_plan.gone) return err_set(err, ERR_GONE, "port unplugged");
    assert_true(len < sizeof p->written);
    memcpy(p->written, data, len);
    p->written[len] = '\0';
    if (port_plan.answer) snprintf(p->due, sizeof p->due, "%s", port_plan.answer);
    p->reads_left = port_plan.delay;
    return ERR_OK;
}

int port_read(struct port *p, void *data, size_t max, struct err *err)
{
    (void)err;
    if (!p->due[0] || p->reads_left-- > 0) return 0;
    size_t len = strlen(p->due);
    assert_true(len <= max);
    memcpy(data, p->due, len);
    p->due[0] = '\0';
    return (int)len;
}

int port_set_line(struct port *p, enum port_line line, bool active, struct err *err)
{
    (void)err;
    p->lines[line] = active;
    return ERR_OK;
}

// ---- a sink that remembers

static struct {
    struct jval *events[EVENTS_MAX];
    size_t n;
    bool gone;
    bool count_only;
    char data_path[128], meta_path[128];
    struct bytes data, meta, log;
} sink;

static int on_event(void *ctx, struct jval *event, struct err *err)
{
    (void)ctx;
    if (sink.gone) return err_set(err, ERR_GONE, "the supervisor is gone");
    if (sink.count_only) {
        sink.n++;
        return ERR_OK;
    }
    assert_true(sink.n < EVENTS_MAX);
    sink.events[sink.n++] = jval_ref(event);
    return ERR_OK;
}

static int on_progress(void *ctx, int64_t t, const char *step, struct err *err)
{
    (void)ctx, (void)t, (void)step, (void)err;
    return ERR_OK;
}

static int on_evidence(void *ctx, const char *path, const char *media_type, const char *note,
                       int fd, struct err *err)
{
    (void)ctx, (void)media_type, (void)note;
    struct bytes *into = strstr(path, "sigmf-data")   ? &sink.data
                         : strstr(path, "sigmf-meta") ? &sink.meta
                                                      : &sink.log;
    char chunk[4096];
    into->len = 0;
    for (ssize_t n; (n = read(fd, chunk, sizeof chunk)) > 0;)
        if (bytes_append(into, chunk, (size_t)n, err) < 0) return ERR_LIMIT;
    snprintf(into == &sink.data ? sink.data_path : sink.meta_path, sizeof sink.data_path, "%s",
             path);
    return ERR_OK;
}

static const struct jval *event_of(const char *type, size_t nth)
{
    for (size_t i = 0; i < sink.n; i++)
        if (strcmp(jval_text(jval_get(sink.events[i], "type"), ""), type) == 0 && nth-- == 0)
            return sink.events[i];
    return NULL;
}

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

static struct secret key;

static struct pump_config config(void)
{
    return (struct pump_config){
        .radio_unit = "r1",
        .radio = {.uri = "ip:127.0.0.1:4711", .lo_hz = 868130000.0},
        .low_hz = 868130000.0 - 20000,
        .high_hz = 868130000.0 + 20000,
        .uart_unit = "d1",
        .dialect = {.name = "test", .line_end = "\r", .ok = "OK", .errors = {"ERR"}},
        .lines = {[PUMP_POWER] = PORT_LINE_RTS, [PUMP_RESET] = -1},
        .device_id = 0xf9b439fc,
        .key = &key,
        .modulus = 4096,
        .window = 420,
        .worker = 1,
        .keep_s = 12,
    };
}

static const struct pump_sink sink_ops = {
    .event = on_event, .progress = on_progress, .evidence = on_evidence};

static struct pump *opened(struct pump_config c)
{
    struct pump *p = NULL;
    struct err e = {0};
    if (pump_open(&p, &c, &sink_ops, &e) < 0) fail_msg("%s", e.text);
    return p;
}

static int setup(void **state)
{
    (void)state;
    static const uint8_t nak[16] = {
        0x63, 0x01, 0xbb, 0xfc, 0xa0, 0xc5, 0x15, 0x4e,
        0x0f, 0xf9, 0xbb, 0x51, 0x09, 0x44, 0xfe, 0x0c}; // cal_clean.truth.json
    struct err e;
    radio_plan.recording = FOX_SOURCE_DIR "/fixtures/iq/cal_clean.sigmf-data";
    radio_plan.overflow_in = radio_plan.gone_in = -1;
    radio_plan.rate_hz = 0;
    memset(&port_plan, 0, sizeof port_plan);
    bytes_init(&sink.data, 1 << 26);
    bytes_init(&sink.meta, 1 << 20);
    bytes_init(&sink.log, 1 << 20);
    return secret_init(&key, nak, sizeof nak, &e);
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < sink.n && !sink.count_only; i++)
        jval_free(sink.events[i]);
    bytes_deinit(&sink.data);
    bytes_deinit(&sink.meta);
    bytes_deinit(&sink.log);
    memset(&sink, 0, sizeof sink);
    secret_deinit(&key);
    return 0;
}

// The recording with its phase turned over at five symbols of the packet: five wrong bits, more
// than a receiver can mend.
static void spoil_recording(char path[64])
{
    enum { START = RATE * 45 / 100, SYMBOL = RATE / 100, MOST = 130000 };
    static int16_t iq[2 * MOST];
    static const int at[] = {70, 87, 103, 122, 141};
    FILE *in = fopen(FOX_SOURCE_DIR "/fixtures/iq/cal_clean.sigmf-data", "rb");
    assert_non_null(in);
    size_t n = fread(iq, 2 * sizeof *iq, MOST, in);
    fclose(in);
    for (size_t k = 0; k < sizeof at / sizeof at[0]; k++)
        for (size_t i = START + (size_t)at[k] * SYMBOL; i < n; i++) {
            iq[2 * i] = (int16_t)-iq[2 * i];
            iq[2 * i + 1] = (int16_t)-iq[2 * i + 1];
        }
    snprintf(path, 64, "/tmp/fox-spoilt.XXXXXX");
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, iq, n * 2 * sizeof *iq), n * 2 * sizeof *iq);
    close(fd);
}

static void test_pump_counts_what_does_not_decode(void **state)
{
    (void)state;
    char path[64];
    spoil_recording(path);
    radio_plan.recording = path;
    struct pump *p = opened(config());
    struct err e = {0};
    struct jval *frame = NULL;
    pump_begin(p, 0);
    assert_int_equal(pump_next_frame(p, 3 * RATE, &frame, &e), ERR_OK);
    assert_non_null(frame);
    assert_string_equal(text_of(frame, "status"), "bad_crc");
    assert_string_equal(text_of(frame, "judge"), "malformed");
    assert_int_equal(pump_malformed(p, SFX_STATUS_BAD_CRC), 1);
    assert_int_equal(pump_malformed(p, SFX_STATUS_BAD_LI), 0);
    assert_int_equal(pump_end(p, &e), ERR_OK);
    const struct jval *event = event_of("network", 0);
    assert_string_equal(text_of(event, "action"), "malformed");
    assert_int_equal(jval_int(jval_get(jval_get(event, "counts"), "bad_crc"), 0), 1);
    assert_null(jval_get(jval_get(event, "counts"), "bad_li"));

    pump_begin(p, 0); // the next attempt counts anew, and has nothing to tell
    assert_int_equal(pump_malformed(p, SFX_STATUS_BAD_CRC), 0);
    assert_int_equal(pump_end(p, &e), ERR_OK);
    assert_null(event_of("network", 1));
    jval_free(frame);
    pump_close(p);
    unlink(path);
}

static void test_pump_hands_out_each_frame_once(void **state)
{
    (void)state;
    struct pump_config c = config();
    c.t0 = 1000000;
    struct pump *p = opened(c);
    struct err e = {0};
    struct jval *frame = NULL, *none = NULL;
    assert_int_equal(pump_announce(p, &e), ERR_OK);
    assert_int_equal(pump_next_frame(p, c.t0 + 3 * RATE, &frame, &e), ERR_OK);
    assert_non_null(frame);
    assert_string_equal(text_of(frame, "device_id"), "f9b439fc");
    assert_string_equal(text_of(frame, "payload_hex"), "0f69a4ab57f985");
    assert_string_equal(text_of(frame, "packet_hex"), "4bd0fc39b4f90f69a4ab57f985f892665552");
    assert_int_equal(jval_int(jval_get(frame, "counter"), -1), 0xbd0);
    assert_true(jval_bool(jval_get(frame, "tag_ok"), false));
    assert_string_equal(text_of(frame, "judge"), "accepted");
    int64_t start = jval_int(jval_get(frame, "start"), 0);
    assert_in_range(start, c.t0 + (int64_t)(0.45 * RATE) - 60, c.t0 + (int64_t)(0.45 * RATE) + 60);
    assert_in_range((int64_t)jval_number(jval_get(frame, "f_hz"), 0), 868130000 - 4321 - 20,
                    868130000 - 4321 + 20);
    assert_true(pump_air_proven(p));
    // What the case sees is what the ledger gets.
    const struct jval *event = event_of("uplink", 0);
    assert_true(jval_equal(event, frame));
    assert_true(jval_int(jval_get(event, "t"), 0) >= jval_int(jval_get(event, "end"), 0));
    assert_string_equal(text_of(event_of("clock", 0), "type"), "clock");
    assert_int_equal(pump_next_frame(p, c.t0 + 4 * RATE, &none, &e), ERR_OK);
    assert_null(none);
    assert_null(event_of("uplink", 1));
    assert_null(pump_gap_since(p, 0));
    jval_free(frame);
    pump_close(p);
}

static void test_pump_without_a_key_judges_no_tag(void **state)
{
    (void)state;
    struct pump_config c = config();
    c.key = NULL;
    struct pump *p = opened(c);
    struct err e = {0};
    struct jval *frame = NULL;
    assert_int_equal(pump_next_frame(p, 3 * RATE, &frame, &e), ERR_OK);
    assert_string_equal(text_of(frame, "judge"), "unknown_device");
    assert_null(jval_get(frame, "tag_ok"));
    jval_free(frame);
    pump_close(p);
}

static void test_pump_lost_samples_are_told(void **state)
{
    (void)state;
    radio_plan.overflow_in = 3;
    struct pump *p = opened(config());
    struct err e = {0};
    assert_int_equal(pump_wait(p, 10 * BLOCK, &e), ERR_OK);
    assert_non_null(event_of("gap", 0));
    assert_null(event_of("gap", 1));
    assert_non_null(pump_gap_since(p, 0));
    assert_null(pump_gap_since(p, 5 * BLOCK));
    pump_close(p);
}

static void test_pump_stays_dead(void **state)
{
    (void)state;
    radio_plan.gone_in = 2;
    struct pump *p = opened(config());
    struct err e = {0}, again = {0};
    struct jval *none = NULL;
    assert_int_equal(pump_broken(p, &e), ERR_OK);
    assert_int_equal(pump_wait(p, 10 * BLOCK, &e), ERR_GONE);
    assert_string_equal(e.text, "radio r1: unplugged in block 2"); // the unit, not its address
    assert_int_equal(pump_next_frame(p, 10 * BLOCK, &none, &again), ERR_GONE);
    assert_string_equal(again.text, e.text);
    assert_int_equal(pump_broken(p, &again), ERR_GONE);
    pump_close(p);
}

static struct pump_answer command(struct pump *p, const char *answer, int delay, bool one_line)
{
    struct pump_answer a;
    struct err e = {0};
    port_plan.answer = answer;
    port_plan.delay = delay;
    assert_int_equal(pump_command(p, "AT", pump_now(p) + 10 * BLOCK, one_line, &a, &e), ERR_OK);
    assert_string_equal(the_port.written, "AT\r");
    return a;
}

static void test_pump_commands_and_their_answers(void **state)
{
    (void)state;
    struct pump *p = opened(config());
    assert_false(pump_port_proven(p));

    struct pump_answer a = command(p, NULL, 0, false);
    assert_int_equal(a.outcome, PUMP_TIMEOUT);
    assert_false(pump_port_proven(p));
    assert_int_equal(jval_len(a.lines), 0);
    jval_free(a.lines);

    a = command(p, "value 7\r\nOK\r", 2, false);
    assert_int_equal(a.outcome, PUMP_OK);
    assert_string_equal(a.text, "value 7");
    assert_int_equal(jval_len(a.lines), 2);
    assert_true(pump_port_proven(p));
    assert_true(a.until > a.sent);
    jval_free(a.lines);

    a = command(p, "ERR_X\r", 1, false);
    assert_int_equal(a.outcome, PUMP_ERROR);
    assert_string_equal(a.text, "ERR_X");
    jval_free(a.lines);

    a = command(p, "00F0C5A1\r", 1, true);
    assert_int_equal(a.outcome, PUMP_OK);
    assert_string_equal(a.text, "00F0C5A1");
    jval_free(a.lines);

    assert_string_equal(text_of(event_of("command", 0), "outcome"), "timeout");
    assert_string_equal(text_of(event_of("command", 1), "outcome"), "ok");
    assert_string_equal(text_of(event_of("command", 2), "answer"), "ERR_X");
    pump_close(p);
}

static void test_pump_unsolicited_bytes_become_printable_lines(void **state)
{
    (void)state;
    struct pump *p = opened(config());
    struct err e = {0};
    snprintf(the_port.due, sizeof the_port.due, "boot \x01\xff\\\r");
    struct jval *line = NULL, *none = NULL;
    assert_int_equal(pump_next_line(p, 5 * BLOCK, &line, &e), ERR_OK);
    assert_string_equal(text_of(line, "text"), "boot \\x01\\xff\\x5c");
    assert_true(jval_equal(event_of("line", 0), line));
    assert_int_equal(pump_next_line(p, pump_now(p) + 5 * BLOCK, &none, &e), ERR_OK);
    assert_null(none);
    jval_free(line);
    assert_int_equal(pump_end(p, &e), ERR_OK);
    assert_non_null(strstr((char *)sink.log.data, "< boot \\x01\\xff\\x5c"));
    pump_close(p);
}

static void test_pump_survives_a_flood_of_lines(void **state)
{
    (void)state;
    radio_plan.recording = NULL;
    struct pump *p = opened(config());
    struct err e = {0};
    sink.count_only = true;
    for (int i = 0; i < 6000; i += 100) {
        for (int k = 0; k < 200; k++)
            the_port.due[k] = k % 2 ? '\r' : 'x';
        assert_int_equal(pump_step(p, &e), ERR_OK);
    }
    assert_int_equal(pump_end(p, &e), ERR_OK);
    assert_int_equal(sink.n, 1000 + 1); // and the note on the rest
    pump_begin(p, 0);
    pump_close(p);
}

static void test_pump_port_that_goes_is_the_end(void **state)
{
    (void)state;
    struct pump *p = opened(config());
    struct pump_answer a;
    struct err e = {0};
    port_plan.gone = true;
    assert_int_equal(pump_command(p, "AT", BLOCK, false, &a, &e), ERR_GONE);
    assert_int_equal(pump_broken(p, &e), ERR_GONE);
    jval_free(a.lines);
    pump_close(p);
}

static void test_pump_switches(void **state)
{
    (void)state;
    struct pump *p = opened(config());
    struct err e = {0};
    assert_int_equal(pump_switch(p, PUMP_POWER, true, &e), ERR_OK);
    assert_true(the_port.lines[PORT_LINE_RTS]);
    assert_true(jval_bool(jval_get(event_of("power", 0), "on"), false));
    assert_int_equal(pump_switch(p, PUMP_RESET, true, &e), ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "no reset line"));
    assert_int_equal(pump_broken(p, &e), ERR_OK);
    pump_close(p);
}

static void test_pump_deadline_stops_the_attempt_only(void **state)
{
    (void)state;
    struct pump *p = opened(config());
    struct err e = {0};
    pump_begin(p, 5 * BLOCK);
    assert_int_equal(pump_wait(p, 20 * BLOCK, &e), ERR_LIMIT);
    assert_int_equal(pump_now(p), 5 * BLOCK);
    pump_begin(p, 0);
    assert_int_equal(pump_wait(p, 20 * BLOCK, &e), ERR_OK);
    pump_close(p);
}

static void test_pump_capture_is_the_recording_again(void **state)
{
    (void)state;
    struct pump_config c = config();
    c.t0 = 777;
    struct pump *p = opened(c);
    struct err e = {0};
    struct jval *frame = NULL, *frames = jval_array(), *meta = NULL;
    bool kept = false;
    assert_int_equal(pump_next_frame(p, c.t0 + 3 * RATE, &frame, &e), ERR_OK);
    int64_t from = jval_int(jval_get(frame, "start"), 0) - 100,
            to = jval_int(jval_get(frame, "end"), 0) + 100;
    assert_int_equal(jval_append(frames, frame, &e), ERR_OK);
    assert_int_equal(pump_capture(p, "m", "a note", from, to, frames, &kept, &e), ERR_OK);
    assert_true(kept);
    assert_string_equal(sink.data_path, "iq/m.sigmf-data");

    struct bytes original;
    bytes_init(&original, 1 << 24);
    assert_int_equal(bytes_read_file(&original, radio_plan.recording, &e), 0);
    assert_int_equal(sink.data.len, 4 * (to - from));
    assert_memory_equal(sink.data.data, original.data + 4 * (from - c.t0), sink.data.len);
    assert_int_equal(jval_parse(&meta, (char *)sink.meta.data, sink.meta.len, &e), ERR_OK);
    const struct jval *global = jval_get(meta, "global"),
                      *note = jval_at(jval_get(meta, "annotations"), 0);
    assert_string_equal(text_of(global, "core:datatype"), "ci16_le");
    assert_int_equal((int)jval_number(jval_get(global, "core:sample_rate"), 0), RATE);
    assert_int_equal(jval_int(jval_get(note, "core:sample_start"), 0), 100);
    assert_int_equal(jval_int(jval_get(note, "core:sample_count"), 0), to - from - 200);

    // Older than what is kept.
    assert_int_equal(pump_wait(p, 15 * RATE, &e), ERR_OK);
    assert_int_equal(pump_capture(p, "m", "late", from, to, frames, &kept, &e), ERR_OK);
    assert_false(kept);
    bytes_deinit(&original);
    jval_free(meta);
    jval_free(frames);
    pump_close(p);
}

static void test_pump_refuses_a_band_outside_the_radio(void **state)
{
    (void)state;
    struct pump_config c = config();
    c.high_hz += 100000;
    struct pump *p = NULL;
    struct err e = {0};
    assert_int_equal(pump_open(&p, &c, &sink_ops, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "does not fit"));
}

static void test_pump_ends_with_its_supervisor(void **state)
{
    (void)state;
    struct pump *p = opened(config());
    struct err e = {0};
    sink.gone = true;
    assert_int_equal(pump_wait(p, 3 * RATE, &e), ERR_GONE);
    pump_close(p);
}

static struct pump_config sending(void)
{
    struct pump_config c = config();
    c.t0 = 5000;
    c.zone = sfx_zone_find("RC1");
    c.radio.transmit = true;
    c.downlink_dbm = -10;
    c.permit = (struct air_permit){
        .unit = "r1",
        .paths = {{.to = "d1", .kind = "conducted", .attenuation_db = 100}},
        .n_paths = 1,
        .bands = {{.low_hz = 869300000, .high_hz = 869750000, .max_dbm = 0}},
        .n_bands = 1,
    };
    return c;
}

static void test_pump_sends_a_downlink_at_its_time(void **state)
{
    (void)state;
    memset(&radio_sent, 0, sizeof radio_sent);
    const int rate = 250000; // room for the oscillator beside the burst
    radio_plan.rate_hz = rate;
    radio_plan.recording = NULL;
    struct pump *p = opened(sending());
    struct err e = {0};
    const struct pump_sent *sent;
    const char *refusal;
    int64_t at = pump_now(p) + 3 * rate;
    const struct pump_downlink d = {.counter = 7, .f_hz = 869525000, .at_sample = at};
    assert_int_equal(pump_downlink(p, &d, &e), ERR_OK);
    assert_int_equal(pump_wait(p, at + rate, &e), ERR_OK);
    assert_int_equal(pump_sent(p, &sent, &refusal), 1);
    assert_null(refusal);
    assert_int_equal(sent[0].start, at);
    assert_in_range(sent[0].end - at, (int64_t)(224 * rate / 600.0) - 1,
                    (int64_t)(224 * rate / 600.0) + 2);
    // The radio counts its own samples; its burst has a ramp before the first bit.
    assert_in_range(radio_sent.at, at - 5000 - rate / 100, at - 5000);
    assert_false(radio_sent.lo_on);
    assert_int_equal(radio_sent.switches, 2);
    const struct jval *event = event_of("downlink", 0);
    assert_int_equal(jval_int(jval_get(event, "start"), 0), at);
    assert_true(jval_bool(jval_get(event, "genuine"), false));
    pump_close(p);
}

static void test_pump_says_what_was_not_sent(void **state)
{
    (void)state;
    struct pump *p = opened(sending());
    struct err e = {0};
    const struct pump_sent *sent;
    const char *refusal;
    memset(&radio_sent, 0, sizeof radio_sent);
    const struct pump_downlink d = {.f_hz = 868130000,
                                    .at_sample = pump_now(p) + 2 * RATE}; // outside the permit
    assert_int_equal(pump_downlink(p, &d, &e), ERR_OK);
    assert_int_equal(pump_wait(p, d.at_sample, &e), ERR_OK);
    assert_int_equal(pump_sent(p, &sent, &refusal), 0);
    assert_non_null(refusal);
    assert_non_null(strstr(refusal, "permitted"));
    assert_int_equal(radio_sent.n, 0);
    assert_int_equal(pump_silence(p, &e), ERR_OK);
    assert_int_equal(pump_sent(p, &sent, &refusal), 0);
    assert_null(refusal);
    pump_close(p);

    p = opened(config());
    assert_int_equal(pump_downlink(p, &d, &e), ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "transmit = true"));
    pump_close(p);
}

static const uint8_t other_nak[16] = {0x3c, 0x2f, 0x9a, 0x77, 0x15, 0xe8, 0x4b, 0xd0,
                                      0x86, 0x1c, 0x7e, 0x02, 0xf9, 0x5a, 0xd3, 0x4b};

// The device and two samples, the second of which carries the identifier of the first.
static struct pump_config fleet_config(struct secret *other)
{
    struct pump_config c = config();
    assert_int_equal(secret_init(other, other_nak, sizeof other_nak, NULL), ERR_OK);
    for (unsigned i = 0; i < 2; i++)
        c.samples[i] = (struct pump_unit_config){
            .uart_unit = i ? "d3" : "d2",
            .port = {.path = i ? "/port/2" : "/port/1", .baud = 9600},
            .lines = {[PUMP_POWER] = PORT_LINE_RTS, [PUMP_RESET] = -1},
            .device_id = 0x11223344,
            .key = i ? other : &key,
        };
    c.n_samples = 2;
    return c;
}

static void test_pump_samples_take_the_place(void **state)
{
    (void)state;
    struct secret other;
    struct pump *p = opened(fleet_config(&other));
    struct err e = {0};
    struct pump_answer a;
    assert_int_equal(pump_announce(p, &e), ERR_OK);
    assert_string_equal(text_of(event_of("instrument", 3), "unit"), "d3");
    assert_int_equal(pump_samples(p), 2);
    a = command(p, "OK\r", 0, false);
    jval_free(a.lines);
    assert_true(pump_port_proven(p));

    // What a sample said before its time is nobody's.
    snprintf(sample_ports[1].due, sizeof sample_ports[1].due, "OK\rOK\r");
    assert_int_equal(pump_use(p, 2, &e), ERR_OK);
    assert_string_equal(sample_ports[1].due, "");
    assert_false(pump_port_proven(p));
    assert_int_equal(pump_switch(p, PUMP_POWER, true, &e), ERR_OK);
    assert_true(sample_ports[1].lines[PORT_LINE_RTS]);
    assert_false(sample_ports[0].lines[PORT_LINE_RTS]);
    assert_false(the_port.lines[PORT_LINE_RTS]);
    assert_string_equal(text_of(event_of("power", 0), "unit"), "d3");

    port_plan.answer = "key 3c2f9a7715e84bd0\rOK\r";
    assert_int_equal(pump_command(p, "KEY", pump_now(p) + 10 * BLOCK, false, &a, &e), ERR_OK);
    assert_string_equal(sample_ports[1].written, "KEY\r");
    assert_string_equal(the_port.written, "AT\r");
    assert_string_equal(a.text, "key ****************");
    jval_free(a.lines);
    assert_string_equal(text_of(event_of("command", 1), "unit"), "d3");
    assert_true(pump_port_proven(p));
    struct pump_leak leak;
    char fingerprint[SECRET_FINGERPRINT_LEN];
    assert_int_equal(pump_leaks(p, &leak), 1);
    secret_fingerprint(&other, fingerprint);
    assert_string_equal(leak.fingerprint, fingerprint);

    assert_int_equal(pump_switch(p, PUMP_RESET, true, &e), ERR_UNSUPPORTED);
    assert_string_equal(e.text, "the bench file declares no reset line for the sample at d3; add "
                                "reset = … to its entry in samples");
    assert_int_equal(pump_use(p, 3, &e), ERR_INVALID);
    assert_string_equal(e.text, "expected a unit from 0, the device under test, to 2, got 3");
    pump_close(p);
    secret_deinit(&other);
}

// However an attempt ends, the next one has the device, and the samples are off.
static void test_pump_ends_with_the_device(void **state)
{
    (void)state;
    struct secret other;
    struct pump *p = opened(fleet_config(&other));
    struct err e = {0};
    assert_int_equal(pump_use(p, 1, &e), ERR_OK);
    assert_int_equal(pump_switch(p, PUMP_POWER, true, &e), ERR_OK);
    assert_int_equal(pump_end(p, &e), ERR_OK);
    assert_false(sample_ports[0].lines[PORT_LINE_RTS]);
    assert_string_equal(text_of(event_of("power", 1), "unit"), "d2");
    assert_false(jval_bool(jval_get(event_of("power", 1), "on"), true));
    assert_int_equal(bytes_append(&sink.log, "", 1, &e), ERR_OK);
    assert_non_null(strstr((const char *)sink.log.data, " @ d2\n"));
    assert_int_equal(pump_switch(p, PUMP_POWER, true, &e), ERR_OK);
    assert_true(the_port.lines[PORT_LINE_RTS]);
    pump_close(p);
    secret_deinit(&other);
}

// The recording is of the device f9b439fc. A sample that carries this identifier, too, is judged
// with its own key while it is in use, and only then.
static void test_pump_judges_a_double_with_its_own_key(void **state)
{
    (void)state;
    struct err e = {0};
    for (unsigned unit = 0; unit < 2; unit++) {
        struct secret other;
        struct pump_config c = fleet_config(&other);
        c.samples[0].device_id = c.device_id;
        c.samples[0].key = &other;
        c.n_samples = 1;
        struct pump *p = opened(c);
        struct jval *frame = NULL;
        assert_int_equal(pump_use(p, unit, &e), ERR_OK);
        assert_int_equal(pump_next_frame(p, 3 * RATE, &frame, &e), ERR_OK);
        assert_string_equal(text_of(frame, "judge"), unit ? "bad_tag" : "accepted");
        jval_free(frame);
        pump_close(p);
        secret_deinit(&other);
    }
}

// ---- the core network's memory, its operator and its monitor

// A worker that tells of its events, and never ends by itself.
static _Noreturn void be_a_worker(int told)
{
    struct err e = {0};
    struct pump *p = opened(config());
    size_t said = 0;
    if (pump_announce(p, &e) < 0) _exit(3);
    for (;;) {
        for (; said < sink.n; said++) {
            char *text = jval_dump(sink.events[said], &e);
            if (!text || write(told, text, strlen(text)) < 0 || write(told, "\n", 1) != 1) _exit(4);
            free(text);
        }
        if (pump_step(p, &e) < 0) _exit(5);
        if (sink.n > said) continue;
        usleep(1000);
    }
}

// Kills it after its first frame, before the next; what the supervisor remembers of its events.
static struct jval *kill_after_a_frame(void)
{
    int told[2];
    char line[4096];
    struct err e = {0};
    struct jval *memory = jval_array(), *kept;
    bool heard = false;
    assert_int_equal(pipe(told), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        close(told[0]);
        be_a_worker(told[1]);
    }
    close(told[1]);
    FILE *in = fdopen(told[0], "r");
    assert_non_null(in);
    while (!heard && fgets(line, sizeof line, in)) {
        struct jval *event = NULL;
        assert_int_equal(jval_parse(&event, line, strlen(line), &e), ERR_OK);
        heard = strcmp(text_of(event, "type"), "uplink") == 0;
        assert_int_equal(history_extract(event, &kept, &e), ERR_OK);
        if (kept) assert_int_equal(jval_append(memory, kept, &e), ERR_OK);
        jval_free(event);
    }
    int status;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    fclose(in);
    assert_true(heard);
    assert_int_equal(jval_len(memory), 2); // the clock and the frame
    return memory;
}

// The recording played again, 20 s later, to a new worker: with and without the memory of the lost
// one.
static void test_pump_takes_no_replay_after_a_kill(void **state)
{
    (void)state;
    struct err e = {0};
    struct jval *memory = kill_after_a_frame();
    for (int knows = 0; knows < 2; knows++) {
        struct pump_config c = config();
        c.t0 = 20 * RATE;
        struct pump *p = opened(c);
        struct jval *frame = NULL;
        assert_int_equal(pump_announce(p, &e), ERR_OK);
        if (knows && pump_recall(p, memory, &e) < 0) fail_msg("%s", e.text);
        assert_int_equal(pump_next_frame(p, c.t0 + 3 * RATE, &frame, &e), ERR_OK);
        assert_string_equal(text_of(frame, "judge"), knows ? "replay" : "accepted");
        jval_free(frame);
        pump_close(p);
    }
    // what the device's key did not make, or a network that there is not, is no memory
    struct jval *last = jval_at(memory, 1);
    assert_int_equal(jval_set(last, "sample", jval_make(&e, "i", 1), &e), ERR_OK);
    struct pump *p = opened(config());
    assert_int_equal(pump_recall(p, memory, &e), ERR_FORMAT);
    assert_non_null(strstr(e.text, "expected a sample that has a network of its own, got 1"));
    pump_close(p);
    jval_free(memory);
}

static void test_pump_acts_as_the_operator(void **state)
{
    (void)state;
    struct err e = {0};
    struct pump_config c = config();
    struct pump *p = opened(c);
    struct jval *frame = NULL;
    const struct pump_target device = {.device_id = c.device_id};
    pump_begin(p, 0);
    assert_int_equal(pump_block(p, &device, true, "a test", &e), ERR_OK);
    assert_int_equal(pump_next_frame(p, 3 * RATE, &frame, &e), ERR_OK);
    assert_string_equal(text_of(frame, "judge"), "blocked");
    assert_true(jval_bool(jval_get(frame, "tag_ok"), false));
    const struct jval *act = event_of("network", 0);
    assert_string_equal(text_of(act, "action"), "block");
    assert_string_equal(text_of(act, "who"), "suite");
    assert_string_equal(text_of(act, "device_id"), "f9b439fc");
    assert_string_equal(text_of(act, "reason"), "a test");
    jval_free(frame);

    // the next attempt has an open network
    assert_int_equal(pump_end(p, &e), ERR_OK);
    act = event_of("network", 1);
    assert_string_equal(text_of(act, "action"), "unblock");
    assert_string_equal(text_of(act, "who"), "bench");
    assert_null(event_of("network", 2));

    const struct pump_target stranger = {.device_id = 1},
                             nowhere = {.is_station = true, .station = 1};
    assert_int_equal(pump_block(p, &stranger, true, "a test", &e), ERR_NOTFOUND);
    assert_int_equal(pump_block(p, &nowhere, true, "a test", &e), ERR_INVALID);
    assert_string_equal(e.text, "there is no station 2: the bench file declares 1 radio(s)");
    assert_int_equal(pump_disengage(p, 1, "a test", &e), ERR_NOTFOUND);
    assert_null(event_of("network", 2));
    pump_close(p);

    // a blocked station hears nothing, and the frame says nothing of a tag that nobody looked at
    p = opened(c);
    const struct pump_target here = {.is_station = true};
    assert_int_equal(pump_block(p, &here, true, "a test", &e), ERR_OK);
    assert_int_equal(jval_int(jval_get(event_of("network", 2), "station"), 0), 1);
    assert_int_equal(pump_next_frame(p, 3 * RATE, &frame, &e), ERR_OK);
    assert_string_equal(text_of(frame, "judge"), "blocked");
    assert_null(jval_get(frame, "tag_ok"));
    jval_free(frame);
    pump_close(p);
}

// Declared to speak once in 2 s: after these and the time of a message the monitor tells of it,
// once; the rules of a suite end with its attempt.
static void test_pump_tells_what_the_monitor_saw(void **state)
{
    (void)state;
    struct err e = {0};
    struct pump_config c = config();
    c.interval_s = 2;
    struct pump *p = opened(c);
    struct monitor_rules rules = pump_default_rules(p);
    rules.block_device = 1u << MONITOR_SILENCE;
    pump_begin(p, 0);
    assert_int_equal(pump_set_rules(p, &rules, &e), ERR_OK);
    assert_int_equal(pump_wait(p, 10 * RATE, &e), ERR_OK);
    assert_null(event_of("alarm", 0)); // heard at 0.45 s
    assert_int_equal(pump_wait(p, 14 * RATE, &e), ERR_OK);
    const struct jval *alarm = event_of("alarm", 0);
    assert_non_null(alarm);
    assert_string_equal(text_of(alarm, "kind"), "silence");
    assert_string_equal(text_of(alarm, "device_id"), "f9b439fc");
    assert_string_equal(text_of(alarm, "reason"), "nothing of the device was accepted for 10 s, at "
                                                  "most 2 s are declared");
    assert_string_equal(jval_text(jval_at(jval_get(alarm, "blocks"), 0), ""), "device");
    assert_null(jval_get(alarm, "unit"));
    assert_null(event_of("alarm", 1));
    assert_int_equal(pump_alarm(p, 0)->kind, MONITOR_SILENCE);
    assert_null(pump_alarm(p, 1));
    assert_int_equal(pump_end(p, &e), ERR_OK);
    assert_string_equal(text_of(event_of("network", 0), "action"), "unblock");
    pump_begin(p, 0);
    assert_null(pump_alarm(p, 0));
    pump_close(p);
}

// ---- a second radio

static const struct air_permit second_permit = {
    .unit = "r2",
    .paths = {{.to = "r1", .kind = "conducted", .attenuation_db = 85}},
    .n_paths = 1,
    .bands = {{.low_hz = 868e6, .high_hz = 868.3e6, .max_dbm = 7}},
    .n_bands = 1,
};

static struct pump_config with_second(void)
{
    struct pump_config c = config();
    c.n_stations = 1;
    c.stations[0] = (struct pump_station_config){
        .unit = "r2",
        .radio = {.uri = "ip:127.0.0.1:4712", .lo_hz = 868130000.0, .transmit = true},
        .permit = second_permit};
    c.armed = AIR_ARMED_INTERFERENCE;
    return c;
}

static void use_ok(struct pump *p, unsigned others)
{
    struct err e = {0};
    if (pump_use_radios(p, others, 0, &e) < 0) fail_msg("%s", e.text);
    assert_int_equal(pump_radios(p, NULL), others);
}

static void jam_refused(struct pump *p, unsigned by, int code, const char *part)
{
    const struct pump_jam_request request = {
        .by = by, .ranks = 1, .js_db = 20, .wave = phy_jam_wave_default(PHY_JAM_cw)};
    struct err e = {0};
    unsigned id = 0;
    assert_int_equal(pump_jam_start(p, &request, &id, &e), code);
    if (!strstr(e.text, part)) fail_msg("expected '%s' in: %s", part, e.text);
}

static void test_pump_opens_a_second_radio_on_demand(void **state)
{
    (void)state;
    radio_plan.overflow_in = 30;
    struct pump *p = opened(with_second());
    struct err e = {0};
    assert_int_equal(pump_wait(p, 10 * BLOCK, &e), ERR_OK);
    use_ok(p, 1);
    assert_int_equal(pump_now(p), 10 * BLOCK); // time stood still
    assert_string_equal(text_of(event_of("instrument", 0), "unit"), "r2");
    use_ok(p, 1); // nothing to do
    assert_null(event_of("instrument", 1));
    assert_null(event_of("gap", 0));
    // The first radio's block 30 comes 20 blocks later, the second one's 30 blocks later.
    assert_int_equal(pump_wait(p, 50 * BLOCK, &e), ERR_OK);
    assert_string_equal(text_of(event_of("gap", 0), "unit"), "r1");
    assert_string_equal(text_of(event_of("gap", 1), "unit"), "r2");
    assert_non_null(pump_gap_since(p, 41 * BLOCK));
    assert_non_null(pump_heard(p, 1, 0)); // the recording's frame, in the second one's samples
    assert_int_equal(pump_heard(p, 1, 0)->counter, 0xbd0);
    assert_in_range(pump_heard(p, 1, 0)->start, 10 * BLOCK + (int64_t)(0.45 * RATE) - 60,
                    10 * BLOCK + (int64_t)(0.45 * RATE) + 60);
    use_ok(p, 0);
    assert_int_equal(pump_wait(p, 60 * BLOCK, &e), ERR_OK);
    assert_int_equal(pump_use_radios(p, 2, 0, &e), ERR_USAGE);
    pump_close(p);
}

static void test_pump_jams_only_what_it_may(void **state)
{
    (void)state;
    struct pump *p = opened(with_second());
    struct err e = {0};
    jam_refused(p, 1, ERR_UNSUPPORTED, "r2 cannot jam: it is not open");
    jam_refused(p, 0, ERR_UNSUPPORTED, "r1 cannot jam");
    use_ok(p, 1);
    jam_refused(p, 1, ERR_INVALID, "let a message go unjammed first");
    assert_int_equal(pump_wait(p, 4 * RATE, &e), ERR_OK); // both play the same frame
    const struct pump_jam_request request = {
        .by = 1, .ranks = 5, .js_db = 20, .wave = phy_jam_wave_default(PHY_JAM_cw)};
    unsigned id = 0;
    if (pump_jam_start(p, &request, &id, &e) < 0) fail_msg("%s", e.text);
    jam_refused(p, 1, ERR_INVALID, "r2 jams already");
    assert_int_equal(pump_jam_stop(p, id + 1, &e), ERR_OK); // another one's end
    jam_refused(p, 1, ERR_INVALID, "r2 jams already");
    assert_int_equal(pump_jam_stop(p, id, &e), ERR_OK);
    assert_int_equal(pump_jam_stop(p, id, &e), ERR_OK);
    assert_false(radio_sent.lo_on);
    if (pump_jam_start(p, &request, &id, &e) < 0) fail_msg("%s", e.text);
    assert_int_equal(pump_end(p, &e), ERR_OK); // the attempt's end is the jammer's
    if (pump_jam_start(p, &request, &id, &e) < 0) fail_msg("%s", e.text);
    pump_close(p);
}

static void test_pump_jams_nobody_unarmed(void **state)
{
    (void)state;
    struct pump_config c = with_second();
    c.armed = 0;
    struct pump *p = opened(c);
    struct err e = {0};
    use_ok(p, 1);
    assert_int_equal(pump_wait(p, 4 * RATE, &e), ERR_OK);
    jam_refused(p, 1, ERR_USAGE, "--arm interference");
    pump_close(p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_pump_counts_what_does_not_decode),
        TEST(test_pump_hands_out_each_frame_once),
        TEST(test_pump_without_a_key_judges_no_tag),
        TEST(test_pump_lost_samples_are_told),
        TEST(test_pump_stays_dead),
        TEST(test_pump_commands_and_their_answers),
        TEST(test_pump_unsolicited_bytes_become_printable_lines),
        TEST(test_pump_survives_a_flood_of_lines),
        TEST(test_pump_port_that_goes_is_the_end),
        TEST(test_pump_switches),
        TEST(test_pump_deadline_stops_the_attempt_only),
        TEST(test_pump_capture_is_the_recording_again),
        TEST(test_pump_refuses_a_band_outside_the_radio),
        TEST(test_pump_ends_with_its_supervisor),
        TEST(test_pump_sends_a_downlink_at_its_time),
        TEST(test_pump_says_what_was_not_sent),
        TEST(test_pump_samples_take_the_place),
        TEST(test_pump_ends_with_the_device),
        TEST(test_pump_judges_a_double_with_its_own_key),
        TEST(test_pump_takes_no_replay_after_a_kill),
        TEST(test_pump_acts_as_the_operator),
        TEST(test_pump_tells_what_the_monitor_saw),
        TEST(test_pump_opens_a_second_radio_on_demand),
        TEST(test_pump_jams_only_what_it_may),
        TEST(test_pump_jams_nobody_unarmed),
    };
    return cmocka_run_group_tests_name("pump", tests, NULL, NULL);
}
