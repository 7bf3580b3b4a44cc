// Measurements against signals whose truth is known, theory's bounds, and closed forms that share
// nothing with the code under test.
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

#include "bench/base/rng.h"
#include "bench/phy/measure.h"
#include "bench/phy/tests/synth.h"

// A frame of class C by librenard, as in test_phy_receive.c, and the longest class.
static const char class_c[] = "aaaaa35f0cee9b36fb9d7c02bfc22bc251bc";
static const char class_e[] = "aaaaa94ccdfc8030d991f3ac017ff0480321db92aaecfec8a486";

static const double lead_s = 0.6;

struct scene {
    double rate_hz;
    double noise_rms;
    uint64_t seed;
    struct synth_burst burst;
    struct synth_flaws flaws;
    struct synth_burst other; // a neighbour; hex NULL: none
};

static struct scene usual(uint64_t seed, double ebn0_db)
{
    uint64_t key = rng_key(seed, "measure");
    return (struct scene){.rate_hz = 48000,
                          .noise_rms = 3,
                          .seed = seed,
                          .burst = {.hex = class_c,
                                    .bit_rate = 100,
                                    .start_s = lead_s + 0.01 * rng_uniform(key, 0),
                                    .f_hz = 20000 * (rng_uniform(key, 1) - 0.5),
                                    .drift_hz_s = 20 * (rng_uniform(key, 2) - 0.5),
                                    .ebn0_db = ebn0_db,
                                    .rho = 0.25,
                                    .phase = rng_uniform(key, 3)}};
}

static bool bit_of(const char *hex, size_t i)
{
    char digit[2] = {hex[i / 4], 0};
    return strtoul(digit, NULL, 16) >> (3 - i % 4) & 1;
}

// What the receiver would hand over: the truth, a little off.
static struct phy_measure_burst found(const struct scene *s)
{
    const struct synth_burst *b = &s->burst;
    uint64_t key = rng_key(s->seed, "found");
    struct phy_measure_burst out = {
        .start_sample =
            (b->start_s + 0.04 * (rng_uniform(key, 0) - 0.5) / b->bit_rate) * s->rate_hz,
        .f_hz = b->f_hz + 0.0008 * b->bit_rate * (rng_uniform(key, 1) - 0.5),
        .drift_hz_s = b->drift_hz_s + 0.1 * (rng_uniform(key, 2) - 0.5),
        .bit_rate = b->bit_rate,
        .n_symbols = synth_symbols(b),
    };
    out.sign[0] = 1;
    for (size_t k = 1; k < out.n_symbols; k++)
        out.sign[k] = bit_of(b->hex, k - 1) ? out.sign[k - 1] : -out.sign[k - 1];
    return out;
}

static int16_t *render(const struct scene *s, size_t *n)
{
    struct synth_burst bursts[2] = {s->burst, s->other};
    struct synth synth = {s->rate_hz, s->noise_rms, 0, s->seed, bursts, s->other.hex ? 2 : 1};
    double length_s = (double)synth_symbols(&s->burst) / s->burst.bit_rate;
    *n = (size_t)((s->burst.start_s + length_s + 0.12) * s->rate_hz);
    int16_t *iq = malloc(*n * 2 * sizeof *iq);
    assert_non_null(iq);
    synth_render_flawed(&synth, &s->flaws, 0, *n, iq);
    return iq;
}

static struct phy_measurement measure_with(const struct scene *s, struct phy_measure_config c)
{
    size_t n;
    struct err err = {0};
    struct phy_measurement m;
    struct phy_measure_burst b = found(s);
    int16_t *iq = render(s, &n);
    c.rate_hz = s->rate_hz;
    if (phy_measure(&c, iq, n, &b, &m, &err) < 0) fail_msg("%s", err.text);
    free(iq);
    return m;
}

static struct phy_measurement measure(const struct scene *s)
{
    return measure_with(s, (struct phy_measure_config){0});
}

static double get(const struct phy_measurement *m, enum phy_quantity q)
{
    if (m->q[q].why) fail_msg("%s is void: %s", phy_quantity_name(q), m->q[q].why);
    return m->q[q].value;
}

static void expect_near(const struct phy_measurement *m, enum phy_quantity q, double truth,
                        double tolerance)
{
    double v = get(m, q);
    if (!(fabs(v - truth) <= tolerance))
        fail_msg("%s: expected %g +- %g %s, measured %g (u %g)", phy_quantity_name(q), truth,
                 tolerance, phy_quantity_unit(q), v, m->q[q].u);
}

static void expect_void(const struct phy_measurement *m, enum phy_quantity q, const char *why)
{
    if (!m->q[q].why || !strstr(m->q[q].why, why))
        fail_msg("%s: expected void for \"%s\", got %g and \"%s\"", phy_quantity_name(q), why,
                 m->q[q].value, m->q[q].why ? m->q[q].why : "valid");
}

static size_t flips_of(const char *hex)
{
    size_t n = 0;
    for (size_t i = 0; i < 4 * strlen(hex); i++)
        n += !bit_of(hex, i);
    return n;
}

// Errors against the Cramér-Rao bounds: symbols known; phase, frequency and drift together, and
// mid-burst and rate together, both pairs orthogonal there.
static void check_bounds(double ebn0_db, double rho, double bit_rate, double rate_hz)
{
    enum { RUNS = 24 };
    double error2[4] = {0}, claimed2[4] = {0}, bound[4];
    for (uint64_t seed = 1; seed <= RUNS; seed++) {
        struct scene s = usual(seed, ebn0_db);
        s.burst.rho = rho;
        s.burst.bit_rate = bit_rate;
        s.rate_hz = rate_hz;
        double n = (double)synth_symbols(&s.burst), flips = (double)flips_of(class_c);
        double gain = pow(10, ebn0_db / 10), mid_s = n / 2 / bit_rate;
        struct phy_measurement m = measure(&s);
        const double errors[4] = {get(&m, PHY_QUANTITY_f_mid_hz) - s.burst.f_hz -
                                      s.burst.drift_hz_s * mid_s,
                                  get(&m, PHY_QUANTITY_drift_hz_s) - s.burst.drift_hz_s,
                                  get(&m, PHY_QUANTITY_t_mid_s) - s.burst.start_s - mid_s,
                                  get(&m, PHY_QUANTITY_bit_rate) - bit_rate};
        const enum phy_quantity which[4] = {PHY_QUANTITY_f_mid_hz, PHY_QUANTITY_drift_hz_s,
                                            PHY_QUANTITY_t_mid_s, PHY_QUANTITY_bit_rate};
        for (int i = 0; i < 4; i++) {
            error2[i] += errors[i] * errors[i];
            claimed2[i] += m.q[which[i]].u * m.q[which[i]].u;
        }
        double spread2 = 0;
        for (size_t k = 1; k < (size_t)n; k++)
            if (!bit_of(class_c, k - 1)) spread2 += pow((double)k - n / 2, 2);
        bound[0] = sqrt(12 / (8 * M_PI * M_PI * gain * n * n * n)) * bit_rate;
        bound[1] = sqrt(720 / (8 * M_PI * M_PI * gain * pow(n, 5))) * bit_rate * bit_rate;
        double one = sqrt(rho * synth_mean_power(&s.burst) / (M_PI * M_PI * gain)); // change
        bound[2] = one / sqrt(flips) / bit_rate;
        bound[3] = one / sqrt(spread2) * bit_rate;
    }
    static const char *const names[] = {"frequency", "drift", "timing", "rate"};
    for (int i = 0; i < 4; i++) {
        double error = sqrt(error2[i] / RUNS), claimed = sqrt(claimed2[i] / RUNS);
        if (getenv("SHOW"))
            printf("# %2.0f dB rho %.2f %.0f bit/s %s: %.2f x bound, claimed %.2f x\n", ebn0_db,
                   rho, bit_rate, names[i], error / bound[i], claimed / bound[i]);
        if (!(error <= 1.5 * bound[i]))
            fail_msg("%s at %.0f dB: expected at most 1.5 x the bound of %g, found %.2f x",
                     names[i], ebn0_db, bound[i], error / bound[i]);
        if (!(claimed >= 0.6 * error && claimed <= 1.6 * error))
            fail_msg("%s at %.0f dB: off by %g, which was said to be %g", names[i], ebn0_db, error,
                     claimed);
    }
}

static void test_motion_is_near_the_bounds(void **state)
{
    (void)state;
    for (double ebn0_db = 8; ebn0_db <= 40; ebn0_db += 8)
        check_bounds(ebn0_db, 0.25, 100, 48000);
    check_bounds(12, 0.5, 100, 48000);
    check_bounds(20, 1, 100, 48000);
    check_bounds(20, 0.25, 600, 48000);
}

// Root mean square of what was injected, over several frames, against what was found in them.
static void test_phase_error(void **state)
{
    (void)state;
    static const double injected[] = {0.5, 1, 3, 10};
    enum { RUNS = 12 };
    double before = 0;
    for (size_t i = 0; i < sizeof injected / sizeof *injected; i++) {
        double true2 = 0, found2 = 0, evm2 = 0;
        for (uint64_t seed = 1; seed <= RUNS; seed++) {
            struct scene s = usual(seed, 40);
            s.flaws.phase_rms = injected[i] * M_PI / 180;
            struct synth synth = {.seed = s.seed};
            size_t n = synth_symbols(&s.burst);
            double square = 0;
            for (size_t k = 0; k < n; k++)
                square += pow(synth_phase_error(&synth, &s.flaws, 0, k) * 180 / M_PI, 2);
            struct phy_measurement m = measure(&s);
            true2 += square / (double)n;
            found2 += pow(get(&m, PHY_QUANTITY_phase_error_rms_deg), 2);
            evm2 += pow(get(&m, PHY_QUANTITY_evm_percent), 2);
        }
        double truth = sqrt(true2 / RUNS), phase = sqrt(found2 / RUNS), evm = sqrt(evm2 / RUNS);
        if (getenv("SHOW"))
            printf("# phase error %.2f: %.3f deg, EVM %.2f %%\n", truth, phase, evm);
        if (!(fabs(phase / truth - 1) < 0.1))
            fail_msg("phase error: expected %.3f deg within 10 %%, measured %.3f", truth, phase);
        if (!(fabs(evm / (truth * M_PI / 1.8) - 1) < 0.1))
            fail_msg("EVM of a phase error of %.3f deg: expected %.2f %%, measured %.2f", truth,
                     truth * M_PI / 1.8, evm);
        assert_true(phase > before);
        before = phase;
    }
    // a clean one has none, and says how sure that is
    struct scene clean = usual(3, 30);
    struct phy_measurement m = measure(&clean);
    expect_near(&m, PHY_QUANTITY_phase_error_rms_deg, 0,
                3 * m.q[PHY_QUANTITY_phase_error_rms_deg].u);
    expect_near(&m, PHY_QUANTITY_evm_percent, 0, 3 * m.q[PHY_QUANTITY_evm_percent].u + 0.5);
    expect_void(&m, PHY_QUANTITY_phase_error_peak_deg, "noise");

    // nor does much noise make one
    for (uint64_t seed = 1; seed <= 6; seed++) {
        clean = usual(seed, 6);
        m = measure(&clean);
        expect_near(&m, PHY_QUANTITY_phase_error_rms_deg, 0,
                    2.5 * m.q[PHY_QUANTITY_phase_error_rms_deg].u);
    }
}

static void test_phase_steps(void **state)
{
    (void)state;
    for (double step = 180; step >= 150; step -= 10) {
        struct scene s = usual(5, 35);
        s.flaws.step_error = (180 - step) * M_PI / 180;
        struct phy_measurement m = measure(&s);
        expect_near(&m, PHY_QUANTITY_phase_step_deg, step, 0.6);
        expect_near(&m, PHY_QUANTITY_phase_hold_deg, 0, 0.6);
        if (step < 180) // half of the error on either side of the fitted phase
            expect_near(&m, PHY_QUANTITY_phase_error_rms_deg, (180 - step) / 2,
                        0.1 * (180 - step) / 2);
    }
}

static void test_bit_rate(void **state)
{
    (void)state;
    static const double ppm[] = {-5000, -1000, -100, 0, 30, 100, 1000, 5000};
    for (size_t i = 0; i < sizeof ppm / sizeof *ppm; i++) {
        struct scene s = usual(7 + i, 30);
        s.burst.hex = class_e;
        s.flaws.rate_error = 1e-6 * ppm[i];
        struct phy_measurement m = measure(&s);
        double u = m.q[PHY_QUANTITY_bit_rate_error_ppm].u;
        if (!(u > 0 && u < 60)) fail_msg("expected an uncertainty below 60 ppm, got %g", u);
        expect_near(&m, PHY_QUANTITY_bit_rate_error_ppm, ppm[i], 3.5 * u);
        expect_near(&m, PHY_QUANTITY_bit_rate, 100 * (1 + 1e-6 * ppm[i]), 3.5e-4 * u);
        expect_near(&m, PHY_QUANTITY_f_mid_hz,
                    s.burst.f_hz + s.burst.drift_hz_s * 2.09 / 2 / (1 + 1e-6 * ppm[i]), 0.01);
    }
}

static void test_transitions(void **state)
{
    (void)state;
    for (double rho = 0.25; rho <= 1; rho += 0.25) {
        struct scene s = usual(9, 30);
        s.burst.rho = rho;
        struct phy_measurement m = measure(&s);
        expect_near(&m, PHY_QUANTITY_transition_symbols, rho, 0.04);
    }
}

// Mean power of the symbols, and of the middle of a symbol; dBFS of a constant envelope.
static void test_power(void **state)
{
    (void)state;
    double before = -1e9;
    for (double ebn0_db = 10; ebn0_db <= 45; ebn0_db += 5) {
        struct scene s = usual(11, ebn0_db);
        struct phy_measure_config c = {
            .calibrated = true, .full_scale_dbm = -24.5, .full_scale_u_db = 0.7};
        struct phy_measurement m = measure_with(&s, c);
        double n0 = 2 * s.noise_rms * s.noise_rms / s.rate_hz, gain = pow(10, ebn0_db / 10);
        double dbfs = 10 * log10(gain * n0 * 100 / (2047.0 * 2047.0));
        expect_near(&m, PHY_QUANTITY_power_dbfs, dbfs,
                    fmax(0.05, 3.5 * m.q[PHY_QUANTITY_power_dbfs].u));
        expect_near(&m, PHY_QUANTITY_symbol_power_dbfs,
                    dbfs - 10 * log10(synth_mean_power(&s.burst)),
                    fmax(0.05, 3.5 * m.q[PHY_QUANTITY_symbol_power_dbfs].u));
        expect_near(&m, PHY_QUANTITY_ebn0_db, ebn0_db,
                    fmax(0.1, 3.5 * m.q[PHY_QUANTITY_ebn0_db].u));
        expect_near(&m, PHY_QUANTITY_noise_dbfs_hz, 10 * log10(n0 / (2047.0 * 2047.0)), 0.3);
        expect_near(&m, PHY_QUANTITY_power_dbm, get(&m, PHY_QUANTITY_power_dbfs) - 24.5, 1e-9);
        assert_true(m.q[PHY_QUANTITY_power_dbm].u >= 0.7);
        assert_true(get(&m, PHY_QUANTITY_power_dbfs) > before + 4.6);
        before = get(&m, PHY_QUANTITY_power_dbfs);
    }
}

static void test_envelope(void **state)
{
    (void)state;
    // a raised cosine passes 10 and 90 % at acos(-+0.8) / pi of its length
    const double part = (acos(-0.8) - acos(0.8)) / M_PI;
    for (double ramp = 0.5; ramp <= 2; ramp *= 2) {
        struct scene s = usual(13, 46);
        s.flaws = (struct synth_flaws){.ramp_up = ramp, .ramp_down = 1.5 * ramp};
        struct phy_measurement m = measure(&s);
        expect_near(&m, PHY_QUANTITY_ramp_up_s, 0.01 * part * ramp,
                    0.0005 + 0.0003 * ramp + 2 * m.q[PHY_QUANTITY_ramp_up_s].u);
        expect_near(&m, PHY_QUANTITY_ramp_down_s, 0.015 * part * ramp,
                    0.0005 + 0.0005 * ramp + 2 * m.q[PHY_QUANTITY_ramp_down_s].u);
        expect_near(&m, PHY_QUANTITY_lead_s, 0.005 * ramp, 0.0006);
        expect_near(&m, PHY_QUANTITY_tail_s, 0.0075 * ramp, 0.0006);
        expect_near(&m, PHY_QUANTITY_overshoot_db, 0, 0.4);
        expect_near(&m, PHY_QUANTITY_droop_db, 0, 0.05);
        expect_near(&m, PHY_QUANTITY_flatness_db, 0, 2 * m.q[PHY_QUANTITY_flatness_db].u);
    }
    struct scene s = usual(14, 46);
    s.flaws = (struct synth_flaws){.droop_db = 3, .overshoot_db = 4};
    struct phy_measurement m = measure(&s);
    expect_near(&m, PHY_QUANTITY_droop_db, 3, 0.15);
    expect_near(&m, PHY_QUANTITY_flatness_db, 3.1, 0.3);
    expect_near(&m, PHY_QUANTITY_overshoot_db, 4 + 1.6, 0.5); // droop: early is above the mean
    struct scene weak = usual(15, 30);
    m = measure(&weak);
    expect_void(&m, PHY_QUANTITY_ramp_up_s, "too weak");
}

// Energy between two frequencies (bit rates) of a hard-keyed burst with ramps of zero length.
static double keyed_energy(const float *sign, size_t n, double from, double to)
{
    double step = 0.2 / (double)n, sum = 0;
    for (double f = from + step / 2; f < to; f += step) {
        double complex x = 0, turn = cexp(-2 * M_PI * I * f), at = 1;
        for (size_t k = 0; k < n; k++, at *= turn)
            x += (double)sign[k] * at;
        double lobe = f == 0 ? 1 : sin(M_PI * f) / (M_PI * f);
        sum += pow(cabs(x) * lobe, 2) * step;
    }
    return sum;
}

static void test_spectrum_of_hard_keying(void **state)
{
    (void)state;
    struct scene s = usual(17, 48);
    s.burst.rho = 0;
    s.flaws = (struct synth_flaws){.ramp_up = 0.02, .ramp_down = 0.02};
    struct phy_measurement m = measure(&s);
    struct phy_measure_burst b = found(&s);
    double total = 2 * keyed_energy(b.sign, b.n_symbols, 0, 36), low = 5, high = 15;
    for (int i = 0; i < 12; i++) {
        double middle = (low + high) / 2;
        bool outside = keyed_energy(b.sign, b.n_symbols, middle, 36) > 0.005 * total;
        *(outside ? &low : &high) = middle;
    }
    expect_near(&m, PHY_QUANTITY_occupied_hz, 200 * low,
                0.02 * 200 * low + 2 * m.q[PHY_QUANTITY_occupied_hz].u);
    for (size_t i = 0; i < PHY_MASK_POINTS; i++) {
        double at = m.mask[i].point.offset;
        double truth = 10 * log10(keyed_energy(b.sign, b.n_symbols, at - 0.5, at + 0.5) / total);
        assert_string_equal(m.mask[i].point.mark, "ASSUMED");
        assert_null(m.mask[i].below_dbc.why);
        assert_null(m.mask[i].above_dbc.why);
        if (getenv("SHOW"))
            printf("# +-%.0f bit rates: %.2f dBc, measured %.2f and %.2f\n", at, truth,
                   m.mask[i].below_dbc.value, m.mask[i].above_dbc.value);
        assert_true(fabs(m.mask[i].below_dbc.value - truth) < 0.6);
        assert_true(fabs(m.mask[i].above_dbc.value - truth) < 0.6);
    }
}

static void test_softer_keying_is_narrower(void **state)
{
    (void)state;
    double occupied = 1e9, far = 0;
    for (double rho = 0; rho <= 0.75; rho += 0.25) {
        struct scene s = usual(19, 48);
        s.burst.rho = rho;
        struct phy_measurement m = measure(&s);
        assert_true(get(&m, PHY_QUANTITY_occupied_hz) < 0.8 * occupied);
        occupied = get(&m, PHY_QUANTITY_occupied_hz);
        // in the end the noise hides it, and what it is at most is known still
        const struct phy_value *v = &m.mask[2].above_dbc;
        if (rho > 0.25) assert_string_equal(v->why, "below the noise");
        assert_true(v->value < far);
        far = v->value - (rho > 0 ? 0 : 10);
    }
}

static void expect_all_void_but_motion(const struct phy_measurement *m, const char *why)
{
    for (int q = 0; q < PHY_QUANTITIES; q++)
        if (q > PHY_QUANTITY_bit_rate_error_ppm) expect_void(m, q, why);
    for (size_t i = 0; i < PHY_MASK_POINTS; i++)
        assert_non_null(m->mask[i].above_dbc.why);
}

static void test_what_cannot_be_measured_is_void(void **state)
{
    (void)state;
    struct scene s = usual(21, 82); // clips
    struct phy_measurement m = measure(&s);
    expect_all_void_but_motion(&m, "clipped");
    expect_near(&m, PHY_QUANTITY_f_mid_hz, s.burst.f_hz + s.burst.drift_hz_s * 0.725, 0.002);

    // a neighbour during the burst, and one that is there before it as well
    for (double since_s = -0.4; since_s <= 0.2; since_s += 0.6) {
        s = usual(22, 25);
        s.other = s.burst;
        s.other.start_s += since_s;
        s.other.f_hz += 700;
        s.other.ebn0_db = 20;
        m = measure(&s);
        expect_all_void_but_motion(&m, "somebody else");
    }
    // far enough away it does no harm, even when it is strong
    s.other.f_hz = s.burst.f_hz + 12000 * (s.burst.f_hz > 0 ? -1 : 1);
    s.other.ebn0_db = 50;
    m = measure(&s);
    expect_near(&m, PHY_QUANTITY_ebn0_db, 25, 0.3);

    s = usual(23, 12);
    m = measure(&s);
    expect_void(&m, PHY_QUANTITY_occupied_hz, "too weak");
    expect_void(&m, PHY_QUANTITY_power_dbm, "dBFS only");
}

static void expect_refusal(const struct phy_measure_config *c, const int16_t *iq, size_t n,
                           const struct phy_measure_burst *b, int code, const char *text)
{
    struct err err = {0};
    struct phy_measurement m;
    assert_int_equal(phy_measure(c, iq, n, b, &m, &err), code);
    if (!strstr(err.text, text)) fail_msg("expected \"%s\", got \"%s\"", text, err.text);
}

static void test_refusals(void **state)
{
    (void)state;
    struct scene s = usual(25, 25);
    size_t n;
    int16_t *iq = render(&s, &n);
    struct phy_measure_config c = {.rate_hz = s.rate_hz};
    struct phy_measure_burst good = found(&s), b = good;
    expect_refusal(&c, iq, n / 2, &b, ERR_INVALID, "samples of all of it");
    b.start_sample = -1;
    expect_refusal(&c, iq, n, &b, ERR_INVALID, "samples of all of it");
    b = good;
    b.f_hz = 30000;
    expect_refusal(&c, iq, n, &b, ERR_INVALID, "carrier inside");
    b = good;
    b.n_symbols = 3;
    expect_refusal(&c, iq, n, &b, ERR_INVALID, "16 to");
    b = good;
    b.f_hz += 40;
    expect_refusal(&c, iq, n, &b, ERR_CHECK, "another burst's");
    c.rate_hz = 3000;
    expect_refusal(&c, iq, n, &good, ERR_INVALID, "40 samples a symbol");

    // nothing beside the burst: no noise, so nothing that needs it
    c.rate_hz = s.rate_hz;
    b = good;
    size_t first = (size_t)b.start_sample, length = (size_t)(1.46 * s.rate_hz);
    b.start_sample -= (double)first;
    struct phy_measurement m;
    assert_int_equal(phy_measure(&c, iq + 2 * first, length, &b, &m, NULL), ERR_OK);
    expect_void(&m, PHY_QUANTITY_power_dbfs, "beside the burst");
    expect_void(&m, PHY_QUANTITY_occupied_hz, "beside the burst");
    get(&m, PHY_QUANTITY_f_mid_hz);
    free(iq);
}

// A device that is right has its states at 0 and 180 degrees, one whose step is short has not.
static void test_picture(void **state)
{
    (void)state;
    enum { COLUMNS = 60, ROWS = 72 }; // of 5 degrees
    for (double step = 180; step >= 150; step -= 30) {
        struct scene s = usual(27, 30);
        s.flaws.step_error = (180 - step) * M_PI / 180;
        size_t n, second = ROWS / 2;
        int16_t *iq = render(&s, &n);
        struct phy_measure_config c = {.rate_hz = s.rate_hz};
        struct phy_measure_burst b = found(&s);
        float cells[ROWS * COLUMNS], sum[ROWS] = {0};
        struct err err = {0};
        if (phy_measure_picture(&c, iq, n, &b, COLUMNS, ROWS, cells, &err) < 0)
            fail_msg("%s", err.text);
        size_t best[2] = {0, second};
        for (size_t row = 0; row < ROWS; row++) {
            for (size_t i = 0; i < COLUMNS; i++)
                sum[row] += cells[i * ROWS + row];
            size_t *most = &best[row >= second];
            if (sum[row] > sum[*most]) *most = row;
        }
        double apart = 5 * (double)(best[1] - best[0]);
        apart = fmin(apart, 360 - apart);
        if (fabs(apart - step) > 7.5)
            fail_msg("expected states %.0f degrees apart, found %.0f", step, apart);
        assert_int_equal(phy_measure_picture(&c, iq, n, &b, 0, ROWS, cells, NULL), ERR_INVALID);
        free(iq);
    }
}

static void test_rounding(void **state)
{
    (void)state;
    assert_true(phy_quantity_round(PHY_QUANTITY_phase_error_rms_deg, 1.23456) == 1.23);
    assert_false(signbit(phy_quantity_round(PHY_QUANTITY_drift_hz_s, -1e-9)));
    double f_u, drift_u; // the bounds that the literature gives for these
    phy_measure_bounds(20, 176, 100, &f_u, &drift_u);
    assert_true(fabs(f_u - 0.00167) < 0.00002 && fabs(drift_u - 0.0073) < 0.0001);
    for (int q = 0; q < PHY_QUANTITIES; q++) {
        assert_non_null(phy_quantity_name(q));
        assert_non_null(phy_quantity_unit(q));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_motion_is_near_the_bounds),
        cmocka_unit_test(test_phase_error),
        cmocka_unit_test(test_phase_steps),
        cmocka_unit_test(test_bit_rate),
        cmocka_unit_test(test_transitions),
        cmocka_unit_test(test_power),
        cmocka_unit_test(test_envelope),
        cmocka_unit_test(test_spectrum_of_hard_keying),
        cmocka_unit_test(test_softer_keying_is_narrower),
        cmocka_unit_test(test_what_cannot_be_measured_is_void),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_picture),
        cmocka_unit_test(test_rounding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
