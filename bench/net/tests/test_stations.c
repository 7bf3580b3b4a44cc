// Three stations hear one device: every message is delivered exactly once, whatever each of them
// misses and in whatever order their frames arrive.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "bench/net/stations.h"

enum { ID = 0x0BADCAFE, STATIONS = 3, MESSAGES = 36 };

static const uint8_t key_bytes[16] = {9, 8, 7};

struct core {
    struct judge *judge;
    struct stations *stations;
    struct secret key;
};

static int open_core(void **state)
{
    static struct core c;
    if (secret_init(&c.key, key_bytes, sizeof key_bytes, NULL) < 0) return -1;
    const struct judge_device d = {.id = ID, .key = &c.key, .modulus = 4096};
    if (judge_new(&c.judge, NULL) < 0 || judge_register(c.judge, &d, NULL) < 0 ||
        stations_new(&c.stations, c.judge, STATIONS, NULL) < 0)
        return -1;
    *state = &c;
    return 0;
}

static int close_core(void **state)
{
    struct core *c = *state;
    stations_free(c->stations);
    judge_free(c->judge);
    secret_deinit(&c->key);
    return 0;
}

static struct sfx_uplink message(const struct core *c, unsigned counter)
{
    struct sfx_uplink up = {.type = SFX_MESSAGE_BYTES,
                            .device_id = ID,
                            .counter = (uint16_t)counter,
                            .payload = {(uint8_t)counter, 0x55},
                            .payload_len = 2};
    assert_int_equal(sfx_uplink_plan(&up, NULL), ERR_OK);
    assert_int_equal(sfx_uplink_sign(&up, &c->key, NULL), ERR_OK);
    return up;
}

static struct station_event hear_at(const struct core *c, unsigned station, unsigned rank,
                                    const struct sfx_uplink *up, double start_s, double power_dbfs)
{
    const struct station_frame f = {.station = station,
                                    .rank = rank,
                                    .up = up,
                                    .status = SFX_STATUS_OK,
                                    .start_s = start_s,
                                    .end_s = start_s + 1.6,
                                    .f_hz = 868.13e6 + station,
                                    .power_dbfs = power_dbfs};
    struct station_event e;
    assert_int_equal(stations_hear(c->stations, &f, &e, NULL), ERR_OK);
    return e;
}

static struct station_event hear(const struct core *c, unsigned station, unsigned rank,
                                 const struct sfx_uplink *up, double message_s)
{
    return hear_at(c, station, rank, up, message_s + (rank - 1) * 2.1, -40.0 - station);
}

// The catalogue's case: each station in turn is the only one that sees, 36 messages.
static void test_each_station_in_turn_is_enough(void **state)
{
    const struct core *c = *state;
    for (unsigned m = 0; m < MESSAGES; m++) {
        const unsigned clear = m % STATIONS;
        struct sfx_uplink up = message(c, m);
        unsigned delivered = 0;
        for (unsigned rank = 1; rank <= 3; rank++) {
            struct station_event e = hear(c, clear, rank, &up, 30.0 * m);
            delivered += e.delivered;
            assert_non_null(e.message);
            assert_int_equal(e.message->station, clear);
            assert_int_equal(stations_best(e.message, 1u << STATIONS), clear);
            assert_int_equal(e.message->copies, rank);
        }
        assert_int_equal(delivered, 1);
        assert_int_equal(stations_delivered(c->stations, ID, (uint16_t)m), 1);
    }
    assert_int_equal(stations_total(c->stations), MESSAGES);
}

// Random losses, random order within the message, and copies with a wrong payload among them.
static void test_random_losses_and_order(void **state)
{
    const struct core *c = *state;
    const uint64_t key = rng_key(3, "stations");
    uint64_t draw = 0;
    unsigned heard_messages = 0, lost_messages = 0;
    for (unsigned m = 0; m < 600; m++) {
        struct sfx_uplink up = message(c, m), forged = up;
        forged.payload[0] ^= 1;
        unsigned order[3 * STATIONS], n = 0, delivered = 0;
        for (unsigned i = 0; i < 3 * STATIONS; i++)
            if (rng_u64(key, draw++) % 4 == 0) order[n++] = i;
        for (unsigned i = n; i > 1; i--) {
            unsigned k = (unsigned)(rng_u64(key, draw++) % i), swap = order[i - 1];
            order[i - 1] = order[k];
            order[k] = swap;
        }
        for (unsigned i = 0; i < n; i++) {
            unsigned station = order[i] % STATIONS, rank = order[i] / STATIONS + 1;
            struct station_event e = hear(c, station, rank, &forged, 40.0 * m);
            assert_int_equal(e.judged.verdict, JUDGE_BAD_TAG);
            assert_false(e.delivered);
            assert_null(e.message);
            e = hear(c, station, rank, &up, 40.0 * m);
            assert_int_equal(e.delivered, i == 0);
            assert_non_null(e.message);
            assert_int_equal(e.message->copies, i + 1);
            assert_true(e.message->heard[station].ranks >> (rank - 1) & 1);
            delivered += e.delivered;
        }
        assert_int_equal(delivered, n > 0);
        assert_int_equal(stations_delivered(c->stations, ID, (uint16_t)m), n > 0);
        heard_messages += n > 0;
        lost_messages += n == 0;
    }
    assert_int_equal(stations_total(c->stations), heard_messages);
    assert_true(heard_messages > 450 && lost_messages > 10); // 0.75^9 = 7.5 % are lost
}

// What one station recorded and sends again later is no new message at another.
static void test_replay_at_another_station_is_not_delivered(void **state)
{
    const struct core *c = *state;
    struct sfx_uplink up = message(c, 10);
    assert_true(hear(c, 0, 1, &up, 100).delivered);
    struct station_event e = hear(c, 1, 1, &up, 107.9);
    assert_int_equal(e.judged.verdict, JUDGE_REPETITION);
    assert_non_null(e.message);
    e = hear(c, 1, 1, &up, 108.1);
    assert_int_equal(e.judged.verdict, JUDGE_REPLAY);
    assert_false(e.delivered);
    assert_null(e.message);
    assert_int_equal(stations_delivered(c->stations, ID, 10), 1);
}

// A slow station hands in the last frame of a message when the next one has been delivered already.
static void test_late_copy_finds_its_message(void **state)
{
    const struct core *c = *state;
    struct sfx_uplink first = message(c, 1), second = message(c, 2);
    assert_true(hear(c, 0, 1, &first, 50).delivered);
    assert_true(hear(c, 0, 1, &second, 57).delivered);
    struct station_event e = hear(c, 2, 3, &first, 50);
    assert_false(e.delivered);
    assert_int_equal(e.judged.verdict, JUDGE_REPETITION);
    assert_int_equal(e.message->up.counter, 1);
    assert_int_equal(e.message->copies, 2);
    assert_int_equal(e.message->heard[2].ranks, 4);
    assert_int_equal(stations_total(c->stations), 2);
}

static void test_best_station_is_the_strongest(void **state)
{
    const struct core *c = *state;
    struct sfx_uplink up = message(c, 5);
    (void)hear_at(c, 0, 1, &up, 10, -50);
    (void)hear_at(c, 2, 1, &up, 10, -60);
    (void)hear_at(c, 2, 3, &up, 14.2, -30);
    struct station_event e = hear_at(c, 2, 2, &up, 12.1, -55);
    assert_int_equal(e.message->station, 0);
    assert_int_equal(stations_best(e.message, 7), 2);
    assert_int_equal(e.message->heard[2].rank, 3);
    assert_int_equal(e.message->heard[2].ranks, 7);
    assert_int_equal(e.message->heard[1].ranks, 0);
}

static void test_frames_that_do_not_decode_belong_to_none(void **state)
{
    const struct core *c = *state;
    struct sfx_uplink up = message(c, 5);
    const struct station_frame f = {.rank = 1, .up = &up, .status = SFX_STATUS_BAD_CRC};
    struct station_event e;
    assert_int_equal(stations_hear(c->stations, &f, &e, NULL), ERR_OK);
    assert_int_equal(e.judged.verdict, JUDGE_MALFORMED);
    assert_null(e.message);
    assert_int_equal(stations_total(c->stations), 0);
}

static void test_refuses_what_is_not_there(void **state)
{
    const struct core *c = *state;
    struct sfx_uplink up = message(c, 5);
    struct stations *none = NULL;
    struct station_event event;
    struct err e = {0};
    assert_int_equal(stations_new(&none, c->judge, 0, &e), ERR_INVALID);
    assert_int_equal(stations_new(&none, c->judge, STATIONS_MAX + 1, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "got 9"));
    assert_null(none);
    struct station_frame f = {.station = STATIONS, .rank = 1, .up = &up};
    assert_int_equal(stations_hear(c->stations, &f, &event, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "0 … 2, got 3"));
    f = (struct station_frame){.rank = 0, .up = &up};
    assert_int_equal(stations_hear(c->stations, &f, &event, &e), ERR_INVALID);
    f.rank = 4;
    assert_int_equal(stations_hear(c->stations, &f, &event, &e), ERR_INVALID);
    stations_free(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_core, close_core)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_each_station_in_turn_is_enough),
        TEST(test_random_losses_and_order),
        TEST(test_replay_at_another_station_is_not_delivered),
        TEST(test_late_copy_finds_its_message),
        TEST(test_best_station_is_the_strongest),
        TEST(test_frames_that_do_not_decode_belong_to_none),
        TEST(test_refuses_what_is_not_there),
    };
    return cmocka_run_group_tests_name("net/stations", tests, NULL, NULL);
}
