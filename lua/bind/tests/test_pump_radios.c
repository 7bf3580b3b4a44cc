// The pump's radios: downlinks that leave, further radios, jammers that may not, and what the bench
// hears of itself.
#include <math.h>

#include "lua/bind/tests/pump_rig.h"

static void test_pump_sends_a_downlink_at_its_time(void **state)
{
    (void)state;
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

// ---- what the bench hears of itself

enum { WIDE = 250000 };
static const double loss_db = 35, monitor_lo_hz = 869450000;

// The second radio listens to the downlinks of the first.
static struct pump_config monitored(void)
{
    struct pump_config c = sending();
    radio_plan.rate_hz = WIDE;
    radio_plan.recording = NULL;
    radio_plan.way = (struct rig_way){.open = true, .loss_db = loss_db};
    c.permit.paths[1] =
        (struct air_path){.to = "r2", .kind = "conducted", .attenuation_db = loss_db};
    c.permit.n_paths = 2;
    c.n_stations = 1;
    c.stations[0] =
        (struct pump_station_config){.unit = "r2",
                                     .radio = {.uri = "ip:127.0.0.1:4712", .lo_hz = 868130000.0},
                                     .downlink_lo_hz = monitor_lo_hz};
    return c;
}

static void monitor(struct pump *p)
{
    struct err e = {0};
    if (pump_use_radios(p, 0, 1, &e) < 0) fail_msg("%s", e.text);
}

// Sends one downlink and waits until it can have been heard.
static struct pump_sent send_one(struct pump *p)
{
    struct err e = {0};
    const struct pump_sent *sent;
    const char *refusal;
    const int64_t at = pump_now(p) + 2 * WIDE;
    const struct pump_downlink d = {.counter = 7, .f_hz = 869525000, .at_sample = at};
    assert_int_equal(pump_downlink(p, &d, &e), ERR_OK);
    if (pump_wait(p, at + 6 * WIDE / 10, &e) < 0) fail_msg("%s", e.text);
    size_t n = pump_sent(p, &sent, &refusal);
    assert_true(n > 0);
    assert_null(refusal);
    return sent[n - 1];
}

static void test_pump_hears_its_own_downlinks(void **state)
{
    (void)state;
    struct pump *p = opened(monitored());
    monitor(p);
    for (size_t i = 0; i < 2; i++) {
        const struct pump_sent sent = send_one(p);
        assert_true(sent.looked && sent.heard);
        assert_string_equal(sent.why, "");
        const struct jval *echo = event_of("echo", i);
        assert_string_equal(text_of(echo, "unit"), "r2");
        assert_string_equal(text_of(echo, "by"), "r1");
        assert_true(fabs(number_of(echo, "late_samples")) < 1);
        assert_true(fabs(number_of(echo, "off_hz")) < 1);
        assert_true(fabs(number_of(echo, "dbfs") - (-10 - loss_db + 24)) < 0.5);
        assert_int_equal(jval_int(jval_get(echo, "bit_errors"), -1), 0);
    }
    assert_null(event_of("note", 0));
    pump_close(p);
}

// Each way in which a burst may not be what was ordered; where a second one is sent, it is judged
// by the first, which was in order.
static void test_pump_tells_what_did_not_go_out_as_ordered(void **state)
{
    (void)state;
    const struct {
        struct rig_way way;
        bool after_a_good_one;
        const char *why;
    } rows[] = {
        {{.open = false}, false, "nothing like it was on the air"},
        {{.open = true, .loss_db = loss_db, .dark = true}, true, "nothing like it was on the air"},
        {{.open = true, .loss_db = loss_db + 8}, false, "8.0 dB weaker than ordered"},
        {{.open = true, .loss_db = loss_db - 8}, false, "8.0 dB stronger than ordered"},
        {{.open = true, .loss_db = loss_db, .late = 500}, true, "2.000 ms late"},
        {{.open = true, .loss_db = loss_db, .late = -13000}, false, "52.000 ms early"},
        {{.open = true, .loss_db = loss_db, .off_hz = 700}, true, "+700 Hz beside its frequency"},
        {{.open = true, .loss_db = loss_db, .off_hz = -2900},
         false,
         "-2900 Hz beside its frequency"},
        {{.open = true, .loss_db = loss_db, .from = WIDE / 10, .to = WIDE},
         false,
         "at the beginning, 0.00 s at the end"},
        {{.open = true, .loss_db = loss_db, .to = WIDE / 4}, false, "0.00 s at the beginning, 0.1"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pump *p = opened(monitored());
        monitor(p);
        if (rows[i].after_a_good_one) assert_string_equal(send_one(p).why, "");
        radio_plan.way = rows[i].way;
        const struct pump_sent sent = send_one(p);
        assert_true(sent.looked && sent.heard);
        if (!strstr(sent.why, rows[i].why)) fail_msg("expected '%s' in: %s", rows[i].why, sent.why);
        assert_string_equal(text_of(event_of("echo", rows[i].after_a_good_one), "why"), sent.why);
        pump_close(p);
        assert_int_equal(teardown(NULL), 0);
        assert_int_equal(setup(NULL), 0);
    }
}

// A radio whose receiver reaches its own transmitter's frequency, and a path that leads back.
static void test_pump_hears_itself(void **state)
{
    (void)state;
    struct pump_config c = monitored();
    c.n_stations = 0;
    c.radio.lo_hz = monitor_lo_hz;
    c.low_hz = monitor_lo_hz - 20000;
    c.high_hz = monitor_lo_hz + 20000;
    snprintf(c.permit.paths[1].to, sizeof c.permit.paths[1].to, "r1");
    struct pump *p = opened(c);
    assert_string_equal(send_one(p).why, "");
    assert_string_equal(text_of(event_of("echo", 0), "unit"), "r1");
    radio_plan.way.late = 4; // one clock for both: nothing may move
    assert_non_null(strstr(send_one(p).why, "0.016 ms late"));
    pump_close(p);
}

static void test_pump_says_once_that_nobody_listens(void **state)
{
    (void)state;
    struct pump *p = opened(monitored()); // nobody uses the second radio
    struct err e = {0};
    for (int i = 0; i < 2; i++) {
        const struct pump_sent sent = send_one(p);
        assert_true(sent.looked && !sent.heard);
        assert_string_equal(sent.why, "");
    }
    assert_null(event_of("echo", 0));
    assert_non_null(strstr(text_of(event_of("note", 0), "text"), "downlinks of r1 leave unheard"));
    assert_null(event_of("note", 1));
    pump_close(p);
    struct pump_config c = monitored();
    c.stations[0].downlink_lo_hz = 0;
    p = opened(c);
    assert_int_equal(pump_use_radios(p, 0, 1, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "downlink_lo_hz"));
    pump_close(p);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_pump_sends_a_downlink_at_its_time),
        TEST(test_pump_says_what_was_not_sent),
        TEST(test_pump_opens_a_second_radio_on_demand),
        TEST(test_pump_jams_only_what_it_may),
        TEST(test_pump_jams_nobody_unarmed),
        TEST(test_pump_hears_its_own_downlinks),
        TEST(test_pump_tells_what_did_not_go_out_as_ordered),
        TEST(test_pump_hears_itself),
        TEST(test_pump_says_once_that_nobody_listens),
    };
    return cmocka_run_group_tests_name("pump radios", tests, NULL, NULL);
}
