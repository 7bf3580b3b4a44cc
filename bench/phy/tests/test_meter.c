// The power meter: levels that are known because they were made so.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "bench/phy/iq.h"
#include "bench/phy/jam_meter.h"

static const double rate_hz = 520834;

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) fail_msg("%.10g, expected %.10g", got, want);
}

// Noise of `codes` a component over the whole capture.
static void add_noise(int16_t *iq, size_t n, double codes, uint64_t key)
{
    for (size_t k = 0; k < 2 * n; k++)
        iq[k] = (int16_t)lrint(iq[k] + codes * rng_normal(key, k));
}

// 100 bit/s of phase flips, as the wanted signal has.
static void add_bpsk(int16_t *iq, size_t from, size_t n, double amplitude, double f_hz)
{
    for (size_t k = 0; k < n; k++) {
        unsigned bit = (unsigned)((double)(from + k) / rate_hz * 100);
        double a = amplitude * (bit * 2654435761u >> 13 & 1 ? 1 : -1);
        double phase = 2 * M_PI * f_hz / rate_hz * (double)(from + k);
        iq[2 * (from + k)] = (int16_t)lrint(iq[2 * (from + k)] + a * cos(phase));
        iq[2 * (from + k) + 1] = (int16_t)lrint(iq[2 * (from + k) + 1] + a * sin(phase));
    }
}

static void test_power_of_a_band(void **state)
{
    (void)state;
    enum { N = 100000 };
    static int16_t iq[2 * N];
    struct phy_meter_config c = {.rate_hz = rate_hz, .low_hz = 20000, .high_hz = 22000};
    struct phy_power p;
    struct err e = {0};
    // A carrier inside, a stronger one outside.
    for (int k = 0; k < N; k++) {
        double in = 2 * M_PI * 21234.5 / rate_hz * k, out = 2 * M_PI * -70000.0 / rate_hz * k;
        iq[2 * k] = (int16_t)lrint(100 * cos(in) + 1000 * cos(out));
        iq[2 * k + 1] = (int16_t)lrint(100 * sin(in) + 1000 * sin(out));
    }
    assert_int_equal(phy_meter_power(&c, iq, N, &p, &e), ERR_OK);
    near(p.dbfs, 20 * log10(100.0 / 2047), 0.05);
    assert_false(p.clipped);
    near(p.looks, 2000 * N / rate_hz, 1e-6);

    // White noise: the band's share of it.
    memset(iq, 0, sizeof iq);
    add_noise(iq, N, 50, 3);
    c.low_hz = -100e3;
    c.high_hz = 50e3;
    assert_int_equal(phy_meter_power(&c, iq, N, &p, &e), ERR_OK);
    near(p.dbfs, 10 * log10(2 * 50.0 * 50 / 2047 / 2047 * 150e3 / rate_hz), 0.15);

    iq[777] = IQ_FULL_SCALE_RX;
    assert_int_equal(phy_meter_power(&c, iq, N, &p, &e), ERR_OK);
    assert_true(p.clipped);
    c.high_hz = c.low_hz;
    assert_int_equal(phy_meter_power(&c, iq, N, &p, &e), ERR_INVALID);
    c.high_hz = 261e3;
    assert_int_equal(phy_meter_power(&c, iq, N, &p, &e), ERR_INVALID);
    c = (struct phy_meter_config){.rate_hz = rate_hz, .low_hz = 0, .high_hz = 1000};
    assert_int_equal(phy_meter_power(&c, iq, 2000, &p, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "needs 4167 samples at least"));
}

// Signal alone, both, jammer alone, neither: the ratio that was put in comes out, and the spread
// over many captures is what the meter says it is.
static void test_js(void **state)
{
    (void)state;
    enum { PART = 60000, N = 4 * PART, FIRST = 1000000, TRIALS = 16 };
    static int16_t iq[2 * N];
    const struct phy_gate s = {FIRST + 500, PART - 1000}, j = {FIRST + 2 * PART + 500, PART - 1000},
                          z = {FIRST + 3 * PART + 500, PART - 1000};
    const struct phy_jam_wave cw = phy_jam_wave_default(PHY_JAM_cw);
    const struct phy_jam_gates g = {rate_hz, 70e3, 1000, s, j, z};
    struct phy_jam_gates bad;
    struct phy_js js;
    struct err e = {0};
    static const double want_db[] = {20, 0, -3};
    for (int w = 0; w < 3; w++) {
        double sum = 0, square = 0, u = 0;
        for (int trial = 0; trial < TRIALS; trial++) {
            double signal = 8, jammer = signal * pow(10, want_db[w] / 20);
            memset(iq, 0, sizeof iq);
            // Noise first: rounding a weak signal without it would not be linear.
            add_noise(iq, N, 20, (uint64_t)(100 * w + trial));
            add_bpsk(iq, 0, 2 * PART, signal, 70e3);
            for (size_t k = PART; k < 3 * PART; k++) {
                double phase = 2 * M_PI * 70007.0 / rate_hz * (double)k;
                iq[2 * k] = (int16_t)lrint(iq[2 * k] + jammer * cos(phase));
                iq[2 * k + 1] = (int16_t)lrint(iq[2 * k + 1] + jammer * sin(phase));
            }
            if (phy_jam_js(&cw, &g, iq, FIRST, N, &js, &e) < 0) fail_msg("%s", e.text);
            sum += js.js_db - want_db[w];
            square += (js.js_db - want_db[w]) * (js.js_db - want_db[w]);
            u += js.u_db / TRIALS;
        }
        double mean = sum / TRIALS, rms = sqrt(square / TRIALS);
        print_message("# J/S %+.0f dB: off by %+.3f dB in the mean, %.3f rms, stated %.3f\n",
                      want_db[w], mean, rms, u);
        assert_true(fabs(mean) < 0.2);
        assert_true(rms < 2 * u && rms > u / 4);
    }
    // Some 230 independent values: 0.3 dB of spread.
    near(js.noise_dbfs, 10 * log10(2 * 20.0 * 20 / 2047 / 2047 * 2000 / rate_hz), 1.2);

    struct phy_gate far = {FIRST + N - 100, 2000};
    bad = g;
    bad.jammer = far;
    assert_int_equal(phy_jam_js(&cw, &bad, iq, FIRST, N, &js, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "the jammer gate (2000 samples from 1239900) lies outside"));
    far.first = FIRST - 1;
    bad = g;
    bad.signal = far;
    assert_int_equal(phy_jam_js(&cw, &bad, iq, FIRST, N, &js, &e), ERR_INVALID);
    struct phy_gate brief = {FIRST, 1000};
    bad = g;
    bad.signal = brief;
    assert_int_equal(phy_jam_js(&cw, &bad, iq, FIRST, N, &js, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "J/S, signal gate: power meter: a band of 2000 Hz needs"));
    bad = g;
    bad.jammer = z;
    assert_int_equal(phy_jam_js(&cw, &bad, iq, FIRST, N, &js, &e), ERR_CHECK);
    assert_non_null(strstr(e.text, "was either of them there?"));
    iq[2 * 1000] = -2048;
    assert_int_equal(phy_jam_js(&cw, &g, iq, FIRST, N, &js, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "the signal gate holds samples at full scale"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_of_a_band),
        cmocka_unit_test(test_js),
    };
    return cmocka_run_group_tests_name("jammer and meter", tests, NULL, NULL);
}
