// The jammers' waveforms as somebody sees them who knows nothing of how they were made: the
// frequency between neighbouring samples, the envelope, single frequencies one by one, symbols.
#include <complex.h>
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
#include "bench/phy/jam_wave.h"

enum { N = 300000, EDGE = 1042 };

static const double rate_hz = 520834;

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance)) fail_msg("%.10g, expected %.10g", got, want);
}

// N samples; *power as the maker says.
static float complex *make(const struct phy_jam_wave *w, double *power)
{
    struct bytes b;
    struct err e = {0};
    bytes_init(&b, 4 * N);
    if (phy_jam_wave_make(w, rate_hz, N, &b, power, &e) < 0) fail_msg("%s", e.text);
    assert_int_equal(b.len, 4 * N);
    float complex *x = malloc(N * sizeof *x);
    assert_non_null(x);
    const int16_t *iq = (const int16_t *)(const void *)b.data;
    for (size_t k = 0; k < N; k++) {
        x[k] = ((float)iq[2 * k] + I * (float)iq[2 * k + 1]) / (float)IQ_FULL_SCALE_TX;
        assert_true(cabsf(x[k]) < 1.0001F);
    }
    assert_true(cabsf(x[0]) < 0.001F && cabsf(x[N - 1]) < 0.001F);
    bytes_deinit(&b);
    return x;
}

static double mean_power(const float complex *x, size_t from, size_t to)
{
    double sum = 0;
    for (size_t k = from; k < to; k++)
        sum += (double)(crealf(x[k]) * crealf(x[k]) + cimagf(x[k]) * cimagf(x[k]));
    return sum / (double)(to - from);
}

static double hz_at(const float complex *x, size_t k)
{
    return (double)cargf(x[k + 1] * conjf(x[k])) / (2 * M_PI) * rate_hz;
}

// Power density at f, in units of all of the power a hertz: windows of 5 ms, one frequency a time.
static double density(const float complex *x, double f_hz)
{
    enum { LEN = 2604 };
    double sum = 0, weight = 0, all = 0;
    for (size_t from = EDGE; from + LEN < N - EDGE; from += LEN) {
        double complex bin = 0;
        for (size_t i = 0; i < LEN; i++) {
            double w = 0.5 - 0.5 * cos(2 * M_PI * ((double)i + 0.5) / LEN);
            double complex v = (double complex)x[from + i];
            bin += w * v * cexp(-2 * M_PI * I * f_hz / rate_hz * (double)i);
            weight += w * w;
            all += creal(v) * creal(v) + cimag(v) * cimag(v);
        }
        sum += creal(bin) * creal(bin) + cimag(bin) * cimag(bin);
    }
    size_t windows = (N - 2 * EDGE) / LEN;
    double samples = (double)(windows * LEN);
    return sum / (weight / (double)windows) / (double)windows / rate_hz / (all / samples);
}

static void test_carrier(void **state)
{
    (void)state;
    struct phy_jam_wave w = phy_jam_wave_default(PHY_JAM_cw);
    double power = 0;
    float complex *x = make(&w, &power);
    near(power, 1, 1e-9);
    for (size_t k = EDGE; k < N - EDGE; k++)
        if (cabsf(x[k] - 1) > 1e-4F) fail_msg("sample %zu is not the carrier", k);
    // Half-way up its edge of 2 ms.
    near((double)cabsf(x[EDGE / 2]), 0.5, 0.002);
    free(x);
}

static void test_steps(void **state)
{
    (void)state;
    struct phy_jam_wave w = phy_jam_wave_default(PHY_JAM_steps);
    w.band_hz = 100e3;
    w.step_hz = 5e3;
    w.dwell_s = 0.004;
    double power = 0;
    float complex *x = make(&w, &power);
    near(power, 1, 1e-9);
    for (size_t i = 1; i < 100; i++) {
        size_t middle = (size_t)(((double)i + 0.5) * w.dwell_s * rate_hz);
        double want = -50e3 + 5e3 * (double)(i % 21);
        double sum = 0;
        for (size_t k = middle - 500; k < middle + 500; k++)
            sum += hz_at(x, k) / 1000;
        near(sum, want, 1);
        // It is there up to the last sample and hops without a jump of its phase.
        size_t last = (size_t)((double)(i + 1) * w.dwell_s * rate_hz);
        near(hz_at(x, last - 3), want, 60);
        near(hz_at(x, last + 3), -50e3 + 5e3 * (double)((i + 1) % 21), 60);
        assert_true(fabs(hz_at(x, last)) < 51e3);
    }
    free(x);
}

static void test_sweep(void **state)
{
    (void)state;
    struct phy_jam_wave w = phy_jam_wave_default(PHY_JAM_sweep);
    double power = 0;
    float complex *x = make(&w, &power);
    near(power, 1, 1e-9);
    for (size_t k = EDGE; k + EDGE < N; k += 997) {
        double periods = (double)k / rate_hz / 0.05;
        double part = periods - floor(periods);
        if (part < 0.001 || part > 0.999) continue; // here it goes back
        near(hz_at(x, k), 80e3 * (part - 0.5), 120);
        near((double)cabsf(x[k]), 1, 1e-3);
    }
    free(x);
}

static void test_noise(void **state)
{
    (void)state;
    static const double bands[] = {600, 20e3, 160e3};
    for (size_t i = 0; i < 3; i++) {
        struct phy_jam_wave w = phy_jam_wave_default(PHY_JAM_noise);
        w.band_hz = bands[i];
        w.seed = 7 + i;
        double power = 0;
        float complex *x = make(&w, &power);
        near(mean_power(x, EDGE, N - EDGE) / power, 1, 0.05);
        near(10 * log10(power), 20 * log10(0.4), i ? 0.3 : 1.5);
        // Flat within, and 30 dB less 2 kHz beside.
        double inside = 0;
        for (int f = -8; f <= 8; f++)
            inside += density(x, f * bands[i] / 20) / 17;
        near(inside * bands[i], 1, i ? 0.1 : 0.25);
        assert_true(density(x, bands[i] / 2 + 2000) < inside / 1000);
        assert_true(density(x, -bands[i] / 2 - 2000) < inside / 1000);
        // Its envelope is Rayleigh's: the fourth moment is twice the squared second.
        double fourth = 0;
        for (size_t k = EDGE; k < N - EDGE; k++)
            fourth += pow((double)cabsf(x[k]), 4) / (double)(N - 2 * EDGE);
        double second = mean_power(x, EDGE, N - EDGE);
        near(fourth / second / second, 2, i ? 0.1 : 0.5);
        free(x);
    }
    // Another seed is other noise, the same one the same.
    struct phy_jam_wave w = phy_jam_wave_default(PHY_JAM_noise);
    float complex *a = make(&w, NULL), *b = make(&w, NULL);
    assert_memory_equal(a, b, N * sizeof *a);
    free(b);
    w.seed = 2;
    b = make(&w, NULL);
    assert_memory_not_equal(a, b, N * sizeof *a);
    free(b);
    free(a);
}

// Turned from the middle of symbol i to the middle of the next one?
static bool turned(const float complex *x, double symbol, size_t i)
{
    size_t a = (size_t)(((double)i + 0.5) * symbol), b = (size_t)(((double)i + 1.5) * symbol);
    near((double)cabsf(x[a]), 1, 1e-3);
    return crealf(x[a] * conjf(x[b])) < 0;
}

static void test_data(void **state)
{
    (void)state;
    struct phy_jam_wave w = phy_jam_wave_default(PHY_JAM_bpsk);
    w.bit_rate = 600;
    double power = 0, symbol = rate_hz / 600;
    float complex *x = make(&w, &power);
    size_t turns = 0, pairs = 0, symbols = (size_t)(N / symbol) - 4;
    for (size_t i = 2; i < symbols; i++) {
        turns += turned(x, symbol, i);
        pairs += turned(x, symbol, i) == turned(x, symbol, i + 1);
    }
    // As a coin does: half of them, and no bit tells of the next.
    near((double)turns / (double)symbols, 0.5, 4 * 0.5 / sqrt((double)symbols));
    near((double)pairs / (double)symbols, 0.5, 4 * 0.5 / sqrt((double)symbols));
    // A turn costs half of the power of a quarter of a symbol.
    near(power, 1 - 0.125 * (double)turns / (double)symbols, 0.003);
    near(mean_power(x, EDGE, N - EDGE), power, 0.003);
    assert_true(density(x, 0) > 100 * density(x, 4000));
    free(x);
}

static void test_flood(void **state)
{
    (void)state;
    static const char text[] = "01010101010101010101100000110101";
    uint8_t bits[32];
    for (size_t i = 0; i < 32; i++)
        bits[i] = text[i] == '1';
    struct phy_jam_wave w = phy_jam_wave_default(PHY_JAM_flood);
    w.bits = bits;
    w.n_bits = 32;
    float complex *x = make(&w, NULL);
    double symbol = rate_hz / 100;
    size_t symbols = (size_t)(N / symbol) - 3;
    assert_true(symbols > 50);
    for (size_t i = 1; i < symbols; i++)
        assert_int_equal(turned(x, symbol, i), text[i % 32] == '0');
    free(x);
}

static void test_pulses(void **state)
{
    (void)state;
    struct phy_jam_wave w = phy_jam_wave_default(PHY_JAM_pulse);
    w.period_s = 0.02;
    w.on_s = 0.005;
    double power = 0;
    float complex *x = make(&w, &power);
    near(phy_jam_wave_duty(&w), 0.25, 1e-12);
    size_t rises = 0, last = 0, on = 0;
    for (size_t k = EDGE; k < N - EDGE; k++) {
        bool now = cabsf(x[k]) > 0.5F, before = cabsf(x[k - 1]) > 0.5F;
        on += now;
        if (!now || before) continue;
        if (last) near((double)(k - last) / rate_hz, 0.02, 3 / rate_hz);
        last = k;
        rises++;
    }
    assert_int_equal(rises, 28);
    // From half to half an eighth less, its edge.
    near((double)on / (double)rises / rate_hz, 0.005 * 7 / 8, 0.0001);
    // Edges of an eighth each leave 1 - 2/8 + 2/8 * 3/8 of its power.
    near(power, 1 - 0.25 + 0.25 * 0.375, 0.01);
    free(x);
}

// What the permit is asked for holds the power: nothing to speak of just outside of it.
static void test_bandwidth(void **state)
{
    (void)state;
    static const uint8_t bits[] = {1, 0, 0, 1, 0};
    for (int s = 0; s < PHY_JAM_SHAPES; s++) {
        struct phy_jam_wave w = phy_jam_wave_default((enum phy_jam_shape)s);
        w.bits = bits;
        w.n_bits = sizeof bits;
        double half = phy_jam_wave_bandwidth_hz(&w) / 2, inside = 0;
        float complex *x = make(&w, NULL);
        assert_true(2 * half >= (s == PHY_JAM_steps || s == PHY_JAM_sweep ? 80e3 : 2000));
        for (int i = -50; i <= 50; i++)
            inside = fmax(inside, density(x, half * i / 50));
        for (double f = half + 250; f < half + 3000; f += 500)
            if (density(x, f) > inside / 300 || density(x, -f) > inside / 300)
                fail_msg("%s: its density is %g at %g Hz, %g within", phy_jam_shape_name(w.shape),
                         density(x, f), f, inside);
        free(x);
    }
}

static void refused(struct phy_jam_wave w, const char *part)
{
    struct err e = {0};
    assert_int_equal(phy_jam_wave_check(&w, &e), ERR_INVALID);
    if (!strstr(e.text, part)) fail_msg("expected '%s' in: %s", part, e.text);
}

static void test_refusals(void **state)
{
    (void)state;
    struct phy_jam_wave w = phy_jam_wave_default(PHY_JAM_noise);
    w.band_hz = 20;
    refused(w, "jammer noise: band_hz: expected 50 … 160000 Hz, got 20");
    w.band_hz = (double)NAN;
    refused(w, "band_hz");
    w = phy_jam_wave_default(PHY_JAM_steps);
    w.step_hz = 90e3;
    refused(w, "jammer steps: step_hz: expected 10 … 80000 Hz, got 90000");
    w.step_hz = 1000;
    w.dwell_s = 0;
    refused(w, "dwell_s");
    w = phy_jam_wave_default(PHY_JAM_pulse);
    w.on_s = 0.06;
    refused(w, "jammer pulse: on_s: expected 0.001 … 0.05 s, got 0.06");
    w.period_s = 0.2;
    refused(w, "period_s: expected 0.002 … 0.1 s");
    w = phy_jam_wave_default(PHY_JAM_sweep);
    w.period_s = 2;
    refused(w, "jammer sweep: period_s: expected 0.005 … 1 s, got 2");
    w.period_s = 0.05;
    w.on_s = 99; // none of its business
    struct err e = {0};
    assert_int_equal(phy_jam_wave_check(&w, &e), ERR_OK);
    struct bytes b;
    bytes_init(&b, 4 * N);
    assert_int_equal(phy_jam_wave_make(&w, 48000, N, &b, NULL, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "jammer sweep: expected samples of "));
    assert_int_equal(phy_jam_wave_make(&w, rate_hz, 1000, &b, NULL, &e), ERR_INVALID);
    w = phy_jam_wave_default(PHY_JAM_flood);
    assert_int_equal(phy_jam_wave_make(&w, rate_hz, N, &b, NULL, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "expected bits to repeat, got none"));
    w = phy_jam_wave_default(PHY_JAM_bpsk);
    bytes_deinit(&b);
    bytes_init(&b, 4 * N - 4);
    assert_int_equal(phy_jam_wave_make(&w, rate_hz, N, &b, NULL, &e), ERR_LIMIT);
    bytes_deinit(&b);
    enum phy_jam_shape found;
    assert_false(phy_jam_shape_find("reactive", &found));
    assert_true(phy_jam_shape_find("flood", &found));
    assert_int_equal(found, PHY_JAM_flood);
}

// Noise first, then a frame, then the jammer alone, as far apart in level as asked for.
static void test_ratio(void **state)
{
    (void)state;
    static const uint8_t bits[] = {1, 0, 0, 1, 0, 1, 1, 0};
    enum { PART = 104166, ALL = 3 * PART };
    int16_t *iq = malloc(2 * ALL * sizeof *iq);
    assert_non_null(iq);
    const double f_hz = 40e3, codes = 20, level = 120;
    for (int s = 0; s < PHY_JAM_SHAPES; s++) {
        struct phy_jam_wave w = phy_jam_wave_default((enum phy_jam_shape)s);
        w.bits = bits;
        w.n_bits = sizeof bits;
        if (s == PHY_JAM_pulse) w.period_s = 0.03; // not a part of the gate
        double power = 0;
        float complex *x = make(&w, &power);
        for (size_t k = 0; k < ALL; k++) {
            double complex v = 0;
            if (k >= PART && k < 2 * PART) {
                unsigned bit = (unsigned)((double)k / rate_hz * 100);
                v = level * (bit * 2654435761u >> 13 & 1 ? 1 : -1);
            } else if (k >= 2 * PART) { // 12 dB more
                v = level * pow(10, 12 / 20.0) / sqrt(power) *
                    (double complex)x[EDGE + (k - 2 * PART)];
            }
            v *= cexp(2 * M_PI * I * f_hz / rate_hz * (double)k);
            iq[2 * k] = (int16_t)lrint(creal(v) + codes * rng_normal(11, 2 * k));
            iq[2 * k + 1] = (int16_t)lrint(cimag(v) + codes * rng_normal(11, 2 * k + 1));
        }
        free(x);
        struct phy_jam_gates g = {.rate_hz = rate_hz,
                                  .f_hz = f_hz,
                                  .signal_half_hz = 300,
                                  .noise = {1000 + 500, PART - 2000},
                                  .signal = {1000 + PART + 500, PART - 2000},
                                  .jammer = {1000 + 2 * PART + 500, PART - 1000}};
        struct phy_js js;
        struct err e = {0};
        if (phy_jam_js(&w, &g, iq, 1000, ALL, &js, &e) < 0)
            fail_msg("%s: %s", phy_jam_shape_name(w.shape), e.text);
        print_message("# %-6s J/S %.2f +- %.2f dB of 12\n", phy_jam_shape_name(w.shape), js.js_db,
                      js.u_db);
        // The frame's sidelobes beyond its band are missing from S: some 0.2 dB.
        near(js.js_db, 12, 0.35 + 3 * js.u_db);
        g.jammer.first = g.noise.first;
        assert_int_equal(phy_jam_js(&w, &g, iq, 1000, ALL, &js, &e), ERR_CHECK);
        g.jammer.first = 1000 + 2 * PART + 20000;
        assert_int_equal(phy_jam_js(&w, &g, iq, 1000, ALL, &js, &e), ERR_INVALID);
        assert_non_null(strstr(e.text, "the jammer gate"));
    }
    free(iq);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_carrier),  cmocka_unit_test(test_steps),
        cmocka_unit_test(test_sweep),    cmocka_unit_test(test_noise),
        cmocka_unit_test(test_data),     cmocka_unit_test(test_flood),
        cmocka_unit_test(test_pulses),   cmocka_unit_test(test_bandwidth),
        cmocka_unit_test(test_refusals), cmocka_unit_test(test_ratio),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
