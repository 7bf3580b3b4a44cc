// Distributions, tests and fits against published tables and against SciPy 1.10 (values marked S).
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "bench/stat/chi2.h"
#include "bench/stat/kolmogorov.h"
#include "bench/stat/logistic.h"
#include "bench/stat/special.h"
#include "bench/stat/ttest.h"

static void assert_near(double got, double want, double by)
{
    if (!(fabs(got - want) <= by)) fail_msg("expected %.15g within %g, got %.15g", want, by, got);
}

static void assert_ratio(double got, double want)
{
    assert_near(got, want, 1e-9 * fabs(want));
}

static void test_special_functions(void **state)
{
    (void)state;
    static const double gamma[][3] = {{0.5, 0.1, 0.6547208460185768}, // S
                                      {5, 12, 0.007600390681066992},
                                      {100, 80, 0.9828916869648668},
                                      {100, 130, 0.002750408367306518},
                                      {1, 1, 0.36787944117144245}};
    for (size_t i = 0; i < sizeof gamma / sizeof *gamma; i++)
        assert_ratio(stat_gamma_upper(gamma[i][0], gamma[i][1]), gamma[i][2]);
    assert_ratio(normal_quantile(0.975), 1.959963984540054); // S
    assert_ratio(normal_quantile(1e-6), -4.753424308822899); // S
    assert_near(normal_quantile(0.5), 0, 1e-12);
}

static void test_chi2_tails(void **state)
{
    (void)state;
    static const struct {
        double x;
        unsigned freedom;
        double tail;
    } rows[] = {{18.307, 10, 0.05000058909139812}, // S; 18.307 is the printed 5 % point
                {3.841, 1, 0.050013683763956804},  {300, 255, 0.02772752205390483},
                {200, 255, 0.9954254445419519},    {0.5, 3, 0.9188914116546758},
                {50, 2, 1.3887943864964e-11}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_ratio(chi2_tail(rows[i].x, rows[i].freedom), rows[i].tail);
    assert_true(chi2_tail(0, 4) == 1);
}

static void test_chi2_of_counts(void **state)
{
    (void)state;
    static const double count[] = {16, 18, 16, 14, 12, 12}, uneven[] = {16, 16, 16, 16, 16, 8};
    struct chi2_result r;
    struct err e = {0};
    double even = 88.0 / 6;
    assert_int_equal(chi2_test(count, NULL, 6, &r, &e), ERR_OK); // S
    assert_near(r.x, 2.0, 1e-12);
    assert_int_equal(r.freedom, 5);
    assert_ratio(r.p, 0.8491450360846096);
    assert_int_equal(chi2_test(count, uneven, 6, &r, &e), ERR_OK); // S
    assert_near(r.x, 3.5, 1e-12);
    assert_ratio(r.p, 0.6233876277495822);

    const double few[] = {4, 4}, off[] = {even, even, even, even, even, 1};
    assert_int_equal(chi2_test(few, NULL, 2, &r, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "join cells"));
    assert_int_equal(chi2_test(count, off, 6, &r, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "sum up"));
    assert_int_equal(chi2_test(count, NULL, 1, &r, &e), ERR_INVALID);
}

static void test_student_tails(void **state)
{
    (void)state;
    assert_ratio(student_two_sided(2.228, 10), 0.05001177181711133); // S; the printed 5 % point
    assert_near(student_two_sided(4.5, 1e6), 6.796110504953892e-06, 1e-13);
    assert_near(student_two_sided(-1, 1), 0.5, 1e-12);
    assert_ratio(student_two_sided(3.3, 7.4), 0.01212023033466726);
    assert_true(student_two_sided(0, 5) == 1);
}

// catalogue.md F.5: thresholds on |t| for a chance of 1e-5 over so many points.
static void test_student_thresholds_of_the_catalogue(void **state)
{
    (void)state;
    static const double rows[][2] = {{1, 4.4},   {100, 5.3}, {1e3, 5.7},
                                     {1e4, 6.1}, {1e5, 6.5}, {1e6, 6.8}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_near(student_threshold(1e-5, rows[i][0]), rows[i][1], 0.05);
}

static void test_welch(void **state)
{
    (void)state;
    static const double a[] = {19.8, 20.4, 19.6, 17.8, 18.5, 18.9, 18.3, 18.9, 19.5, 22.0};
    static const double b[] = {28.2, 26.6, 20.1, 23.3, 25.2, 22.1, 17.7, 27.6, 20.6, 13.7,
                               23.2, 17.5, 20.6, 18.0, 23.9, 21.6, 24.3, 20.4, 23.9, 13.3};
    struct moments ma = {0}, mb = {0}, flat = {0};
    struct welch_result r;
    struct err e = {0};
    for (size_t i = 0; i < 10; i++)
        moments_add(&ma, a[i]);
    for (size_t i = 0; i < 20; i++)
        moments_add(&mb, b[i]);
    assert_int_equal(welch_test(&ma, &mb, &r, &e), ERR_OK); // S
    assert_ratio(r.t, -2.225512039969852);
    assert_ratio(r.freedom, 24.524634944257343);
    assert_ratio(r.p, 0.035484530830010325);

    moments_add(&flat, 3);
    assert_int_equal(welch_test(&flat, &mb, &r, &e), ERR_INVALID);
    moments_add(&flat, 3);
    assert_int_equal(welch_test(&flat, &flat, &r, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "spread"));
}

// Holm's own example: 0.01, 0.04, 0.03, 0.005 at 5 %: the two smallest fall, 0.03 > 0.05 / 2 stands
// and so does all behind it.
static void test_holm(void **state)
{
    (void)state;
    const double p[] = {0.01, 0.04, 0.03, 0.005};
    bool falls[4];
    struct err e = {0};
    assert_int_equal(holm_reject(p, 4, 0.05, falls, &e), ERR_OK);
    assert_true(falls[0] && falls[3]);
    assert_false(falls[1] || falls[2]);
    const double gap[] = {0.5, 0.0001, 0.02}; // 0.02 <= 0.05 / 2
    assert_int_equal(holm_reject(gap, 3, 0.05, falls, &e), ERR_OK);
    assert_true(falls[1] && falls[2] && !falls[0]);
    assert_int_equal(holm_reject(NULL, 0, 0.05, NULL, &e), ERR_OK);
}

static void test_kolmogorov_tails(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        double d, tail, by;
    } rows[] = {{10, 0.40925, 0.04999645233425898, 1e-11}, // S; the printed 5 % point
                {1, 0.975, 0.05, 1e-12},
                {5, 0.3, 0.664, 1e-12},
                {20, 0.1, 0.976255094592155, 1e-11},
                {100, 0.06, 0.8428847956274123, 1e-10},
                {1000, 0.04, 0.07933956059000224, 1e-7},
                {2000, 0.03, 0.05354694793932557, 1e-4},
                {5000, 0.01, 0.6954557253913853, 1e-4},
                {5000, 0.02, 0.03613941395325637, 1e-4}};
    struct err e = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double tail;
        assert_int_equal(kolmogorov_tail(rows[i].d, rows[i].n, &tail, &e), ERR_OK);
        assert_near(tail, rows[i].tail, rows[i].by);
    }
}

// catalogue.md F.6 prints the limit's 1 % points: at the sample sizes used they err to the safe
// side.
static void test_kolmogorov_of_the_catalogue(void **state)
{
    (void)state;
    static const struct {
        size_t n;
        double d;
    } rows[] = {{90, 0.172}, {150, 0.133}, {300, 0.094}, {900, 0.054}};
    struct err e = {0};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        double tail;
        assert_int_equal(kolmogorov_tail(rows[i].d, rows[i].n, &tail, &e), ERR_OK);
        assert_near(tail, 0.01, 0.0016);
    }
}

static void test_kolmogorov_of_samples(void **state)
{
    (void)state;
    double u[30];
    for (int i = 0; i < 30; i++)
        u[i] = pow(fmod((i + 1) * 0.6180339887498949, 1), 1.3);
    struct kolmogorov_result r;
    struct err e = {0};
    assert_int_equal(kolmogorov_uniform(u, 30, &r, &e), ERR_OK); // S
    assert_near(r.d, 0.10104816221502272, 1e-12);
    assert_near(r.p, 0.8892039888524945, 1e-9);
    u[3] = 1.5;
    assert_int_equal(kolmogorov_uniform(u, 30, &r, &e), ERR_INVALID);
    assert_int_equal(kolmogorov_uniform(u, 0, &r, &e), ERR_INVALID);
}

// Of true uniform samples one set in a hundred has p below 0.01.
static void test_kolmogorov_keeps_its_level(void **state)
{
    (void)state;
    uint64_t key = rng_key(7, "kolmogorov");
    int low = 0, sets = 4000;
    for (int s = 0; s < sets; s++) {
        double u[25];
        struct kolmogorov_result r;
        struct err e = {0};
        for (int i = 0; i < 25; i++)
            u[i] = rng_uniform(key, (uint64_t)(s * 25 + i));
        assert_int_equal(kolmogorov_uniform(u, 25, &r, &e), ERR_OK);
        low += r.p < 0.01;
    }
    assert_in_range(low, 15, 70); // 40 +- 6.3
}

// Hours of study and passing: the example that textbooks print (intercept -4.0777 +- 1.7610, slope
// 1.5046 +- 0.6287); the levels are S, as roots of Fieller's equation.
static void test_logistic_textbook(void **state)
{
    (void)state;
    static const double x[] = {0.50, 0.75, 1.00, 1.25, 1.50, 1.75, 1.75, 2.00, 2.25, 2.50,
                               2.75, 3.00, 3.25, 3.50, 4.00, 4.25, 4.50, 4.75, 5.00, 5.50};
    static const unsigned y[] = {0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 1, 1, 1, 1, 1};
    struct logistic_point p[20];
    for (int i = 0; i < 20; i++)
        p[i] = (struct logistic_point){.x = x[i], .events = y[i], .trials = 1};
    struct logistic_fit f;
    struct logistic_level l;
    struct err e = {0};
    assert_int_equal(logistic_fit(p, 20, &f, &e), ERR_OK);
    assert_near(f.a, -4.07771333, 1e-6);
    assert_near(f.b, 1.50464539, 1e-6);
    assert_near(sqrt(f.var_a), 1.760994, 1e-5);
    assert_near(sqrt(f.var_b), 0.628721, 1e-5);
    assert_near(f.cov_ab, -1.034503, 1e-5);
    assert_near(f.deviance, 2 * 8.029878464, 1e-6);
    assert_int_equal(logistic_at(&f, 0.5, 0.95, &l, &e), ERR_OK);
    assert_near(l.x, 2.710082617, 1e-6);
    assert_near(l.low, 1.456474517, 1e-5);
    assert_near(l.high, 4.342595256, 1e-5);
    assert_int_equal(logistic_at(&f, 0.9, 0.95, &l, &e), ERR_OK);
    assert_near(l.x, 4.170376574, 1e-6);
    assert_near(l.low, 3.216798857, 1e-5);
    assert_near(l.high, 11.451985173, 1e-4);
}

static void test_logistic_refuses(void **state)
{
    (void)state;
    struct logistic_fit f;
    struct logistic_level l;
    struct err e = {0};
    const struct logistic_point apart[] = {{0, 0, 10}, {1, 0, 10}, {2, 10, 10}};
    assert_int_equal(logistic_fit(apart, 3, &f, &e), ERR_CHECK);
    assert_non_null(strstr(e.text, "between 1 and 2"));
    const struct logistic_point none[] = {{0, 0, 10}, {1, 0, 10}};
    assert_int_equal(logistic_fit(none, 2, &f, &e), ERR_CHECK);
    assert_non_null(strstr(e.text, "no trial"));
    const struct logistic_point one[] = {{3, 4, 10}, {3, 5, 10}};
    assert_int_equal(logistic_fit(one, 2, &f, &e), ERR_INVALID);
    const struct logistic_point many[] = {{0, 11, 10}, {1, 5, 10}};
    assert_int_equal(logistic_fit(many, 2, &f, &e), ERR_INVALID);
    const struct logistic_point flat[] = {{0, 5, 10}, {1, 5, 10}, {2, 5, 10}};
    assert_int_equal(logistic_fit(flat, 3, &f, &e), ERR_OK);
    assert_int_equal(logistic_at(&f, 0.5, 0.95, &l, &e), ERR_CHECK);
}

// The interval holds the true 50 % point as often as it says.
static void test_logistic_covers(void **state)
{
    (void)state;
    uint64_t key = rng_key(3, "logistic"), at = 0;
    int held = 0, made = 0;
    for (int s = 0; s < 600; s++) {
        struct logistic_point p[8];
        for (int i = 0; i < 8; i++) {
            p[i] = (struct logistic_point){.x = -6 + 2 * i, .trials = 30};
            for (int k = 0; k < 30; k++)
                p[i].events += rng_uniform(key, at++) < 1 / (1 + exp(-(p[i].x - 1.3) * 0.8));
        }
        struct logistic_fit f;
        struct logistic_level l;
        struct err e = {0};
        if (logistic_fit(p, 8, &f, &e) < 0 || logistic_at(&f, 0.5, 0.95, &l, &e) < 0) continue;
        made++;
        held += l.low <= 1.3 && 1.3 <= l.high;
    }
    assert_int_equal(made, 600);
    assert_in_range(held, 550, 588); // 570 +- 5.3
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_special_functions),
        cmocka_unit_test(test_chi2_tails),
        cmocka_unit_test(test_chi2_of_counts),
        cmocka_unit_test(test_student_tails),
        cmocka_unit_test(test_student_thresholds_of_the_catalogue),
        cmocka_unit_test(test_welch),
        cmocka_unit_test(test_holm),
        cmocka_unit_test(test_kolmogorov_tails),
        cmocka_unit_test(test_kolmogorov_of_the_catalogue),
        cmocka_unit_test(test_kolmogorov_of_samples),
        cmocka_unit_test(test_kolmogorov_keeps_its_level),
        cmocka_unit_test(test_logistic_textbook),
        cmocka_unit_test(test_logistic_refuses),
        cmocka_unit_test(test_logistic_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
