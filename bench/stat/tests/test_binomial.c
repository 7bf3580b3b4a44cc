// Bounds and plans against the tables of catalogue.md F.1 and against plain sums.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/stat/binomial.h"

static void test_binomial_zero_fault_table(void **state)
{
    (void)state;
    static const double p[] = {0.10, 0.05, 0.02, 0.01, 0.005, 0.001};
    static const double confidence[] = {0.90, 0.95, 0.99};
    static const unsigned trials[3][6] = {{22, 45, 114, 230, 460, 2302},
                                          {29, 59, 149, 299, 598, 2995},
                                          {44, 90, 228, 459, 919, 4603}};
    for (unsigned c = 0; c < 3; c++)
        for (unsigned i = 0; i < 6; i++)
            assert_int_equal(binomial_zero_fault_trials(p[i], confidence[c]), trials[c][i]);
}

static void test_binomial_upper_bounds_of_the_catalogue(void **state)
{
    (void)state;
    static const struct {
        unsigned faults, trials;
        double percent;
    } rows[] = {{0, 30, 9.5}, {0, 60, 4.9}, {1, 300, 1.6}, {3, 300, 2.6}, {30, 300, 13.3}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        double got = 100 * binomial_upper(rows[i].faults, rows[i].trials, 0.95);
        assert_true(fabs(got - rows[i].percent) < 0.051);
    }
}

static void test_binomial_allowed_faults_of_the_catalogue(void **state)
{
    (void)state;
    static const struct {
        double p;
        unsigned trials;
        int allowed;
    } rows[] = {{0.10, 30, 0},   {0.10, 59, 1},   {0.10, 100, 4}, {0.10, 150, 8},
                {0.10, 200, 12}, {0.10, 300, 21}, {0.01, 299, 0}, {0.01, 473, 1},
                {0.01, 628, 2},  {0.01, 1000, 4}, {0.10, 28, -1}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(binomial_allowed_faults(rows[i].trials, rows[i].p, 0.95), rows[i].allowed);
}

// The distribution summed term by term, without the beta function.
static double plain_cdf(unsigned k, unsigned n, double p)
{
    double term = pow(1 - p, n), sum = 0;
    for (unsigned i = 0; i <= k; i++) {
        sum += term;
        term *= (double)(n - i) / (i + 1) * p / (1 - p);
    }
    return sum;
}

static void test_binomial_cdf_equals_the_plain_sum(void **state)
{
    (void)state;
    static const double p[] = {0.001, 0.03, 0.3, 0.5, 0.77};
    for (unsigned n = 1; n <= 120; n += 7)
        for (unsigned k = 0; k < n; k++)
            for (unsigned i = 0; i < 5; i++) {
                double want = plain_cdf(k, n, p[i]);
                assert_true(fabs(binomial_cdf(k, n, p[i]) - want) < 1e-10);
            }
    assert_true(binomial_cdf(5, 5, 0.5) == 1);
}

static void test_binomial_bounds_are_exact(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 60; n += 3)
        for (unsigned k = 0; k <= n; k++) {
            double upper = binomial_upper(k, n, 0.95), lower = binomial_lower(k, n, 0.95);
            assert_true(lower <= (double)k / n && (double)k / n <= upper);
            if (k < n) assert_true(fabs(plain_cdf(k, n, upper) - 0.05) < 1e-9);
            if (k > 0 && k < n) assert_true(fabs(plain_cdf(k - 1, n, lower) - 0.95) < 1e-9);
        }
    assert_true(fabs(binomial_lower(20, 20, 0.95) - pow(0.05, 1.0 / 20)) < 1e-9);
    assert_true(binomial_upper(0, 0, 0.95) == 1 && binomial_lower(0, 0, 0.95) == 0);
    assert_true(binomial_upper(7, 7, 0.95) == 1);
}

// Two-sided 95 % intervals as R prints them; 682 of 925 is the example in the manual of binom.test.
static void test_binomial_intervals_of_r(void **state)
{
    (void)state;
    static const struct {
        unsigned faults, trials;
        double low, high;
    } rows[] = {{0, 10, 0, 0.3085},         {1, 10, 0.0025, 0.4450},    {5, 10, 0.1871, 0.8129},
                {10, 10, 0.6915, 1},        {0, 20, 0, 0.1684},         {4, 20, 0.0573, 0.4366},
                {10, 100, 0.0490, 0.1762},  {0, 1, 0, 0.9750},          {1, 1, 0.0250, 1},
                {682, 925, 0.7077, 0.7654}, {15, 1000, 0.0084, 0.0246}, {0, 0, 0, 1}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct binomial_interval got = binomial_interval(rows[i].faults, rows[i].trials, 0.95);
        if (fabs(got.low - rows[i].low) > 0.00006 || fabs(got.high - rows[i].high) > 0.00006)
            fail_msg("%u of %u: got %.5f to %.5f, R says %.4f to %.4f", rows[i].faults,
                     rows[i].trials, got.low, got.high, rows[i].low, rows[i].high);
    }
}

static void test_binomial_plans_of_the_receiver_notes(void **state)
{
    (void)state;
    static const struct {
        double good, bad, risk;
        unsigned trials, allowed;
    } rows[] = {{0.01, 0.10, 0.05, 61, 2}, {0.01, 0.10, 0.10, 38, 1},  {0.05, 0.15, 0.05, 93, 8},
                {0.05, 0.15, 0.10, 60, 5}, {0.10, 0.25, 0.05, 70, 11}, {0.10, 0.25, 0.10, 40, 6},
                {0.05, 0.25, 0.05, 34, 4}, {0.10, 0.50, 0.05, 13, 3},  {0.40, 0.60, 0.05, 67, 33}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct binomial_plan plan;
        assert_int_equal(
            binomial_plan_fixed(&plan, rows[i].good, rows[i].bad, rows[i].risk, rows[i].risk, NULL),
            ERR_OK);
        assert_int_equal(plan.trials, rows[i].trials);
        assert_int_equal(plan.allowed, rows[i].allowed);
    }
}

static void refuse(double good, double bad, double alpha, double beta, int code, const char *part)
{
    struct binomial_plan plan;
    struct err e = {0};
    assert_int_equal(binomial_plan_fixed(&plan, good, bad, alpha, beta, &e), code);
    if (!strstr(e.text, part)) fail_msg("expected \"%s\" in \"%s\"", part, e.text);
}

static void test_binomial_refuses_senseless_plans(void **state)
{
    (void)state;
    refuse(0.1, 0.1, 0.05, 0.05, ERR_INVALID, "good < bad");
    refuse(0, 0.1, 0.05, 0.05, ERR_INVALID, "got good 0 and bad 0.1");
    refuse(0.1, (double)NAN, 0.05, 0.05, ERR_INVALID, "good < bad");
    refuse(0.1, 0.2, 0, 0.05, ERR_INVALID, "alpha 0");
    refuse(0.1, 0.2, 0.5, 0.5, ERR_INVALID, "less than 1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_binomial_zero_fault_table),
        cmocka_unit_test(test_binomial_upper_bounds_of_the_catalogue),
        cmocka_unit_test(test_binomial_allowed_faults_of_the_catalogue),
        cmocka_unit_test(test_binomial_cdf_equals_the_plain_sum),
        cmocka_unit_test(test_binomial_bounds_are_exact),
        cmocka_unit_test(test_binomial_intervals_of_r),
        cmocka_unit_test(test_binomial_plans_of_the_receiver_notes),
        cmocka_unit_test(test_binomial_refuses_senseless_plans),
    };
    return cmocka_run_group_tests_name("stat/binomial", tests, NULL, NULL);
}
