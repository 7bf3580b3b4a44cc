#include "dut/firmware/tests/downlink_air.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/sfx/downlink.h"

enum { BITS = 8 * DOWNLINK_ON_AIR, BIT_RATE = 600, STEPS = 64 }; // STEPS of the integral in a bit

const int64_t downlink_burst_ns = BITS * DEVPORT_SECOND / BIT_RATE;

static double bit_value(const struct downlink_burst *b, int i)
{
    if (i < 0 || i >= BITS) return 0;
    return b->bits[i / 8] >> (7 - i % 8) & 1 ? 1 : -1;
}

// Frequency against the carrier at t, in bits: the bits through a Gaussian filter with BT 1.
static double deviation_hz(const struct downlink_burst *b, double t)
{
    const double a = M_PI * sqrt(2 / log(2));
    double sum = 0;
    int now = (int)floor(t);
    for (int i = now - 1; i <= now + 1; i++)
        sum += bit_value(b, i) * (erf(a * (t - i)) - erf(a * (t - i - 1))) / 2;
    return 800 * sum;
}

static void hear_burst(const struct downlink_burst *b, double amplitude, const struct lab_listen *w,
                       float *iq, size_t n)
{
    double cycles[BITS * STEPS + 1]; // at each step, of the modulation alone
    cycles[0] = 0;
    for (int i = 0; i < BITS * STEPS; i++)
        cycles[i + 1] = cycles[i] + deviation_hz(b, (i + 0.5) / STEPS) / (BIT_RATE * STEPS);
    for (size_t k = 0; k < n; k++) {
        double since_s = (double)(w->from_ns - b->t_ns) * 1e-9 + (double)k / w->rate_hz;
        double at = since_s * BIT_RATE * STEPS;
        if (at < 0 || at >= BITS * STEPS) continue;
        int i = (int)at;
        double turns = cycles[i] + (at - i) * (cycles[i + 1] - cycles[i]) +
                       (b->carrier_hz - w->carrier_hz) * since_s;
        double phase = 2 * M_PI * (turns - floor(turns));
        iq[2 * k] += (float)(amplitude * cos(phase));
        iq[2 * k + 1] += (float)(amplitude * sin(phase));
    }
}

static void hear(void *ctx, const struct lab_listen *w, float *iq, size_t n)
{
    const struct downlink_air *a = ctx;
    double amplitude = pow(10, a->power_dbm / 20);
    for (size_t i = 0; i < a->n; i++) {
        const struct downlink_burst *b = &a->bursts[i];
        // The receiver's filter.
        if (fabs(b->carrier_hz - w->carrier_hz) > w->rate_hz / 2) continue;
        if (b->t_ns < w->to_ns && b->t_ns + downlink_burst_ns > w->from_ns)
            hear_burst(b, amplitude, w, iq, n);
    }
}

void downlink_air_init(struct downlink_air *a, struct lab *l)
{
    a->n = 0;
    a->power_dbm = -100;
    l->hear = hear;
    l->hear_ctx = a;
}

void downlink_air_send(struct downlink_air *a, int64_t t_ns, double carrier_hz,
                       const uint8_t frame[DOWNLINK_FRAME])
{
    assert_true(a->n < DOWNLINK_AIR_MAX);
    struct downlink_burst *b = &a->bursts[a->n++];
    *b = (struct downlink_burst){.t_ns = t_ns, .carrier_hz = carrier_hz};
    memset(b->bits, 0xaa, 11);
    b->bits[11] = 0xb2;
    b->bits[12] = 0x27;
    memcpy(b->bits + 13, frame, DOWNLINK_FRAME);
}

void downlink_message_frame(const struct downlink_message *m, uint8_t frame[DOWNLINK_FRAME])
{
    struct sfx_downlink dl = {.device_id = m->id, .counter = m->counter};
    memcpy(dl.payload, m->payload, sizeof dl.payload);
    uint8_t raw[16];
    struct secret key = {.len = 0};
    assert_int_equal(hex_decode(m->key_hex, raw, sizeof raw, NULL), 16);
    assert_int_equal(secret_init(&key, raw, sizeof raw, NULL), 0);
    assert_int_equal(sfx_downlink_sign(&dl, &key, NULL), 0);
    secret_deinit(&key);
    dl.tag[0] ^= m->tag_flips[0];
    dl.tag[1] ^= m->tag_flips[1];
    sfx_downlink_frame(&dl, frame);
}
