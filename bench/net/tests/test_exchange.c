// A whole exchange between an encrypted device and the core network with three stations: message,
// one downlink, confirmation. The device's side is written here from the codec's functions alone.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/net/confirm.h"
#include "bench/net/reply.h"
#include "bench/net/stations.h"
#include "bench/sfx/cipher.h"

enum { ID = 0x00C0FFEE, STATIONS = 3, MODULUS = 128 };

static const uint8_t key_bytes[16] = {0x10, 0x32, 0x54, 0x76, 0x98, 0xba, 0xdc, 0xfe};
static const uint8_t clear[12] = "temperature!";
static const uint8_t order[SFX_DL_PAYLOAD] = "do this!";

struct device {
    struct secret key;
    uint16_t counter;
    uint8_t rollover;
};

static struct sfx_uplink device_asks(const struct device *d)
{
    struct sfx_uplink up = {.type = SFX_MESSAGE_BYTES,
                            .device_id = ID,
                            .counter = d->counter,
                            .bidirectional = true,
                            .payload_len = sizeof clear};
    memcpy(up.payload, clear, sizeof clear);
    assert_int_equal(sfx_native_uplink(sfx_native_assumed(), &up, d->rollover, &d->key, NULL), 1);
    assert_int_equal(sfx_uplink_plan(&up, NULL), ERR_OK);
    assert_int_equal(sfx_uplink_sign(&up, &d->key, NULL), ERR_OK);
    return up;
}

// Whether the device takes the frame; `got` is what its host reads.
static bool device_hears(const struct device *d, const uint8_t frame[SFX_DL_FRAME],
                         uint8_t got[SFX_DL_PAYLOAD])
{
    struct sfx_downlink dl = {.device_id = ID, .counter = d->counter};
    if (!sfx_downlink_decode(frame, &dl, NULL)) return false;
    if (sfx_downlink_verify(&dl, &d->key, NULL) != 1) return false;
    const struct sfx_native_message m = {ID, d->counter, d->rollover, SFX_DIRECTION_DOWN};
    assert_int_equal(
        sfx_native_apply(sfx_native_assumed(), &m, &d->key, dl.payload, sizeof dl.payload, NULL),
        ERR_OK);
    memcpy(got, dl.payload, SFX_DL_PAYLOAD);
    return true;
}

static struct sfx_uplink device_confirms(const struct device *d)
{
    struct sfx_uplink up = {.device_id = ID, .counter = d->counter};
    sfx_control_put_confirmation(&up, &(struct sfx_control){.idle_mv = 3000, .rssi_dbm = -101});
    assert_int_equal(sfx_uplink_plan(&up, NULL), ERR_OK);
    assert_int_equal(sfx_uplink_sign(&up, &d->key, NULL), ERR_OK);
    return up;
}

static void device_counts(struct device *d)
{
    d->counter = (uint16_t)((d->counter + 1) % MODULUS);
    d->rollover = (uint8_t)(d->rollover + (d->counter == 0));
}

struct core {
    struct judge *judge;
    struct stations *stations;
    struct reply_desk desk;
};

// The core network hears one message (stations miss different frames) and answers it once.
static struct sfx_downlink core_answers(struct core *c, const struct device *d,
                                        const struct sfx_uplink *up, double t_s,
                                        struct reply_window *window)
{
    static const bool heard[STATIONS][SFX_RANKS] = {
        {false, false, true}, {false, true, true}, {false, false, false}};
    const struct sfx_zone *zone = sfx_zone_find("RC1");
    const double frame_s = 2.08, f1_hz = 868.13e6 - 12345, step_hz[] = {0, 6e3, -6e3};
    struct sfx_downlink dl = {0};
    unsigned sent = 0, delivered = 0;
    for (unsigned rank = 1; rank <= SFX_RANKS; rank++)
        for (unsigned s = 0; s < STATIONS; s++) {
            const double start_s = t_s + (rank - 1) * (frame_s + 0.5);
            const struct station_frame f = {.station = s,
                                            .rank = rank,
                                            .up = up,
                                            .start_s = start_s,
                                            .end_s = start_s + frame_s,
                                            .f_hz = f1_hz + step_hz[rank - 1],
                                            .power_dbfs = -30.0 - s};
            struct station_event e;
            if (!heard[s][rank - 1]) continue;
            assert_int_equal(stations_hear(c->stations, &f, &e, NULL), ERR_OK);
            delivered += e.delivered;
            enum reply_decision r = reply_decide(&c->desk, up, &e.judged, f.end_s, &dl);
            assert_true(r == REPLY_SEND || r == REPLY_ANSWERED);
            sent += r == REPLY_SEND;
            const struct reply_request request = {zone, rank, f.start_s, f.end_s, f.f_hz};
            assert_int_equal(reply_window(&request, window, NULL), ERR_OK);
            assert_true(fabs(window->open_s - (t_s + frame_s + 20)) < 1e-6);
            assert_true(fabs(window->downlink_hz - (f1_hz + 1.395e6)) < 0.01);
        }
    assert_int_equal(delivered, 1);
    assert_int_equal(sent, 1);

    // the core encrypts, then signs, with what it knows of the device
    const struct sfx_native_message m = {ID, up->counter, d->rollover, SFX_DIRECTION_DOWN};
    assert_int_equal(
        sfx_native_apply(sfx_native_assumed(), &m, &d->key, dl.payload, sizeof dl.payload, NULL),
        ERR_OK);
    assert_int_equal(judge_sign_downlink(c->judge, &dl, NULL), ERR_OK);
    return dl;
}

static void exchange(struct core *c, struct device *d, double t_s)
{
    struct sfx_uplink up = device_asks(d);
    assert_memory_not_equal(up.payload, clear, 3);
    struct reply_window window;
    reply_desk_put(&c->desk, order);
    struct sfx_downlink dl = core_answers(c, d, &up, t_s, &window);
    assert_memory_not_equal(dl.payload, order, 3);
    assert_int_equal(sfx_native_uplink(sfx_native_assumed(), &up, d->rollover, &d->key, NULL), 1);
    assert_memory_equal(up.payload, clear, sizeof clear); // what the customer gets

    double start_s;
    uint8_t frame[SFX_DL_FRAME], got[SFX_DL_PAYLOAD];
    assert_int_equal(reply_start(&window, REPLY_MIDDLE, t_s, REPLY_MARGIN_S, &start_s, NULL),
                     ERR_OK);
    sfx_downlink_frame(&dl, frame);
    assert_true(device_hears(d, frame, got));
    assert_memory_equal(got, order, sizeof order);
    struct sfx_downlink altered = dl;
    altered.payload[0] ^= 1;
    sfx_downlink_frame(&altered, frame);
    assert_false(device_hears(d, frame, got));

    const struct confirm_expect expect = {ID, dl.counter, MODULUS, start_s + SFX_DL_BURST_S};
    device_counts(d);
    struct sfx_uplink confirmation = device_confirms(d);
    struct judge_result judged;
    struct confirm_result confirmed;
    const double confirm_s = expect.sent_s + 2.0;
    assert_int_equal(judge_frame(c->judge, &confirmation, SFX_STATUS_OK, confirm_s, &judged, NULL),
                     ERR_OK);
    assert_int_equal(judged.verdict, JUDGE_ACCEPTED);
    confirm_frame(&expect, &confirmation, 1, &judged, confirm_s, 0, &confirmed);
    assert_int_equal(confirmed.verdict, CONFIRM_CONFIRMED);
    assert_int_equal(confirmed.body.rssi_dbm, -101);
    device_counts(d);
}

// Through two roll-overs of the counter, so that confirmations fall on both sides of them.
static void test_exchanges_of_an_encrypted_device(void **state)
{
    (void)state;
    struct device d = {.counter = 1};
    struct core c = {0};
    assert_int_equal(secret_init(&d.key, key_bytes, sizeof key_bytes, NULL), ERR_OK);
    const struct judge_device known = {.id = ID, .key = &d.key, .modulus = MODULUS, .window = 20};
    assert_int_equal(judge_new(&c.judge, NULL), ERR_OK);
    assert_int_equal(judge_register(c.judge, &known, NULL), ERR_OK);
    assert_int_equal(stations_new(&c.stations, c.judge, STATIONS, NULL), ERR_OK);
    for (unsigned i = 0; i < MODULUS + 2; i++)
        exchange(&c, &d, 100 + 120.0 * i);
    assert_int_equal(d.rollover, 2);
    assert_int_equal(stations_total(c.stations), MODULUS + 2);
    stations_free(c.stations);
    judge_free(c.judge);
    secret_deinit(&d.key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchanges_of_an_encrypted_device),
    };
    return cmocka_run_group_tests_name("net/exchange", tests, NULL, NULL);
}
