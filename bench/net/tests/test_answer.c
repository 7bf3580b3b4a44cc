// Downlinks as the whole network decides them: who asks, whether it may be answered, from where,
// when and at which frequency; in every zone, from any of the three ranks alone.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/net/answer.h"

enum { ID = 0x00F0C5A1, ALL = 7 };

static const uint8_t raw_key[16] = {0x0f, 0x1e, 0x2d};
static const uint8_t payload[SFX_DL_PAYLOAD] = "DOWNLINK";

struct core {
    struct judge *judge;
    struct monitor *monitor;
    struct stations *stations;
    struct secret key;
};

static void open_core(struct core *c, const char *zone, unsigned downlinks_per_day)
{
    const struct monitor_rules rules = {0};
    assert_int_equal(secret_init(&c->key, raw_key, sizeof raw_key, NULL), ERR_OK);
    assert_int_equal(judge_new(&c->judge, NULL), ERR_OK);
    const struct judge_device d = {.id = ID,
                                   .key = &c->key,
                                   .modulus = 4096,
                                   .downlinks_per_day = downlinks_per_day,
                                   .zone = zone ? sfx_zone_find(zone) : NULL};
    assert_int_equal(judge_register(c->judge, &d, NULL), ERR_OK);
    assert_int_equal(monitor_new(&c->monitor, c->judge, &rules, NULL), ERR_OK);
    assert_int_equal(stations_new(&c->stations, c->judge, 3, NULL), ERR_OK);
    stations_watch(c->stations, c->monitor);
}

static void close_core(struct core *c)
{
    stations_free(c->stations);
    monitor_free(c->monitor);
    judge_free(c->judge);
    secret_deinit(&c->key);
}

static const struct station_message *hear(struct core *c, unsigned station, unsigned rank,
                                          unsigned counter, bool asks, double start_s, double len_s,
                                          double f_hz, double power_dbfs)
{
    struct sfx_uplink up = {.type = SFX_MESSAGE_BIT1,
                            .device_id = ID,
                            .counter = (uint16_t)counter,
                            .bidirectional = asks};
    assert_int_equal(sfx_uplink_plan(&up, NULL), ERR_OK);
    assert_int_equal(sfx_uplink_sign(&up, &c->key, NULL), ERR_OK);
    const struct station_frame f = {.station = station,
                                    .rank = rank,
                                    .up = &up,
                                    .start_s = start_s,
                                    .end_s = start_s + len_s,
                                    .f_hz = f_hz,
                                    .power_dbfs = power_dbfs};
    struct station_event e;
    assert_int_equal(stations_hear(c->stations, &f, &e, NULL), ERR_OK);
    return e.message;
}

static void put(struct core *c)
{
    reply_desk_put(&judge_device(c->judge, ID)->desk, payload);
}

static int plan(struct core *c, const struct station_message *m, enum reply_when when,
                double earliest_s, struct answer *out, struct err *err)
{
    return answer_plan(c->judge, m, ALL, when, earliest_s, REPLY_MARGIN_S, out, err);
}

static void assert_near(double got, double expected, const char *what, const char *zone)
{
    if (fabs(got - expected) > 1e-6)
        fail_msg("%s, %s: expected %.6f, got %.6f", zone, what, expected, got);
}

// Frame 1 of 1.12 s ends at 1000 s at the centre + 10 kHz. Opening, end and frequency of each
// window worked out by hand from protocol.md 7.1, 7.2 and 8. Where carriers are sensed, frame 2 may
// come 7.5 s late (8 - 0.5), frame 3 after 8 - 1 - 1.12 = 5.88 s of waiting in all.
static const struct {
    const char *zone;
    double step_hz, downlink_hz, open_s, close_s, late2_s, late3_s;
} windows[] = {
    {"RC1", 6000, 869535000, 1020, 1045, 0, 0},
    {"RC2", 25000, 905210000, 1020, 1045, 0, 0},
    {"RC3-LBT", 6000, 922210000, 1019, 1052.5, 7.5, 5.88},
    {"RC3-LDC", 6000, 922210000, 1019, 1052.5, 0, 0},
    {"RC4", 25000, 922310000, 1020, 1045, 0, 0},
    {"RC5", 6000, 922310000, 1019, 1052.5, 7.5, 5.88},
    {"RC6", 6000, 866310000, 1020, 1045, 0, 0},
    {"RC7", 6000, 869110000, 1020, 1045, 0, 0},
};

static void test_every_zone_from_any_rank_alone(void **state)
{
    (void)state;
    static const double centre_hz[] = {868130000, 902200000, 923200000, 923200000,
                                       920800000, 923300000, 865200000, 868800000};
    const double len_s = 1.12, burst_s = 224 / 600.0;
    for (size_t z = 0; z < sizeof windows / sizeof windows[0]; z++) {
        for (unsigned rank = 1; rank <= 3; rank++) {
            const char *zone = windows[z].zone;
            double start_s[] = {1000 - len_s, 1000.5, 1000.5 + len_s + 0.5};
            double f_hz[] = {0, windows[z].step_hz, -windows[z].step_hz};
            double late_s[] = {0, windows[z].late2_s, windows[z].late3_s};
            struct core c;
            open_core(&c, zone, 0);
            put(&c);
            const struct station_message *m = hear(&c, 1, rank, 7, true, start_s[rank - 1], len_s,
                                                   centre_hz[z] + 10000 + f_hz[rank - 1], -50);
            struct answer first, last;
            assert_int_equal(plan(&c, m, REPLY_EARLIEST, 0, &first, NULL), ERR_OK);
            assert_int_equal(first.decision, REPLY_SEND);
            assert_int_equal(first.station, 1);
            assert_near(first.start_s, windows[z].open_s + 0.1, "earliest", zone);
            assert_near(first.window.downlink_hz, windows[z].downlink_hz, "frequency", zone);
            assert_true(first.window.in_band);
            reply_desk_put(&judge_device(c.judge, ID)->desk, payload);
            judge_device(c.judge, ID)->desk.answered = false;
            assert_int_equal(plan(&c, m, REPLY_LATEST, 0, &last, NULL), ERR_OK);
            assert_near(last.start_s + burst_s, windows[z].close_s - 0.1 - late_s[rank - 1],
                        "latest", zone);
            close_core(&c);
        }
    }
}

// What is handed over is what the device verifies, for the counter of its request.
static void test_the_answer_is_authentic(void **state)
{
    (void)state;
    struct core c;
    open_core(&c, "RC1", 0);
    put(&c);
    const struct station_message *m = hear(&c, 0, 1, 300, true, 10, 1.12, 868.13e6, -50);
    struct answer a;
    assert_int_equal(plan(&c, m, REPLY_MIDDLE, 0, &a, NULL), ERR_OK);
    struct sfx_downlink dl = {.device_id = ID, .counter = 300};
    uint8_t frame[SFX_DL_FRAME];
    assert_int_equal(judge_sign_downlink(c.judge, &a.downlink, NULL), ERR_OK);
    sfx_downlink_frame(&a.downlink, frame);
    assert_true(sfx_downlink_decode(frame, &dl, NULL));
    assert_int_equal(sfx_downlink_verify(&dl, &c.key, NULL), 1);
    assert_memory_equal(dl.payload, payload, SFX_DL_PAYLOAD);
    // once: another station's copy, and the next plan, find it answered
    put(&c);
    m = hear(&c, 1, 1, 300, true, 10, 1.12, 868.13e6, -40);
    assert_int_equal(plan(&c, m, REPLY_MIDDLE, 0, &a, NULL), ERR_OK);
    assert_int_equal(a.decision, REPLY_ANSWERED);
    close_core(&c);
}

// The loudest copy decides who sends and at which frequency, the lowest rank of all when.
static void test_the_best_station_sends(void **state)
{
    (void)state;
    struct core c;
    open_core(&c, "RC5", 0);
    put(&c);
    hear(&c, 0, 1, 7, true, 1000 - 1.12, 1.12, 923.3e6 + 10, -70);
    const struct station_message *m =
        hear(&c, 2, 2, 7, true, 1000.5 + 3, 1.12, 923.3e6 + 6000 + 30, -45); // sensed for 3 s
    hear(&c, 1, 3, 7, true, 1007, 1.12, 923.3e6 - 6000, -60);
    struct answer a;
    assert_int_equal(plan(&c, m, REPLY_EARLIEST, 0, &a, NULL), ERR_OK);
    assert_int_equal(a.station, 2);
    assert_near(a.window.downlink_hz, 922.3e6 + 30, "frequency", "RC5");
    assert_near(a.start_s, 1019.1, "start", "RC5");
    assert_near(a.window.close_s, 1052.5, "end", "RC5");

    // a station that cannot send gives its place to the best of those that can …
    reply_desk_put(&judge_device(c.judge, ID)->desk, payload);
    judge_device(c.judge, ID)->desk.answered = false;
    assert_int_equal(answer_plan(c.judge, m, 3, REPLY_EARLIEST, 0, REPLY_MARGIN_S, &a, NULL),
                     ERR_OK);
    assert_int_equal(a.station, 0);
    assert_near(a.window.downlink_hz, 922.3e6 + 10, "its frequency", "RC5");
    // … and tells its frequency to one that heard nothing
    reply_desk_put(&judge_device(c.judge, ID)->desk, payload);
    judge_device(c.judge, ID)->desk.answered = false;
    assert_int_equal(answer_plan(c.judge, m, 1u << 5, REPLY_EARLIEST, 0, REPLY_MARGIN_S, &a, NULL),
                     ERR_OK);
    assert_int_equal(a.station, 5);
    assert_near(a.window.downlink_hz, 922.3e6 + 30, "another's frequency", "RC5");
    struct err e = {0};
    assert_int_equal(answer_plan(c.judge, m, 0, REPLY_EARLIEST, 0, REPLY_MARGIN_S, &a, &e),
                     ERR_INVALID);
    assert_non_null(strstr(e.text, "expected a sender"));
    close_core(&c);
}

static void test_who_gets_none(void **state)
{
    (void)state;
    struct core c;
    struct answer a;
    struct err e = {0};
    open_core(&c, "RC1", 1);
    const struct station_message *m = hear(&c, 0, 1, 1, true, 10, 1.12, 868.13e6, -50);
    assert_int_equal(plan(&c, m, REPLY_MIDDLE, 0, &a, NULL), ERR_OK);
    assert_int_equal(a.decision, REPLY_NOTHING);
    put(&c);
    m = hear(&c, 0, 1, 2, false, 100, 1.12, 868.13e6, -50);
    assert_int_equal(plan(&c, m, REPLY_MIDDLE, 0, &a, NULL), ERR_OK);
    assert_int_equal(a.decision, REPLY_NOT_ASKED);
    m = hear(&c, 0, 1, 3, true, 200, 1.12, 868.13e6, -50);
    assert_int_equal(judge_block(c.judge, ID, true, NULL), ERR_OK);
    assert_int_equal(plan(&c, m, REPLY_MIDDLE, 0, &a, NULL), ERR_OK);
    assert_int_equal(a.decision, REPLY_REFUSED);
    assert_int_equal(judge_block(c.judge, ID, false, NULL), ERR_OK);

    // too late: the payload stays for the next request
    assert_int_equal(plan(&c, m, REPLY_MIDDLE, 250, &a, &e), ERR_TIMEOUT);
    assert_non_null(strstr(e.text, "ask the device for another message"));
    m = hear(&c, 0, 1, 4, true, 300, 1.12, 868.13e6, -50);
    assert_int_equal(plan(&c, m, REPLY_MIDDLE, 0, &a, NULL), ERR_OK);
    assert_int_equal(a.decision, REPLY_SEND);
    // one a day is declared
    put(&c);
    m = hear(&c, 0, 1, 5, true, 400, 1.12, 868.13e6, -50);
    assert_int_equal(plan(&c, m, REPLY_MIDDLE, 0, &a, NULL), ERR_OK);
    assert_int_equal(a.decision, REPLY_QUOTA);
    close_core(&c);

    open_core(&c, NULL, 0);
    m = hear(&c, 0, 1, 5, true, 400, 1.12, 868.13e6, -50);
    assert_int_equal(plan(&c, m, REPLY_MIDDLE, 0, &a, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "without its zone"));
    struct station_message stranger = *m;
    stranger.up.device_id++;
    assert_int_equal(plan(&c, &stranger, REPLY_MIDDLE, 0, &a, NULL), ERR_OK);
    assert_int_equal(a.decision, REPLY_REFUSED);
    close_core(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_zone_from_any_rank_alone),
        cmocka_unit_test(test_the_answer_is_authentic),
        cmocka_unit_test(test_the_best_station_sends),
        cmocka_unit_test(test_who_gets_none),
    };
    return cmocka_run_group_tests_name("net/answer", tests, NULL, NULL);
}
