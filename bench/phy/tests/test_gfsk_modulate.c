// GFSK bursts judged by what a receiver that knows nothing of the modulator sees: instantaneous
// frequency between neighbouring samples, integrated over each bit; and the vectors' bits.
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/json.h"
#include "bench/phy/gfsk.h"
#include "bench/phy/iq.h"

enum { ON_AIR = 28, BITS = 8 * ON_AIR };

static struct phy_gfsk_config usual(void)
{
    return (struct phy_gfsk_config){.rate_hz = 520834,
                                    .bit_rate = 600,
                                    .deviation_hz = 800,
                                    .bt = 1,
                                    .offset_hz = 70000,
                                    .amplitude = 0.5,
                                    .ramp_bits = 2};
}

static void make(const struct phy_gfsk_config *c, const uint8_t *bits, size_t n, struct bytes *out)
{
    struct err e = {0};
    bytes_init(out, 64 << 20);
    if (phy_gfsk_modulate(c, bits, n, out, &e) < 0) fail_msg("%s", e.text);
    assert_int_equal(out->len, 4 * phy_gfsk_samples(c, n));
}

static double complex sample(const struct bytes *b, size_t k)
{
    const int16_t *iq = (const int16_t *)(const void *)b->data;
    return (iq[2 * k] + I * iq[2 * k + 1]) / IQ_FULL_SCALE_TX;
}

// Mean frequency, relative to the carrier, over [from, to) in samples.
static double mean_hz(const struct phy_gfsk_config *c, const struct bytes *b, double from,
                      double to)
{
    double turn = 0;
    size_t first = (size_t)ceil(from), last = (size_t)floor(to);
    for (size_t k = first; k < last; k++)
        turn += carg(sample(b, k + 1) * conj(sample(b, k)));
    return turn / (2 * M_PI) / (double)(last - first) * c->rate_hz - c->offset_hz;
}

static void bits_arrive(const struct phy_gfsk_config *c, const uint8_t *bits)
{
    struct bytes b;
    make(c, bits, BITS, &b);
    double bit = c->rate_hz / c->bit_rate, lead = phy_gfsk_lead_s(c) * c->rate_hz;
    for (int i = 0; i < BITS; i++) {
        double hz = mean_hz(c, &b, lead + i * bit, lead + (i + 1) * bit - 1);
        int want = bits[i / 8] >> (7 - i % 8) & 1;
        // With BT 1 an alternating bit still turns by 4/5 of what a steady one does.
        if ((hz > 0) != want || fabs(hz) < 550 || fabs(hz) > 812)
            fail_msg("bit %d is %d, its frequency %+.1f Hz", i, want, hz);
    }
    bytes_deinit(&b);
}

static void test_every_vector_can_be_read_back(void **state)
{
    (void)state;
    struct jval *all = NULL;
    struct err e = {0};
    if (jval_load(&all, FOX_SOURCE_DIR "/fixtures/vectors/downlink.json", &e) < 0)
        fail_msg("%s", e.text);
    const struct jval *list = jval_get(all, "encode");
    assert_true(jval_len(list) >= 30);
    // At 48 kS/s all of them; the rates of a radio, whose bits are no whole samples, with some.
    static const double rates_hz[] = {48000, 520834, 520833.333, 1000000};
    for (size_t i = 0; i < jval_len(list); i++) {
        uint8_t bits[ON_AIR];
        const char *hex = jval_text(jval_get(jval_at(list, i), "onair_hex"), "");
        assert_int_equal(hex_decode(hex, bits, sizeof bits, NULL), ON_AIR);
        struct phy_gfsk_config c = usual();
        c.rate_hz = rates_hz[i < 8 ? i % 4 : 0];
        c.offset_hz = i % 2 ? -8765.4 : 12345.6;
        bits_arrive(&c, bits);
    }
    jval_free(all);
}

// The definition, integrated numerically: the bits' square wave through a Gaussian of 3 dB
// bandwidth bt * bit_rate.
static double defined_hz(const struct phy_gfsk_config *c, const uint8_t *bits, int n, double u)
{
    double sigma = sqrt(M_LN2) / (2 * M_PI * c->bt), sum = 0, weight = 0; // in bits
    for (double x = -6 * sigma; x <= 6 * sigma; x += sigma / 200) {
        double w = exp(-x * x / (2 * sigma * sigma));
        int i = (int)floor(u - x);
        i = i < 0 ? 0 : i >= n ? n - 1 : i;
        sum += w * (bits[i / 8] >> (7 - i % 8) & 1 ? 1 : -1);
        weight += w;
    }
    return c->deviation_hz * sum / weight;
}

static void test_frequency_follows_the_definition(void **state)
{
    (void)state;
    static const uint8_t bits[] = {0xb2, 0x27, 0x0f, 0x55};
    static const double bts[] = {0.3, 0.5, 1};
    for (size_t b = 0; b < 3; b++) {
        struct phy_gfsk_config c = usual();
        c.rate_hz = 480000;
        c.offset_hz = -5000;
        c.amplitude = 1;
        c.bt = bts[b];
        struct bytes iq;
        make(&c, bits, 32, &iq);
        double bit = c.rate_hz / c.bit_rate, lead = c.ramp_bits * bit;
        for (double u = 0; u < 32; u += 0.13) {
            size_t k = (size_t)(lead + u * bit);
            // Over ten samples, against rounding: an eightieth of a bit.
            double got = mean_hz(&c, &iq, (double)k - 5, (double)k + 5);
            double want = defined_hz(&c, bits, 32, ((double)k - lead) / bit);
            if (fabs(got - want) > 2)
                fail_msg("BT %g, bit %.2f: %.1f Hz, expected %.1f", c.bt, u, got, want);
        }
        bytes_deinit(&iq);
    }
}

static void test_envelope(void **state)
{
    (void)state;
    static const uint8_t bits[] = {0xa5};
    struct phy_gfsk_config c = usual();
    struct bytes b;
    make(&c, bits, 8, &b);
    size_t n = b.len / 4, ramp = (size_t)(2 * c.rate_hz / c.bit_rate);
    assert_int_equal(n, (size_t)ceil(12 * c.rate_hz / c.bit_rate));
    assert_true(cabs(sample(&b, 0)) < 1e-4 && cabs(sample(&b, n - 1)) < 1e-4);
    double last = 0;
    for (size_t k = 0; k < n; k++) {
        double a = cabs(sample(&b, k));
        if (k < ramp) {
            assert_true(a >= last - 1e-4 && a - last < 1e-3); // rises, without a jump
            last = a;
        } else if (k < n - ramp - 1 && fabs(a - 0.5) > 1e-4)
            fail_msg("sample %zu of the bits has magnitude %.5f, expected 0.5", k, a);
    }
    bytes_deinit(&b);

    c.ramp_bits = 0;
    c.amplitude = 1;
    make(&c, bits, 8, &b);
    assert_float_equal(cabs(sample(&b, 0)), 1, 1e-4);
    bytes_deinit(&b);
}

static void refused(struct phy_gfsk_config c, size_t n_bits, int code, const char *part)
{
    static const uint8_t bits[8192];
    struct bytes b;
    struct err e = {0};
    bytes_init(&b, 4096);
    assert_int_equal(phy_gfsk_modulate(&c, bits, n_bits, &b, &e), code);
    if (!strstr(e.text, part)) fail_msg("expected '%s' in: %s", part, e.text);
    bytes_deinit(&b);
}

static void test_refusals(void **state)
{
    (void)state;
    struct phy_gfsk_config c = usual();
    refused(c, 0, ERR_INVALID, "expected 1 to 65536 bits, got 0");
    refused(c, 224, ERR_LIMIT, "");
    c.rate_hz = 2000;
    refused(c, 8, ERR_INVALID, "expected at least 4 samples a bit, got 2000 S/s");
    c = usual();
    c.bt = 0;
    refused(c, 8, ERR_INVALID, "BT from 0.1 to 10, got 0");
    c = usual();
    c.offset_hz = -260000;
    refused(c, 8, ERR_INVALID, "a carrier at -260000 Hz with 800 Hz of deviation does not fit");
    c = usual();
    c.amplitude = 1.01;
    refused(c, 8, ERR_INVALID, "got 1.01");
    c.amplitude = NAN;
    refused(c, 8, ERR_INVALID, "expected an amplitude");
    c = usual();
    c.ramp_bits = -1;
    refused(c, 8, ERR_INVALID, "ramps of 0 to 100 bits, got -1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_vector_can_be_read_back),
        cmocka_unit_test(test_frequency_follows_the_definition),
        cmocka_unit_test(test_envelope),
        cmocka_unit_test(test_refusals),
    };
    return cmocka_run_group_tests_name("gfsk modulator", tests, NULL, NULL);
}
