// The anomaly monitor: each anomaly is seen, blocks what it was told to block, and a good device at
// its limits never looks like one.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "bench/net/stations.h"
#include "bench/sfx/control.h"

enum { ID = 0x00F0C5A1, OTHER = 0x00F0C5A2, STATIONS = 3 };

static const double day_s = 86400;

struct core {
    struct judge *judge;
    struct monitor *monitor;
    struct stations *stations;
    struct secret key;
};

static void open_core(struct core *c, const struct monitor_rules *rules, unsigned per_day,
                      unsigned modulus, double interval_s)
{
    static const uint8_t raw[16] = {7, 7, 1};
    assert_int_equal(secret_init(&c->key, raw, sizeof raw, NULL), ERR_OK);
    assert_int_equal(judge_new(&c->judge, NULL), ERR_OK);
    for (uint32_t id = ID; id <= OTHER; id++) { // the second declares no interval
        const struct judge_device d = {.id = id,
                                       .key = &c->key,
                                       .modulus = modulus,
                                       .messages_per_day = per_day,
                                       .interval_s = id == ID ? interval_s : 0};
        assert_int_equal(judge_register(c->judge, &d, NULL), ERR_OK);
    }
    assert_int_equal(monitor_new(&c->monitor, c->judge, rules, NULL), ERR_OK);
    assert_int_equal(stations_new(&c->stations, c->judge, STATIONS, NULL), ERR_OK);
    stations_watch(c->stations, c->monitor);
}

static void close_core(struct core *c)
{
    stations_free(c->stations);
    monitor_free(c->monitor);
    judge_free(c->judge);
    secret_deinit(&c->key);
}

static struct sfx_uplink message(const struct core *c, unsigned counter, unsigned content)
{
    struct sfx_uplink up = {.type = SFX_MESSAGE_BYTES,
                            .device_id = ID,
                            .counter = (uint16_t)counter,
                            .payload = {(uint8_t)content, 0x55},
                            .payload_len = 2};
    assert_int_equal(sfx_uplink_plan(&up, NULL), ERR_OK);
    assert_int_equal(sfx_uplink_sign(&up, &c->key, NULL), ERR_OK);
    return up;
}

static struct station_event hear_up(struct core *c, unsigned station, unsigned rank,
                                    const struct sfx_uplink *up, double start_s)
{
    const struct station_frame f = {.station = station,
                                    .rank = rank,
                                    .up = up,
                                    .status = SFX_STATUS_OK,
                                    .start_s = start_s,
                                    .end_s = start_s + 1.44,
                                    .f_hz = 868.13e6,
                                    .power_dbfs = -40};
    struct station_event e;
    assert_int_equal(stations_hear(c->stations, &f, &e, NULL), ERR_OK);
    return e;
}

static struct station_event hear(struct core *c, unsigned station, unsigned counter,
                                 unsigned content, double start_s)
{
    struct sfx_uplink up = message(c, counter, content);
    return hear_up(c, station, 1, &up, start_s);
}

static void assert_quiet(struct core *c)
{
    struct monitor_alarm a;
    if (monitor_next(c->monitor, &a, NULL))
        fail_msg("expected no alarm, got %s: %s", monitor_kind_name(a.kind), a.text);
}

static struct monitor_alarm expect_alarm(struct core *c, enum monitor_kind kind, const char *part)
{
    struct monitor_alarm a;
    if (!monitor_next(c->monitor, &a, NULL)) fail_msg("expected an alarm: %s", part);
    if (a.kind != kind || !strstr(a.text, part))
        fail_msg("expected %s \"%s\", got %s: %s", monitor_kind_name(kind), part,
                 monitor_kind_name(a.kind), a.text);
    return a;
}

static const struct monitor_rules plain = {0};

static void test_clone_that_runs_behind(void **state)
{
    (void)state;
    struct core c;
    open_core(&c, &plain, 140, 4096, 0);
    hear(&c, 0, 1000, 1, 0);
    hear(&c, 0, 1010, 2, 600); // the clone, ahead: nothing tells it from lost messages
    assert_quiet(&c);
    hear(&c, 0, 1001, 3, 1200); // the original goes on
    struct monitor_alarm a = expect_alarm(&c, MONITOR_CLONE, "counter 1001 came authentic and new");
    assert_int_equal(a.device_id, ID);
    assert_false(a.blocked_device || a.blocked_station);
    close_core(&c);
}

static void test_clone_in_step(void **state)
{
    (void)state;
    struct core c;
    open_core(&c, &plain, 140, 4096, 0);
    hear(&c, 0, 5, 1, 0);
    hear(&c, 1, 5, 2, 60); // the same counter, another content
    expect_alarm(&c, MONITOR_CLONE, "two contents");
    // the same content as well: only a rank that comes twice gives it away
    struct sfx_uplink up = message(&c, 6, 1);
    hear_up(&c, 0, 1, &up, 4000);
    hear_up(&c, 1, 1, &up, 4000); // another station hears the same frame
    hear_up(&c, 0, 2, &up, 4002);
    assert_quiet(&c);
    hear_up(&c, 0, 2, &up, 4004.5);
    expect_alarm(&c, MONITOR_CLONE, "counter 6 twice");
    close_core(&c);
}

static void test_clone_that_speaks_at_the_same_time(void **state)
{
    (void)state;
    struct core c;
    open_core(&c, &plain, 140, 4096, 0);
    hear(&c, 0, 5, 1, 10);
    hear(&c, 1, 7, 2, 11.44 - 0.04); // touches: within what burst edges are known to
    assert_quiet(&c);
    hear(&c, 0, 9, 2, 11.5);
    struct monitor_alarm a = expect_alarm(&c, MONITOR_CLONE, "at one time: counter 7");
    assert_int_equal(a.station, 0);
    close_core(&c);
}

static void test_clone_in_two_places(void **state)
{
    (void)state;
    const struct monitor_rules rules = {.place = {0, 0, 1}, .travel_s = 3600};
    struct core c;
    open_core(&c, &rules, 140, 4096, 0);
    hear(&c, 0, 5, 1, 0);
    hear(&c, 1, 6, 1, 100);  // the same place
    hear(&c, 2, 7, 1, 3701); // has travelled
    assert_quiet(&c);
    hear(&c, 0, 8, 1, 3701 + 3599);
    expect_alarm(&c, MONITOR_CLONE, "3599.000 s after station 2");
    close_core(&c);
}

// A recorded frame that is played again is a replay: refused, and no sign of a second key.
static void test_replays_and_forgeries_do_not_blame_the_device(void **state)
{
    (void)state;
    const struct monitor_rules rules = {
        .block_device = ~0u, .block_station = 1u << MONITOR_FORGERY, .forged_per_hour = 10};
    struct core c;
    open_core(&c, &rules, 140, 4096, 0);
    for (unsigned n = 0; n < 20; n++)
        hear(&c, 0, n, n, 600.0 * n);
    for (unsigned n = 0; n < 20; n++)
        assert_int_equal(hear(&c, 1, n, n, 20000 + 20.0 * n).judged.verdict, JUDGE_REPLAY);
    assert_quiet(&c);
    struct sfx_uplink forged = message(&c, 20, 1);
    forged.tag[0] ^= 1;
    for (unsigned n = 0; n < 20; n++) // ten an hour, spread: allowed
        assert_int_equal(hear_up(&c, 2, 1, &forged, 30000 + 361.0 * n).judged.verdict,
                         JUDGE_BAD_TAG);
    assert_quiet(&c);
    for (unsigned n = 0; n < 11; n++)
        hear_up(&c, 1, 1, &forged, 50000 + 2.0 * n);
    struct monitor_alarm a = expect_alarm(&c, MONITOR_FORGERY, "station 1: 11 frames");
    assert_true(a.blocked_station && !a.blocked_device);

    // the station is shut out, the device goes on through the others
    assert_int_equal(hear(&c, 1, 20, 1, 51000).judged.verdict, JUDGE_BLOCKED);
    struct station_event e = hear(&c, 0, 20, 1, 51000);
    assert_true(e.delivered && e.judged.verdict == JUDGE_ACCEPTED);
    assert_int_equal(stations_delivered(c.stations, ID, 20), 1);
    assert_true(monitor_station_blocked(c.monitor, 1));
    assert_int_equal(monitor_block_station(c.monitor, 1, false, NULL), ERR_OK);
    assert_true(hear(&c, 1, 21, 1, 52000).delivered);
    struct err err;
    assert_int_equal(monitor_block_station(c.monitor, 8, true, &err), ERR_INVALID);
    assert_non_null(strstr(err.text, "got 8"));
    close_core(&c);
}

static void test_flood_blocks_until_the_operator_says_otherwise(void **state)
{
    (void)state;
    const struct monitor_rules rules = {.block_device = 1u << MONITOR_FLOOD};
    struct core c;
    open_core(&c, &rules, 7, 4096, 0);
    for (unsigned n = 0; n < 7; n++)
        assert_true(hear(&c, 0, n, 1, 100.0 * n).delivered);
    assert_quiet(&c);
    struct station_event e = hear(&c, 0, 7, 1, 700); // the eighth is not delivered any more
    assert_int_equal(e.judged.verdict, JUDGE_BLOCKED);
    assert_false(e.delivered);
    assert_true(
        expect_alarm(&c, MONITOR_FLOOD, "message no 8 within 24 h, 7 are allowed").blocked_device);
    // time alone unblocks nothing, and the other device is not touched
    assert_int_equal(hear(&c, 1, 8, 1, 10 * day_s).judged.verdict, JUDGE_BLOCKED);
    assert_int_equal(stations_delivered(c.stations, ID, 8), 0);
    struct sfx_uplink other = message(&c, 3, 1);
    other.device_id = OTHER;
    assert_int_equal(sfx_uplink_sign(&other, &c.key, NULL), ERR_OK);
    assert_true(hear_up(&c, 0, 1, &other, 10 * day_s + 30).delivered);

    assert_int_equal(judge_block(c.judge, ID, false, NULL), ERR_OK);
    assert_true(hear(&c, 0, 9, 1, 10 * day_s + 60).delivered);
    struct err err;
    assert_int_equal(judge_block(c.judge, 0xDEAD, true, &err), ERR_NOTFOUND);
    assert_non_null(strstr(err.text, "0000dead"));
    close_core(&c);
}

static void test_counter_jumps(void **state)
{
    (void)state;
    const struct monitor_rules declared = {.jump_steps = 30};
    struct core c;
    open_core(&c, &declared, 140, 4096, 0);
    hear(&c, 0, 4090, 1, 0);
    hear(&c, 0, (4090 + 30) % 4096, 1, 600); // across the roll-over
    assert_quiet(&c);
    hear(&c, 0, 24 + 31, 1, 1200);
    expect_alarm(&c, MONITOR_JUMP, "counter 55 comes 31 after counter 24");
    assert_int_equal(hear(&c, 0, 2000, 1, 9000).judged.verdict, JUDGE_OUT_OF_WINDOW);
    expect_alarm(&c, MONITOR_JUMP, "comes 1945 after");
    close_core(&c);

    // without a declared step: what 7 messages a day, 7 confirmations and a keep-alive explain
    open_core(&c, &plain, 7, 4096, 0);
    hear(&c, 0, 100, 1, 0);
    hear(&c, 0, 115, 1, day_s - 10);
    assert_quiet(&c);
    hear(&c, 0, 131, 1, 2 * day_s - 20);
    expect_alarm(&c, MONITOR_JUMP, "at most 15 are explained");
    close_core(&c);
}

static void test_silence_is_told_once(void **state)
{
    (void)state;
    struct core c;
    open_core(&c, &plain, 140, 4096, 3600);
    monitor_tick(c.monitor, 3608); // the last frame of a message comes up to 8 s after its first
    assert_quiet(&c);
    monitor_tick(c.monitor, 3609); // never heard at all
    expect_alarm(&c, MONITOR_SILENCE, "for 3609 s, at most 3600 s");
    assert_quiet(&c);
    monitor_tick(c.monitor, 9000);
    assert_quiet(&c);
    hear(&c, 0, 1, 1, 10000);
    hear(&c, 0, 2, 1, 13600); // exactly as declared
    assert_quiet(&c);
    hear(&c, 0, 3, 1, 17208.5); // seen when it speaks again, without a tick between
    expect_alarm(&c, MONITOR_SILENCE, "nothing of the device");
    // refused frames are no sign of life
    struct sfx_uplink forged = message(&c, 4, 1);
    forged.tag[0] ^= 1;
    hear_up(&c, 0, 1, &forged, 20000);
    monitor_tick(c.monitor, 17208.5 + 3609);
    expect_alarm(&c, MONITOR_SILENCE, "3609 s");
    close_core(&c);
}

// A good device that uses all it may: as many messages in any 24 h as its subscription allows, each
// with a confirmation, some of them lost, counters rolling over, pauses as long as declared, heard
// by stations in any order. Everything blocks; nothing must.
static void test_a_good_device_at_its_limits_is_left_alone(void **state)
{
    (void)state;
    static const unsigned per_days[] = {1, 7, 50, 140};
    static const unsigned moduli[] = {128, 1024, 4096};
    for (unsigned k = 0; k < 12; k++) {
        unsigned per_day = per_days[k % 4], modulus = moduli[k / 4];
        const struct monitor_rules rules = {.place = {0, 0, 0},
                                            .travel_s = 3600,
                                            .forged_per_hour = 3,
                                            .block_device = ~0u,
                                            .block_station = ~0u};
        struct core c;
        const uint64_t seed = rng_key(k, "good device");
        bool lossless = k & 1;
        // seven messages back to back count as well as evenly spread ones
        bool bursts = per_day == 7;
        double pause_s = day_s / per_day;
        open_core(&c, &rules, per_day, modulus, lossless ? day_s : 0);
        unsigned counter = modulus - 3, delivered = 0, sent = 0;
        for (unsigned n = 0; n < 3 * per_day + 40; n++) {
            double t_s = bursts ? n / per_day * day_s + 10.0 * (n % per_day) : n * pause_s;
            for (unsigned control = 0; control <= (n % 3 == 0 ? 1u : 0u); control++) {
                struct sfx_uplink up = message(&c, counter, n);
                if (control) {
                    up = (struct sfx_uplink){.device_id = ID, .counter = (uint16_t)counter};
                    sfx_control_put_confirmation(&up, &(struct sfx_control){.idle_mv = 3000});
                    assert_int_equal(sfx_uplink_plan(&up, NULL), ERR_OK);
                    assert_int_equal(sfx_uplink_sign(&up, &c.key, NULL), ERR_OK);
                }
                counter = (counter + 1) % modulus;
                if (!lossless && rng_u64(seed, 2 * n + control) % 4 == 0) continue;
                sent++;
                double start_s = t_s + 4.5 * control;
                // frame 1 may be lost; the last station's frames come first
                unsigned first = control ? 1 : 1 + rng_u64(seed, 5000 + n) % 2;
                for (unsigned s = 0; s < STATIONS; s++)
                    for (unsigned rank = first; rank <= (control ? 1 : 2); rank++)
                        delivered +=
                            hear_up(&c, STATIONS - 1 - s, rank, &up, start_s + 2 * (rank - 1))
                                .delivered;
            }
        }
        assert_quiet(&c);
        assert_int_equal(delivered, sent);
        close_core(&c);
    }
}

static void test_alarms_are_bounded_and_not_repeated(void **state)
{
    (void)state;
    const struct monitor_rules rules = {.jump_steps = 1};
    struct core c;
    open_core(&c, &rules, 140, 4096, 0);
    for (unsigned n = 0; n < 100; n++) // one hour of jumps: told once
        hear(&c, 0, 3 * n, 1, 35.0 * n);
    expect_alarm(&c, MONITOR_JUMP, "comes 3 after");
    assert_quiet(&c);
    for (unsigned n = 0; n < MONITOR_ALARMS_MAX + 10; n++)
        hear(&c, 0, 300 + 3 * n, 1, 10000 + 3601.0 * n);
    struct monitor_alarm a;
    unsigned lost = 0, got = 0;
    assert_true(monitor_next(c.monitor, &a, &lost));
    assert_int_equal(lost, 10);
    for (got = 1; monitor_next(c.monitor, &a, &lost); got++)
        assert_int_equal(lost, 0);
    assert_int_equal(got, MONITOR_ALARMS_MAX);
    close_core(&c);
}

static void test_rules_are_checked(void **state)
{
    (void)state;
    struct monitor *m = NULL;
    struct err e = {0};
    struct monitor_rules r = {.forged_per_hour = MONITOR_FORGED_MAX + 1};
    assert_int_equal(monitor_new(&m, NULL, &r, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "got 256"));
    r = (struct monitor_rules){.travel_s = -1};
    assert_int_equal(monitor_new(&m, NULL, &r, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "-1 s"));
    monitor_free(NULL);
    assert_true((int)MONITOR_KINDS <= (int)REGISTRY_KINDS_MAX);
    for (int k = 0; k < MONITOR_KINDS; k++) {
        assert_true(strlen(monitor_kind_name((enum monitor_kind)k)) > 3);
        assert_true(strlen(monitor_kind_text((enum monitor_kind)k)) > 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clone_that_runs_behind),
        cmocka_unit_test(test_clone_in_step),
        cmocka_unit_test(test_clone_that_speaks_at_the_same_time),
        cmocka_unit_test(test_clone_in_two_places),
        cmocka_unit_test(test_replays_and_forgeries_do_not_blame_the_device),
        cmocka_unit_test(test_flood_blocks_until_the_operator_says_otherwise),
        cmocka_unit_test(test_counter_jumps),
        cmocka_unit_test(test_silence_is_told_once),
        cmocka_unit_test(test_a_good_device_at_its_limits_is_left_alone),
        cmocka_unit_test(test_alarms_are_bounded_and_not_repeated),
        cmocka_unit_test(test_rules_are_checked),
    };
    return cmocka_run_group_tests_name("net/monitor", tests, NULL, NULL);
}
