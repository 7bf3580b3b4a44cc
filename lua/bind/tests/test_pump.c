// The pump over a radio and a port that do what a test wants: frames, gaps, ends, answers and
// evidence.
#include <math.h>
#include <unistd.h>

#include "lua/bind/pump_internal.h"
#include "lua/bind/tests/pump_rig.h"

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

// What the recording's maker says of it, absolute in frequency and time, and a power in dBm only by
// a calibration.
static void test_pump_measures_a_frame(void **state)
{
    (void)state;
    struct pump_config c = config();
    c.t0 = 1000000;
    c.calibration =
        (struct pump_calibration){.known = true, .full_scale_dbm = -70, .gain_db = 4, .u_db = 0.5};
    struct pump *p = opened(c);
    struct err e = {0};
    struct jval *frame = NULL, *made = NULL;
    assert_int_equal(pump_next_frame(p, c.t0 + 3 * RATE, &frame, &e), ERR_OK);
    assert_non_null(frame);
    if (pump_measure(p, frame, &made, &e) < 0) fail_msg("%s", e.text);
    const struct jval *f = jval_get(made, "f_mid_hz"), *dbm = jval_get(made, "power_dbm");
    const double middle_s = (double)c.t0 / RATE + 0.45 + (2.22 - 0.45) / 2;
    assert_true(fabs(number_of(f, "value") - (868130000 - 4321)) < 0.01);
    assert_true(number_of(f, "u") > 0 && number_of(f, "u") < 0.01);
    assert_true(fabs(number_of(jval_get(made, "t_mid_s"), "value") - middle_s) < 0.02);
    // Power 10 log10(2 * 12.9099^2 / 2 / 2047^2 …): the truth gives both components' rms together.
    const double dbfs = number_of(jval_get(made, "power_dbfs"), "value");
    assert_true(fabs(dbfs - 20 * log10(12.9099 * sqrt(2) / 2047)) < 3.2);
    // The fake radio has a gain of 0 dB, four less than at the calibration.
    assert_true(fabs(number_of(dbm, "value") - (dbfs - 70 + 4)) < 0.02);
    assert_true(number_of(dbm, "u") >= 0.5);
    assert_int_equal(jval_len(jval_get(made, "mask")), 5);
    jval_free(made);

    // Its pictures are evidence, once an attempt.
    char name[128];
    snprintf(name, sizeof name, "frames/%lld-spectrogram.png",
             (long long)jval_int(jval_get(frame, "start"), 0));
    assert_int_equal(sink.n_pictures, 2);
    assert_string_equal(sink.picture_paths[0], name);
    snprintf(strrchr(name, '-'), 16, "-phase.png");
    assert_string_equal(sink.picture_paths[1], name);
    assert_int_equal(pump_draw(p, frame, &e), ERR_OK);
    assert_int_equal(sink.n_pictures, 2);
    pump_begin(p, 0);
    assert_int_equal(pump_draw(p, frame, &e), ERR_OK);
    assert_int_equal(sink.n_pictures, 4);
    // No more than twelve frames of one: each of these has another place in time.
    const int64_t start = jval_int(jval_get(frame, "start"), 0);
    for (int i = 1; i < 20; i++) {
        assert_int_equal(jval_set(frame, "start", jval_make(&e, "I", (long long)start + i), &e), 0);
        assert_int_equal(pump_draw(p, frame, &e), ERR_OK);
    }
    assert_int_equal(sink.n_pictures, 2 + 24);

    assert_int_equal(pump_wait(p, c.t0 + 20 * RATE, &e), ERR_OK);
    assert_int_equal(pump_measure(p, frame, &made, &e), ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "samples are gone"));
    assert_int_equal(jval_set(frame, "status", jval_make(&e, "s", "bad_crc"), &e), ERR_OK);
    assert_int_equal(pump_measure(p, frame, &made, &e), ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "does not decode"));
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

// Says `text`, the rest of it `blocks` later, and gives back how the lines of the attempt came.
static struct pump_line_state heard(struct pump *p, const char *text, const char *rest, int blocks)
{
    struct err e = {0};
    snprintf(the_port.due, sizeof the_port.due, "%s", text);
    for (int i = 0; i < blocks; i++)
        assert_int_equal(pump_step(p, &e), ERR_OK);
    snprintf(the_port.due, sizeof the_port.due, "%s", rest);
    assert_int_equal(pump_step(p, &e), ERR_OK);
    return pump_line_state(p);
}

static void test_pump_weighs_how_lines_come(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int blocks; // of 85 ms between its third byte and the rest
        unsigned spoiled, in_pieces;
    } rows[] = {
        {"OK, and\tmore\r", 1, 0, 0},
        {"grad \xc3\x9f \xe2\x82\xac \xf0\x9f\xa6\x8a\r", 1, 0, 0}, // UTF-8
        {"OK\xcb more\r", 1, 1, 0},
        {"cut \xc3\r", 1, 1, 0}, // the beginning of a character
        {"bell \x07\r", 1, 1, 0},
        {"RX=\x01\xff\x80\x81\r", 1, 0, 0}, // four bytes as they are
        {"RX=\x01\xff\x80\x81\x82\r", 1, 1, 0},
        {"TX=\x01\xff\x80\x81\r", 1, 1, 0},
        {"00F0C5A1\r", 2, 0, 0}, // one is not seen, and the other within the dialect's 0.1 s
        {"00F0C5A1\r", 3, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pump_config c = config();
        c.radio.block_samples = BLOCK;
        c.dialect.downlink = "RX=";
        c.dialect.downlink_raw_len = 4;
        c.dialect.pause_s = 0.1;
        struct pump *p = opened(c);
        char first[4] = "";
        memcpy(first, rows[i].text, 3);
        const struct pump_line_state s = heard(p, first, rows[i].text + 3, rows[i].blocks);
        if (s.spoiled != rows[i].spoiled || s.in_pieces != rows[i].in_pieces)
            fail_msg("row %zu: %u spoiled, %u in pieces", i, (unsigned)s.spoiled,
                     (unsigned)s.in_pieces);
        assert_int_equal(s.text[0] != '\0', s.spoiled + s.in_pieces > 0);
        assert_int_equal(s.unfinished, 0);
        assert_int_equal(heard(p, "OK", "x", 1).unfinished, 3);
        pump_begin(p, 0);
        assert_int_equal(pump_line_state(p).spoiled + pump_line_state(p).in_pieces, 0);
        pump_close(p);
    }
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
    assert_int_equal(sink.n_pictures, 2);

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

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_pump_counts_what_does_not_decode),
        TEST(test_pump_hands_out_each_frame_once),
        TEST(test_pump_measures_a_frame),
        TEST(test_pump_without_a_key_judges_no_tag),
        TEST(test_pump_lost_samples_are_told),
        TEST(test_pump_stays_dead),
        TEST(test_pump_commands_and_their_answers),
        TEST(test_pump_unsolicited_bytes_become_printable_lines),
        TEST(test_pump_weighs_how_lines_come),
        TEST(test_pump_survives_a_flood_of_lines),
        TEST(test_pump_port_that_goes_is_the_end),
        TEST(test_pump_switches),
        TEST(test_pump_deadline_stops_the_attempt_only),
        TEST(test_pump_capture_is_the_recording_again),
        TEST(test_pump_refuses_a_band_outside_the_radio),
        TEST(test_pump_ends_with_its_supervisor),
    };
    return cmocka_run_group_tests_name("pump", tests, NULL, NULL);
}
