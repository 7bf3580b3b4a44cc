// Counter-based random numbers: fixed for ever, and random enough for noise.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "bench/base/rng.h"

static void test_rng_depends_on_seed_stream_and_index(void **state)
{
    (void)state;
    uint64_t a = rng_key(1, "noise"), b = rng_key(2, "noise"), c = rng_key(1, "noisf");
    assert_int_not_equal(a, b);
    assert_int_not_equal(a, c);
    assert_int_equal(rng_u64(a, 5), rng_u64(a, 5));
    assert_int_not_equal(rng_u64(a, 5), rng_u64(a, 6));
    assert_int_not_equal(rng_u64(a, 5), rng_u64(b, 5));
}

static void test_rng_moments(void **state)
{
    (void)state;
    enum { N = 200000 };
    const uint64_t key = rng_key(3, "moments");
    double sum = 0, squares = 0, fourths = 0, uniform = 0, neighbours = 0, last = 0;
    for (uint64_t i = 0; i < N; i++) {
        double x = rng_normal(key, i), u = rng_uniform(key, i);
        assert_true(isfinite(x) && u >= 0 && u < 1);
        sum += x;
        squares += x * x;
        fourths += x * x * x * x;
        uniform += u;
        neighbours += x * last;
        last = x;
    }
    // five standard deviations of each estimate
    assert_true(fabs(sum / N) < 5 / sqrt(N));
    assert_true(fabs(squares / N - 1) < 5 * sqrt(2.0 / N));
    assert_true(fabs(fourths / N - 3) < 5 * sqrt(96.0 / N));
    assert_true(fabs(uniform / N - 0.5) < 5 * sqrt(1.0 / 12 / N));
    assert_true(fabs(neighbours / N) < 5 / sqrt(N));
}

static void test_rng_bits_are_balanced(void **state)
{
    (void)state;
    enum { N = 20000 };
    const uint64_t key = rng_key(4, "bits");
    for (unsigned bit = 0; bit < 64; bit++) {
        uint64_t ones = 0, flips = 0;
        for (uint64_t i = 0; i < N; i++) {
            ones += rng_u64(key, i) >> bit & 1;
            flips += (rng_u64(key, i) ^ rng_u64(key, i + 1)) >> bit & 1;
        }
        assert_true(fabs((double)ones - N / 2.0) < 5 * sqrt(N) / 2);
        assert_true(fabs((double)flips - N / 2.0) < 5 * sqrt(N) / 2);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rng_depends_on_seed_stream_and_index),
        cmocka_unit_test(test_rng_moments),
        cmocka_unit_test(test_rng_bits_are_balanced),
    };
    return cmocka_run_group_tests_name("base/rng", tests, NULL, NULL);
}
