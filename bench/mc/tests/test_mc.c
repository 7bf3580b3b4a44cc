// The simulation against theory, tables and arithmetic of its own: not against itself.
#include <complex.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/rng.h"
#include "bench/mc/curve.h"
#include "bench/mc/detect.h"
#include "bench/mc/fresnel.h"
#include "bench/mc/wave.h"
#include "bench/phy/jam_wave.h"

static void near(double value, double expected, double by)
{
    if (!(fabs(value - expected) <= by))
        fail_msg("expected %g within %g, got %g", expected, by, value);
}

static struct mc_plan plan_of(enum mc_jammer jammer, unsigned trials, double from, double to,
                              double step)
{
    struct mc_plan plan = {
        .config = mc_config_default(jammer), .seed = 1, .trials = trials, .threads = 1};
    for (double at = from; at <= to + 1e-9; at += step)
        plan.js_db[plan.points++] = at;
    return plan;
}

static void run(const struct mc_plan *plan, struct mc_curves *curves)
{
    struct err err = {0};
    if (mc_run(plan, curves, &err) < 0) fail_msg("%s", err.text);
}

// Abramowitz and Stegun, table 7.7; and the other side of where the formula changes.
static void test_fresnel(void **state)
{
    (void)state;
    static const double table[][3] = {{0.5, 0.4923442, 0.0647324},
                                      {1.0, 0.7798934, 0.4382591},
                                      {2.0, 0.4882534, 0.3434157},
                                      {5.0, 0.5636312, 0.4991914}};
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        double complex v = mc_fresnel(table[i][0]);
        near(creal(v), table[i][1], 2e-7);
        near(cimag(v), table[i][2], 2e-7);
        assert_true(cabs(mc_fresnel(-table[i][0]) + v) < 1e-12);
    }
    double complex step = mc_fresnel(4 + 1e-9) - mc_fresnel(4 - 1e-9);
    assert_true(cabs(step) < 2e-7);
}

static void test_normals_are_normal(void **state)
{
    (void)state;
    enum { N = 200000 };
    struct mc_ziggurat *z = calloc(1, sizeof *z);
    float *x = malloc(N * sizeof *x);
    assert_non_null(z);
    assert_non_null(x);
    mc_ziggurat_init(z);
    struct mc_random random = {.key = 5, .ziggurat = z};
    mc_random_normals(&random, x, N);
    double sum = 0, sum2 = 0, sum4 = 0, beside = 0, beyond[4] = {0};
    for (size_t i = 0; i < N; i++) {
        double v = (double)x[i];
        sum += v;
        sum2 += v * v;
        sum4 += v * v * v * v;
        if (i) beside += v * (double)x[i - 1];
        for (int k = 0; k < 4; k++)
            beyond[k] += fabs(v) > k + 0.7;
    }
    near(sum / N, 0, 0.01);
    near(sum2 / N, 1, 0.013);
    near(sum4 / N, 3, 0.09);
    near(beside / N, 0, 0.01);
    for (int k = 0; k < 4; k++) { // 4 standard deviations; 3.7 lies in the tail
        double p = erfc((k + 0.7) * M_SQRT1_2);
        near(beyond[k] / N, p, 4 * sqrt(p / N) + 1e-5);
    }
    free(x);
    free(z);
}

// Without a jammer: the loss of a differential receiver in step, 0.555, 0.253 and 0.079, from an
// earlier simulation by other code, below the formula for independent errors.
static void test_noise_alone_is_theory(void **state)
{
    (void)state;
    static const double known[][2] = {{6, 0.555}, {7, 0.253}, {8, 0.079}};
    for (size_t i = 0; i < 3; i++) {
        struct mc_plan plan = plan_of(MC_JAMMER_cw, 6000, -90, -90, 1);
        struct mc_curves curves;
        plan.config.ebn0_db = known[i][0];
        run(&plan, &curves);
        double p = known[i][1], loss = (double)curves.lost[0][MC_WAY_FRAME][0] / plan.trials;
        near(loss, p, 4 * sqrt(p * (1 - p) / plan.trials) + 0.003);
        // three frames of one message fail independently of each other
        double three = (double)curves.lost[0][MC_WAY_RANKS][0] / plan.trials;
        p = p * p * p;
        near(three, p, 4 * sqrt(p / plan.trials) + 0.005);
    }
    // combined at 2.8 dB each, 10 % (plain, in step)
    struct mc_plan plan = plan_of(MC_JAMMER_cw, 4000, -90, -90, 1);
    struct mc_curves curves;
    plan.config.ebn0_db = 2.8;
    run(&plan, &curves);
    near((double)curves.lost[0][MC_WAY_COMBINED][0] / plan.trials, 0.1, 0.05);
    // tracked: 10 % at 6.85 dB by theory
    plan.config.ebn0_db = 6.85;
    plan.config.tracked = true;
    run(&plan, &curves);
    near((double)curves.lost[0][MC_WAY_FRAME][0] / plan.trials, 0.1, 0.035);
}

// Known points of the carrier's and the data jammer's curves (another program's simulation).
static void test_curves_lie_where_they_should(void **state)
{
    (void)state;
    static const struct {
        enum mc_jammer jammer;
        enum mc_way way;
        double part, js_db;
    } known[] = {
        {MC_JAMMER_cw, MC_WAY_FRAME, 0.1, -2.9},    {MC_JAMMER_cw, MC_WAY_FRAME, 0.9, -1.4},
        {MC_JAMMER_cw, MC_WAY_RANKS, 0.1, -2.4},    {MC_JAMMER_cw, MC_WAY_COMBINED, 0.9, 0.0},
        {MC_JAMMER_bpsk, MC_WAY_FRAME, 0.1, -2.1},  {MC_JAMMER_bpsk, MC_WAY_FRAME, 0.9, -0.9},
        {MC_JAMMER_sweep, MC_WAY_FRAME, 0.1, 24.8}, {MC_JAMMER_sweep, MC_WAY_FRAME, 0.9, 26.4},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        bool sweep = known[i].jammer == MC_JAMMER_sweep;
        struct mc_plan plan = plan_of(known[i].jammer, 1000, sweep ? 20 : -5, sweep ? 30 : 3, 0.5);
        struct mc_curves curves;
        run(&plan, &curves);
        struct mc_crossing x =
            mc_crossing_find(&plan, curves.lost[0][known[i].way], known[i].part, 0.95);
        assert_true(x.reached && x.begun);
        near(x.js_db, known[i].js_db, 0.45);
        assert_true(x.low_db <= x.js_db && x.js_db <= x.high_db);
    }
}

// A wave's mean power over symbols is what passes a symbol's filter, whatever the jammer.
static void test_waves_have_their_power(void **state)
{
    (void)state;
    enum { N = 113, WAVES = 400 };
    static const struct {
        enum mc_jammer jammer;
        double power;
    } known[] = {
        {MC_JAMMER_cw, 0.989},     // the mean of sinc^2 up to a tenth of the bit rate
        {MC_JAMMER_noise, 0.7737}, // of its own bit rate's width: of sinc^2 up to a half
        {MC_JAMMER_bpsk, 2.0 / 3}, // not in step: half of the symbols hold a change of sign
        {MC_JAMMER_pulse, 0.2},    // on for a whole symbol of five; in step or not, less by edges
        {MC_JAMMER_sweep, 100.0 / 192e3},
        {MC_JAMMER_steps, 100.0 / 193e3},
    };
    struct mc_ziggurat *z = calloc(1, sizeof *z);
    assert_non_null(z);
    mc_ziggurat_init(z);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct mc_config config = mc_config_default(known[i].jammer);
        struct mc_wave wave;
        float complex y[N];
        double sum = 0;
        mc_wave_init(&wave, &config);
        for (uint64_t k = 0; k < WAVES; k++) {
            struct mc_random random = {.key = rng_u64(9, k), .ziggurat = z};
            mc_wave_make(&wave, 1, 32, N, &random, y);
            for (size_t s = 0; s < N; s++)
                sum += (double)(crealf(y[s]) * crealf(y[s]) + cimagf(y[s]) * cimagf(y[s]));
        }
        double part = sum / (N * (double)WAVES);
        if (known[i].jammer == MC_JAMMER_pulse)
            assert_true(part > 0.6 * known[i].power && part < known[i].power);
        else
            near(part / known[i].power, 1, 0.06);
    }
    free(z);
}

// Mean power that passes a symbol's filter, of what the simulation takes for a jammer …
static double simulated_power(const struct mc_config *config, const struct mc_ziggurat *z)
{
    enum { N = 113, WAVES = 200 };
    struct mc_wave wave;
    float complex y[N];
    double sum = 0;
    mc_wave_init(&wave, config);
    for (uint64_t k = 0; k < WAVES; k++) {
        struct mc_random random = {.key = rng_u64(9, k), .ziggurat = z};
        mc_wave_make(&wave, 1, 0, N, &random, y);
        for (size_t s = 0; s < N; s++)
            sum += (double)(crealf(y[s]) * crealf(y[s]) + cimagf(y[s]) * cimagf(y[s]));
    }
    return sum / (N * (double)WAVES);
}

// … and of what the transmitter sends as one, over whole symbols at any time.
static double sent_power(const struct phy_jam_wave *wave)
{
    enum { RATE = 125000, SYMBOL = RATE / 100, SYMBOLS = 800, N = SYMBOL * SYMBOLS };
    struct bytes iq;
    struct err err = {0};
    double mean = 0, sum = 0;
    size_t count = 0;
    bytes_init(&iq, 4 * N);
    if (phy_jam_wave_make(wave, RATE, N, &iq, &mean, &err) < 0) fail_msg("%s", err.text);
    const int16_t *w = (const int16_t *)(const void *)iq.data;
    double complex *level = calloc(N + 1, sizeof *level); // sums of all samples before
    assert_non_null(level);
    for (size_t i = 0; i < N; i++)
        level[i + 1] = level[i] + CMPLX(w[2 * i], w[2 * i + 1]);
    for (size_t at = SYMBOL; at + 2 * SYMBOL < N; at += 37, count++) { // not its soft ends
        double complex symbol = (level[at + SYMBOL] - level[at]) / SYMBOL;
        sum += creal(symbol) * creal(symbol) + cimag(symbol) * cimag(symbol);
    }
    free(level);
    bytes_deinit(&iq);
    return sum / (double)count / (mean * 32767.0 * 32767.0);
}

// The simulation's jammers are those that the bench sends, by name and by what they do to a symbol.
// Sent alone, `reactive` is a carrier.
static void test_jammers_are_those_that_are_sent(void **state)
{
    (void)state;
    struct mc_ziggurat *z = calloc(1, sizeof *z);
    assert_non_null(z);
    mc_ziggurat_init(z);
    assert_int_equal(MC_JAMMERS, PHY_JAM_SHAPES + 1);
    for (int shape = 0; shape < PHY_JAM_SHAPES; shape++) {
        enum mc_jammer jammer;
        const char *name = phy_jam_shape_name(shape);
        if (!mc_jammer_find(name, &jammer)) fail_msg("the simulation has no jammer '%s'", name);
        struct phy_jam_wave wave = phy_jam_wave_default(shape);
        struct mc_config config = mc_config_default(jammer);
        assert_true(wave.step_hz == config.step_hz && wave.dwell_s == config.dwell_s);
        assert_true(wave.period_s == config.period_s && wave.on_s == config.on_s);
        if (shape == PHY_JAM_noise) assert_true(wave.band_hz == config.band_hz);

        uint8_t bits[32]; // preamble and frame type of class C, rank 1, as the simulated frame has
        for (unsigned i = 0; i < 32; i++)
            bits[i] = 0xaaaaa35fu >> (31 - i) & 1;
        wave.bits = bits;
        wave.n_bits = 32;
        if (shape == PHY_JAM_steps || shape == PHY_JAM_sweep) wave.band_hz = config.band_hz = 100e3;
        config.offset_hz = 0;
        double simulated = simulated_power(&config, z), sent = sent_power(&wave);
        if (!(fabs(sent / simulated - 1) < 0.12)) // edges and turns of phase cost some
            fail_msg("%s: a symbol takes %.4f of it as simulated, %.4f as sent", name, simulated,
                     sent);
    }
    free(z);
}

// Only one of three frames is jammed: nothing is lost at any level.
static void test_one_jammed_frame_loses_nothing(void **state)
{
    (void)state;
    struct mc_plan plan = plan_of(MC_JAMMER_cw, 300, 0, 30, 10);
    struct mc_curves curves;
    plan.config.jammed = 1;
    run(&plan, &curves);
    for (size_t p = 0; p < plan.points; p++) {
        assert_int_equal(curves.lost[0][MC_WAY_RANKS][p], 0);
        assert_true(curves.lost[0][MC_WAY_FRAME][p] > (p ? 290u : 250u));
    }
    // late enough, a reactive jammer is no jammer
    plan = plan_of(MC_JAMMER_reactive, 300, 20, 20, 1);
    plan.config.late_s = 1.46;
    run(&plan, &curves);
    assert_int_equal(curves.lost[0][MC_WAY_FRAME][0], 0);
    plan.config.late_s = 1.35; // but the last ten bits are enough to lose a frame
    run(&plan, &curves);
    assert_true(curves.lost[0][MC_WAY_FRAME][0] > 280);
}

static void test_threads_count_the_same(void **state)
{
    (void)state;
    for (int j = 0; j < MC_JAMMERS; j++) {
        double from, to;
        mc_config_range(j, &from, &to);
        struct mc_plan plan = plan_of(j, 101, from, to, (to - from) / 4);
        struct mc_curves one, many, other;
        plan.config.receivers = 2;
        run(&plan, &one);
        for (unsigned threads = 2; threads <= 5; threads += 3) {
            plan.threads = threads;
            run(&plan, &many);
            assert_memory_equal(&one, &many, sizeof one);
        }
        plan.seed = 2;
        run(&plan, &other);
        assert_memory_not_equal(&one, &other, sizeof one);
        // points do not hang on their neighbours
        plan.seed = 1;
        plan.js_db[0] = plan.js_db[2];
        plan.points = 1;
        run(&plan, &other);
        assert_int_equal(other.lost[1][MC_WAY_COMBINED][0], one.lost[1][MC_WAY_COMBINED][2]);
    }
}

static void test_more_receivers_only_help(void **state)
{
    (void)state;
    struct mc_plan plan = plan_of(MC_JAMMER_cw, 600, -6, 0, 2);
    struct mc_curves one, three;
    plan.config.ebn0_db = 12;
    plan.config.receivers = 1;
    run(&plan, &one);
    plan.config.receivers = 3;
    run(&plan, &three);
    // mean J/S -6 dB, 6 dB apart: one frame 44 % by one, 8.6 % by all (another simulation)
    near(three.lost[0][MC_WAY_FRAME][0] / 600.0, 0.44, 0.08);
    near(three.lost[1][MC_WAY_FRAME][0] / 600.0, 0.086, 0.05);
    near(three.lost[1][MC_WAY_RANKS][0] / 600.0, 0.053, 0.04);
    for (size_t p = 0; p < plan.points; p++)
        for (int way = 0; way < MC_WAYS; way++)
            assert_true(three.lost[1][way][p] <= three.lost[0][way][p]);
}

static void test_crossings(void **state)
{
    (void)state;
    struct mc_plan plan = {.trials = 100, .points = 3, .js_db = {0, 1, 2}};
    static const unsigned rising[] = {0, 40, 80}, low[] = {1, 2, 3}, high[] = {60, 70, 80};
    struct mc_crossing x = mc_crossing_find(&plan, rising, 0.5, 0.95);
    near(x.js_db, 1.25, 1e-9);
    assert_true(x.low_db > 0.9 && x.low_db < 1.25 && x.high_db > 1.25 && x.high_db < 1.6);
    x = mc_crossing_find(&plan, low, 0.5, 0.95);
    assert_false(x.reached);
    x = mc_crossing_find(&plan, high, 0.5, 0.95);
    assert_true(x.reached && !x.begun);
}

static void test_bad_plans_are_refused(void **state)
{
    (void)state;
    static const char *const words[] = {"Eb/N0", "ranks",  "receivers", "bit rate",
                                        "on:",   "trials", "threads",   "J/S"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct mc_plan plan = plan_of(i == 4 ? MC_JAMMER_pulse : MC_JAMMER_cw, 10, 0, 1, 1);
        struct mc_curves curves;
        struct err err = {0};
        if (i == 0) plan.config.ebn0_db = NAN;
        if (i == 1) plan.config.ranks = 2;
        if (i == 2) plan.config.receivers = 0;
        if (i == 3) plan.config.bit_rate = 200;
        if (i == 4) plan.config.on_s = 2 * plan.config.period_s;
        if (i == 5) plan.trials = 0;
        if (i == 6) plan.threads = MC_THREADS_MAX + 1;
        if (i == 7) plan.js_db[1] = plan.js_db[0];
        assert_int_equal(mc_run(&plan, &curves, &err), ERR_USAGE);
        if (!strstr(err.text, words[i])) fail_msg("'%s' does not name %s", err.text, words[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fresnel),
        cmocka_unit_test(test_normals_are_normal),
        cmocka_unit_test(test_noise_alone_is_theory),
        cmocka_unit_test(test_curves_lie_where_they_should),
        cmocka_unit_test(test_waves_have_their_power),
        cmocka_unit_test(test_jammers_are_those_that_are_sent),
        cmocka_unit_test(test_one_jammed_frame_loses_nothing),
        cmocka_unit_test(test_threads_count_the_same),
        cmocka_unit_test(test_more_receivers_only_help),
        cmocka_unit_test(test_crossings),
        cmocka_unit_test(test_bad_plans_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
