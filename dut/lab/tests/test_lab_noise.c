// The noise of the lab against what white Gaussian noise is: moments, tails, spectrum,
// independence.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dut/lab/noise.h"

enum { N = 1 << 20 };

static struct noise *table;
static float *iq, *other;

static int setup(void **state)
{
    (void)state;
    iq = malloc(2 * N * sizeof *iq);
    other = malloc(2 * N * sizeof *other);
    return iq && other && noise_new(&table, NULL) == ERR_OK ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    free(iq);
    free(other);
    noise_free(table);
    return 0;
}

static void test_noise_is_a_function_of_the_index(void **state)
{
    (void)state;
    noise_fill(table, 42, 0, 20000, 3, iq);
    // The same range in odd pieces, and from the middle.
    size_t done = 0;
    for (size_t piece = 1; done < 20000; piece = piece * 7 % 1501 + 1) {
        size_t n = piece < 20000 - done ? piece : 20000 - done;
        noise_fill(table, 42, (int64_t)done, n, 3, other + 2 * done);
        done += n;
    }
    assert_memory_equal(iq, other, 20000 * 8);
    noise_fill(table, 42, 12345, 100, 3, other);
    assert_memory_equal(iq + 2 * 12345, other, 100 * 8);
    noise_fill(table, 43, 0, 20000, 3, other);
    assert_memory_not_equal(iq, other, 20000 * 8);
}

static void test_noise_is_gaussian(void **state)
{
    (void)state;
    noise_fill(table, 7, 5000000000, N, 20, iq);
    double sum = 0, sum2 = 0, sum4 = 0, cross = 0;
    size_t beyond2 = 0, beyond4 = 0;
    for (size_t i = 0; i < 2 * N; i++) {
        double x = iq[i] / 20;
        sum += x;
        sum2 += x * x;
        sum4 += x * x * x * x;
        beyond2 += fabs(x) > 2;
        beyond4 += fabs(x) > 4;
        if (i % 2) cross += x * iq[i - 1] / 20;
    }
    double n = 2.0 * N;
    // Five standard errors of each estimate; the table makes neighbours less random than that.
    assert_true(fabs(sum / n) < 0.01);
    assert_true(fabs(sum2 / n - 1) < 0.01);
    assert_true(fabs(sum4 / n - 3) < 0.06);
    assert_true(fabs(cross / N) < 0.01);
    assert_true(fabs((double)beyond2 / n - 0.0455) < 0.001);
    assert_true(beyond4 > 60 && beyond4 < 260); // 133 expected
}

static void test_noise_is_white(void **state)
{
    (void)state;
    noise_fill(table, 8, 0, N, 1, iq);
    // Correlation with itself at lags inside and beyond a chunk.
    static const size_t lags[] = {1, 2, 3, 7, 100, 1000, 1024, 2048, 5208, 65536, 65537};
    for (size_t k = 0; k < sizeof lags / sizeof *lags; k++) {
        double re = 0, im = 0;
        size_t n = N - lags[k];
        for (size_t i = 0; i < n; i++) {
            const float *a = iq + 2 * i, *b = iq + 2 * (i + lags[k]);
            re += a[0] * b[0] + a[1] * b[1];
            im += a[1] * b[0] - a[0] * b[1];
        }
        if (hypot(re, im) / (2.0 * (double)n) > 0.01)
            fail_msg("correlation %g at lag %zu", hypot(re, im) / (2.0 * (double)n), lags[k]);
    }
    // What a 100 bit/s symbol integrates at 520 834 S/s: powers of 200 such sums at one frequency
    // must spread like an exponential distribution, mean as expected.
    double mean = 0, square = 0;
    enum { SYMBOL = 5208, SYMBOLS = N / SYMBOL };
    for (int s = 0; s < SYMBOLS; s++) {
        double re = 0, im = 0;
        for (int i = 0; i < SYMBOL; i++) {
            double phase = 0.37 * (s * SYMBOL + i), c = cos(phase), q = sin(phase);
            const float *x = iq + 2 * (s * SYMBOL + i);
            re += x[0] * c + x[1] * q;
            im += x[1] * c - x[0] * q;
        }
        double power = (re * re + im * im) / (2.0 * SYMBOL);
        mean += power / SYMBOLS;
        square += power * power / SYMBOLS;
    }
    assert_true(fabs(mean - 1) < 0.3); // 201 exponential draws: 4 sigma
    assert_true(square / (mean * mean) > 1.3 && square / (mean * mean) < 3.2); // 2 expected
}

static void test_noise_streams_are_independent(void **state)
{
    (void)state;
    noise_fill(table, 100, 0, N, 1, iq);
    noise_fill(table, 101, 0, N, 1, other);
    double re = 0;
    for (size_t i = 0; i < 2 * N; i++)
        re += iq[i] * other[i];
    assert_true(fabs(re / (2.0 * N)) < 0.01);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_noise_is_a_function_of_the_index),
        cmocka_unit_test(test_noise_is_gaussian),
        cmocka_unit_test(test_noise_is_white),
        cmocka_unit_test(test_noise_streams_are_independent),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
