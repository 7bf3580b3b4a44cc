// Phase noise and drift: the same whatever the split, as strong as asked for, and never a jump.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dut/lab/fidelity.h"

enum { N = 60000 };

static struct fidelity both(void)
{
    struct fidelity f = {0};
    assert_int_equal(fidelity_take(&f, "phase=2deg", NULL), 0);
    assert_int_equal(fidelity_take(&f, "drift=20ppb", NULL), 0);
    return f;
}

static struct wander wander_of(const struct fidelity *f)
{
    return (struct wander){
        .of = f, .crystal_key = 11, .lo_key = 22, .lo_hz = 868e6, .known = INT64_MIN};
}

static float *ones(size_t n)
{
    float *iq = malloc(n * 2 * sizeof *iq);
    assert_non_null(iq);
    for (size_t k = 0; k < n; k++) {
        iq[2 * k] = 1000;
        iq[2 * k + 1] = 0;
    }
    return iq;
}

static void test_wander_does_not_depend_on_the_split(void **state)
{
    (void)state;
    const struct fidelity f = both();
    const struct sample_clock clock = {.base_ns = 777, .rate_uhz = 520833 * INT64_C(1000000)};
    float *whole = ones(N), *split = ones(N);
    struct wander w = wander_of(&f), v = wander_of(&f);
    wander_turn(&w, &clock, 12345, N, -1, whole);
    size_t at = 0;
    for (size_t i = 0; at < N; i++) {
        size_t n = 1 + (i * 7919) % 1500;
        if (n > N - at) n = N - at;
        wander_turn(&v, &clock, 12345 + (int64_t)at, n, -1, split + 2 * at);
        at += n;
    }
    assert_memory_equal(whole, split, N * 2 * sizeof *whole);
    // Only phase: no sample becomes weaker, and neighbours hardly differ.
    for (size_t k = 0; k < N; k++) {
        assert_true(fabs(hypot(whole[2 * k], whole[2 * k + 1]) - 1000) < 0.1);
        if (k) assert_true(fabsf(whole[2 * k + 1] - whole[2 * k - 1]) < 1);
    }
    // What one direction turns, the other turns back.
    struct wander u = wander_of(&f);
    wander_turn(&u, &clock, 12345, N, 1, whole);
    for (size_t k = 0; k < N; k++)
        assert_true(fabsf(whole[2 * k] - 1000) < 0.2f && fabsf(whole[2 * k + 1]) < 0.2f);
    free(whole);
    free(split);
}

static void test_wander_has_the_phase_noise_asked_for(void **state)
{
    (void)state;
    struct fidelity f = both();
    f.drift = 0;
    const struct wander w = wander_of(&f);
    double squares = 0, fast = 0;
    enum { POINTS = 50000 };
    for (int i = 0; i < POINTS; i++) {
        double t_s = 0.00173 * i, phase = wander_phase(&w, t_s);
        squares += phase * phase;
        fast += pow(wander_phase(&w, t_s + 0.0002) - phase, 2);
    }
    double rms_deg = sqrt(squares / POINTS) * 180 / M_PI;
    if (fabs(rms_deg - 2) > 0.1) fail_msg("%.3f degrees rms, expected 2", rms_deg);
    // Close in: a fifth of a millisecond, the best a fast symbol can see, changes little.
    assert_true(sqrt(fast / POINTS) < 0.2 * sqrt(squares / POINTS));
}

static void test_wander_drifts_slowly(void **state)
{
    (void)state;
    struct fidelity f = both();
    f.phase_rad = 0;
    const struct wander w = wander_of(&f);
    double most = 0, rate = 0, before = NAN, sum = 0;
    for (int t = 0; t < 600; t++) { // one period
        double hz = (wander_phase(&w, t + 0.5) - wander_phase(&w, t - 0.5)) / (2 * M_PI);
        most = fmax(most, fabs(hz));
        if (t) rate = fmax(rate, fabs(hz - before));
        before = hz;
        sum += hz;
    }
    // 20 parts of 10^9 of 868 MHz, as a sine of ten minutes.
    if (fabs(most - 17.36) > 0.1) fail_msg("at most %.2f Hz beside, expected 17.36", most);
    if (fabs(rate - 17.36 * 2 * M_PI / 600) > 0.005) fail_msg("%.4f Hz a second", rate);
    assert_true(fabs(sum / 600) < 0.05);
}

static void test_wander_reads_words(void **state)
{
    (void)state;
    struct fidelity f = {0};
    static const char *const good[] = {"leak=-50dB", "takeover", "calibration",  "stale=4",
                                       "settle=1ms", "dc=-50dB", "image=-50dB",  "phase=0.5deg",
                                       "drift=5ppb", "stale=0",  "settle=0.2ms", "phase=0deg"};
    static const char *const bad[] = {"leak=50dB",  "leak",      "takeover=1",  "stale=1.5",
                                      "stale=-1",   "settle=1s", "dc",          "image=-50",
                                      "drift=5ppm", "",          "phase=91deg", "le=-3dB"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(fidelity_take(&f, good[i], NULL), 0);
    assert_true(f.takeover && f.calibration && f.stale == 0 && fabs(f.leak - 0.003162) < 1e-6);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        if (fidelity_take(&f, bad[i], &e) >= 0) fail_msg("'%s' was taken", bad[i]);
        assert_non_null(strstr(e.text, "leak=-NdB takeover"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_wander_does_not_depend_on_the_split),
        cmocka_unit_test(test_wander_has_the_phase_noise_asked_for),
        cmocka_unit_test(test_wander_drifts_slowly),
        cmocka_unit_test(test_wander_reads_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
