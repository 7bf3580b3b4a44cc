// The bench's own ear: bursts that went out as ordered, and every way in which one may not.
//
// Received samples are made at eight times the rate and thinned out, so that a place between two
// samples is known without the code under test.
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/air/echo.h"
#include "bench/base/bytes.h"
#include "bench/base/rng.h"
#include "bench/phy/gfsk.h"
#include "bench/phy/iq.h"
#include "bench/phy/jam_wave.h"

enum { RATE = 260417, FINE = 8, BITS = 8 * 28, AT = 60000, N = 260000 };

static const double f_hz = 21000, carrier_hz = 869525000;

static uint8_t bits[BITS / 8];

static void modulate(double rate_hz, struct bytes *out)
{
    const struct phy_gfsk_config c = {.rate_hz = rate_hz,
                                      .bit_rate = PHY_GFSK_DOWNLINK_BIT_RATE,
                                      .deviation_hz = PHY_GFSK_DOWNLINK_DEVIATION_HZ,
                                      .bt = PHY_GFSK_DOWNLINK_BT,
                                      .amplitude = 1,
                                      .ramp_bits = 2};
    struct err e = {0};
    bytes_init(out, 64 << 20);
    if (phy_gfsk_modulate(&c, bits, BITS, out, &e) < 0) fail_msg("%s", e.text);
}

// What becomes of a burst on its way.
struct way {
    double late;                                 // samples, in eighths
    double off_hz;                               // and ppm with it, as a crystal does
    double amplitude;                            // of full scale
    double noise;                                // rms of each component, words
    double from_s, to_s, hole_from_s, hole_to_s; // there, and not there; 0: all of it
    double other;                                // of a frame of 100 bit/s in the same place
    bool flip;                                   // every bit turned over
};

struct scene {
    struct bytes sent;
    int16_t *iq;
    struct air_echo_burst burst;
};

// `fine`: the burst as it really leaves, FINE samples for one.
static void receive(struct scene *s, const struct way *w, const struct bytes *fine)
{
    const int16_t *in = (const int16_t *)(const void *)fine->data;
    const ptrdiff_t n_in = (ptrdiff_t)fine->len / 4;
    const uint64_t key = rng_key(7, "echo");
    s->iq = calloc(N, 2 * sizeof *s->iq);
    assert_non_null(s->iq);
    for (ptrdiff_t k = 0; k < N; k++) {
        const ptrdiff_t i = (k - AT) * FINE - (ptrdiff_t)lround(w->late * FINE);
        const double t = (double)i / FINE / RATE;
        double complex x = 0;
        bool there = i >= 0 && i < n_in && (w->to_s == 0 || (t >= w->from_s && t < w->to_s)) &&
                     !(t >= w->hole_from_s && t < w->hole_to_s);
        if (there) x = (in[2 * i] + I * in[2 * i + 1]) / IQ_FULL_SCALE_TX;
        x *= w->amplitude * cexp(I * (2 * M_PI * (f_hz + w->off_hz) * t + 0.7));
        const double symbol = rng_uniform(key + 1, (uint64_t)(k * 100 / RATE)) < 0.5 ? -1 : 1;
        x += w->other * symbol * cexp(2 * M_PI * I * (f_hz + 4) * t);
        x *= IQ_FULL_SCALE_RX;
        s->iq[2 * k] = (int16_t)lrint(creal(x) + w->noise * rng_normal(key, 2 * (uint64_t)k));
        s->iq[2 * k + 1] =
            (int16_t)lrint(cimag(x) + w->noise * rng_normal(key, 2 * (uint64_t)k + 1));
    }
}

static struct scene downlink(const struct way *w)
{
    struct scene s = {0};
    struct bytes fine;
    for (size_t i = 0; i < sizeof bits; i++)
        bits[i] = (uint8_t)rng_u64(rng_key(3, "bits"), i);
    modulate(RATE, &s.sent);
    if (w->flip)
        for (size_t i = 0; i < sizeof bits; i++)
            bits[i] ^= i > 12 ? 0xff : 0;
    modulate(RATE * FINE * (1 - w->off_hz / carrier_hz), &fine);
    if (w->flip)
        for (size_t i = 0; i < sizeof bits; i++)
            bits[i] ^= i > 12 ? 0xff : 0;
    receive(&s, w, &fine);
    bytes_deinit(&fine);
    s.burst = (struct air_echo_burst){.rate_hz = RATE,
                                      .iq = (const int16_t *)(const void *)s.sent.data,
                                      .n = s.sent.len / 4,
                                      .bandwidth_hz = 5000,
                                      .at_sample = AT,
                                      .f_hz = f_hz,
                                      .carrier_hz = carrier_hz,
                                      .bits = bits,
                                      .n_bits = BITS};
    return s;
}

static struct air_echo heard(struct scene *s)
{
    struct air_echo echo;
    struct err e = {0};
    if (air_echo_find(&s->burst, s->iq, 0, N, &echo, &e) < 0) fail_msg("%s", e.text);
    free(s->iq);
    bytes_deinit(&s->sent);
    return echo;
}

static void near(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) fail_msg("%s: %.6g, expected %.6g", what, got, want);
}

static void test_echo_places_a_downlink_to_a_part_of_a_sample(void **state)
{
    (void)state;
    static const struct way ways[] = {
        {.late = 0, .amplitude = 0.5, .noise = 2},
        {.late = 0.375, .amplitude = 0.1, .noise = 20},
        {.late = -3.625, .off_hz = 104, .amplitude = 0.02, .noise = 20},
        {.late = 14.25, .off_hz = -2100, .amplitude = 0.9, .noise = 20},
        {.late = 20000, .off_hz = 800, .amplitude = 0.3, .noise = 20},
        {.late = -9000.5, .amplitude = 0.3, .noise = 20},
    };
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        const struct way *w = &ways[i];
        struct scene s = downlink(w);
        const struct air_echo e = heard(&s);
        assert_true(e.found);
        near("samples late", e.late_samples, w->late, 0.05 + 4 * e.late_u_samples);
        assert_true(e.late_u_samples < 0.5);
        near("Hz off", e.off_hz, w->off_hz, 0.05 + 4 * e.off_u_hz);
        near("dBFS", e.dbfs, 20 * log10(w->amplitude), 0.1);
        near("missing", e.head_s + e.tail_s + e.hole_s, 0, 0);
        assert_int_equal(e.bit_errors, 0);
    }
}

static void test_echo_tells_how_sure_it_is(void **state)
{
    (void)state;
    double worst = 0;
    for (int i = 0; i < 6; i++) {
        const struct way w = {.late = 0.125 * i, .off_hz = 3 * i, .amplitude = 0.004, .noise = 20};
        struct scene s = downlink(&w);
        const struct air_echo e = heard(&s);
        assert_true(e.found);
        worst = fmax(worst, fabs(e.late_samples - w.late) / e.late_u_samples);
    }
    assert_true(worst > 0.05 && worst < 4);
}

static void test_echo_sees_what_is_missing(void **state)
{
    (void)state;
    const struct way late = {.amplitude = 0.2, .noise = 5, .from_s = 0.1, .to_s = 1};
    const struct way cut = {.amplitude = 0.2, .noise = 5, .from_s = 0, .to_s = 0.2};
    const struct way hole = {.amplitude = 0.2, .noise = 5, .hole_from_s = 0.1, .hole_to_s = 0.1629};
    struct scene s = downlink(&late);
    const double whole_s = (double)s.burst.n / RATE;
    struct air_echo e = heard(&s);
    near("head", e.head_s, 0.1, 0.021);
    near("tail", e.tail_s, 0, 0);
    assert_true(e.bit_errors > 10);
    s = downlink(&cut);
    e = heard(&s);
    near("head", e.head_s, 0, 0);
    near("tail", e.tail_s, whole_s - 0.2, 0.041);
    s = downlink(&hole);
    e = heard(&s);
    near("hole", e.hole_s, 0.06, 0.021);
    near("head and tail", e.head_s + e.tail_s, 0, 0);
    near("dBFS of the rest", e.dbfs, 20 * log10(0.2), 0.3);
}

static void test_echo_of_nothing_and_of_something_else(void **state)
{
    (void)state;
    const struct way silence = {.noise = 20}, other = {.noise = 20, .other = 0.5};
    const struct way flipped = {.amplitude = 0.2, .noise = 5, .flip = true};
    struct scene s = downlink(&silence);
    assert_false(heard(&s).found);
    s = downlink(&other);
    struct air_echo e = heard(&s);
    assert_true(!e.found || e.likeness < 0.2 || e.bit_errors > 50);
    s = downlink(&flipped); // other bits from the 13th byte on
    e = heard(&s);
    assert_true(e.bit_errors > 80);
}

// A jammer of each shape, weaker and stronger than what it jams.
static void test_echo_of_jammers(void **state)
{
    (void)state;
    for (enum phy_jam_shape shape = 0; shape < PHY_JAM_SHAPES; shape++)
        for (int strong = 0; strong < 2; strong++) {
            struct phy_jam_wave wave = phy_jam_wave_default(shape);
            static const uint8_t flood[] = {1, 0, 1, 0, 1, 1, 0, 0, 1};
            wave.bit_rate = 100;
            wave.bits = flood;
            wave.n_bits = sizeof flood;
            wave.seed = 5;
            if (shape == PHY_JAM_noise) wave.band_hz = 2000;
            const struct way w = {
                .late = 2, .amplitude = strong ? 0.5 : 0.1, .noise = 5, .other = 0.1};
            struct scene s = {0};
            struct bytes fine;
            struct err e = {0};
            bytes_init(&s.sent, 64 << 20);
            bytes_init(&fine, 64 << 20);
            const size_t n = RATE / 2;
            double power;
            assert_int_equal(phy_jam_wave_make(&wave, RATE, n, &s.sent, &power, &e), 0);
            // The same samples held: an eighth of one is not asked for here.
            for (size_t i = 0; i < n; i++)
                for (int k = 0; k < FINE; k++)
                    assert_true(bytes_append(&fine, s.sent.data + 4 * i, 4, &e) >= 0);
            receive(&s, &w, &fine);
            bytes_deinit(&fine);
            s.burst = (struct air_echo_burst){.rate_hz = RATE,
                                              .iq = (const int16_t *)(const void *)s.sent.data,
                                              .n = n,
                                              .bandwidth_hz = phy_jam_wave_bandwidth_hz(&wave),
                                              .at_sample = AT,
                                              .f_hz = f_hz,
                                              .carrier_hz = carrier_hz,
                                              .against_s = 0.01};
            const struct air_echo echo = heard(&s);
            const char *name = phy_jam_shape_name(shape);
            assert_true(echo.found);
            near(name, echo.dbfs, 20 * log10(w.amplitude), strong ? 0.5 : 3);
            // Of what runs through its band, time and frequency are hard to tell apart.
            near(name, echo.off_hz, 0, 60);
            // A carrier has nothing but its edges, and a frame is no noise.
            near(name, echo.late_samples, 2, strong ? 100 : 1300);
            near(name, echo.head_s + echo.tail_s + echo.hole_s, 0, 0);
        }
}

static void test_echo_needs_the_samples(void **state)
{
    (void)state;
    const struct way w = {.amplitude = 0.2, .noise = 5};
    struct scene s = downlink(&w);
    struct air_echo echo;
    struct err e = {0};
    assert_int_equal(air_echo_find(&s.burst, s.iq, AT + 1, N, &echo, &e), ERR_LIMIT);
    assert_non_null(strstr(e.text, "expected the samples 60000 to"));
    s.burst.f_hz = RATE / 2.0;
    assert_int_equal(air_echo_find(&s.burst, s.iq, 0, N, &echo, &e), ERR_INVALID);
    s.burst.f_hz = f_hz;
    (void)heard(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_echo_places_a_downlink_to_a_part_of_a_sample),
        cmocka_unit_test(test_echo_tells_how_sure_it_is),
        cmocka_unit_test(test_echo_sees_what_is_missing),
        cmocka_unit_test(test_echo_of_nothing_and_of_something_else),
        cmocka_unit_test(test_echo_of_jammers),
        cmocka_unit_test(test_echo_needs_the_samples),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
