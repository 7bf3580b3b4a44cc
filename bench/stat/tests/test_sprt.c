// The sequential test against the tables of catalogue.md F.2 and dsp.md 8, and against simulation.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "bench/stat/sprt.h"

static void assert_near(double got, double want, double by)
{
    if (!(fabs(got - want) <= by)) fail_msg("expected %g within %g, got %g", want, by, got);
}

// Wald's approximation of the mean number of trials, which the catalogue's table prints.
static double wald_mean(const struct sprt_plan *p, double rate, double p_reject)
{
    double both = log(p->bad / p->good) + log((1 - p->good) / (1 - p->bad));
    double drift = rate * log(p->bad / p->good) - (1 - rate) * log((1 - p->good) / (1 - p->bad));
    return (p_reject * p->h1 + (1 - p_reject) * p->h0) * both / drift;
}

static void test_sprt_lines_of_the_catalogue(void **state)
{
    (void)state;
    static const struct {
        double good, bad, risk, slope, h1;
        unsigned earliest, mean_good, mean_bad;
    } rows[] = {{0.01, 0.10, 0.05, 0.0398, 1.228, 31, 37, 18},
                {0.02, 0.10, 0.05, 0.0503, 1.738, 35, 52, 31},
                {0.05, 0.20, 0.05, 0.1103, 1.890, 18, 28, 19},
                {0.01, 0.05, 0.05, 0.0250, 1.784, 72, 107, 64},
                {0.001, 0.01, 0.05, 0.0039, 1.274, 326, 393, 188},
                {0.005, 0.05, 0.01, 0.0197, 1.956, 100, 130, 63}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sprt_plan p;
        assert_int_equal(
            sprt_plan_make(&p, rows[i].good, rows[i].bad, rows[i].risk, rows[i].risk, NULL),
            ERR_OK);
        assert_near(p.slope, rows[i].slope, 0.00006);
        assert_near(p.h1, rows[i].h1, 0.0006);
        assert_near(p.h0, -rows[i].h1, 0.0006);
        assert_int_equal(sprt_earliest_accept(&p), rows[i].earliest);
        assert_int_equal(sprt_decide(&p, rows[i].earliest, 0), SPRT_ACCEPT);
        assert_int_equal(sprt_decide(&p, rows[i].earliest - 1, 0), SPRT_CONTINUE);
        assert_near(wald_mean(&p, p.good, p.alpha), rows[i].mean_good, 0.51);
        assert_near(wald_mean(&p, p.bad, 1 - p.beta), rows[i].mean_bad, 0.51);
    }
}

static void test_sprt_truncated_plans_of_the_receiver_notes(void **state)
{
    (void)state;
    // delivery ratios there, fault rates here; mean trials at no fault, good, midway, bad, one half
    static const struct {
        double good, bad, risk;
        unsigned n_max;
        double mean[5];
    } rows[] = {{0.01, 0.10, 0.05, 122, {31.0, 39.5, 43.1, 24.3, 4.0}},
                {0.01, 0.10, 0.10, 48, {24.0, 27.5, 25.2, 17.3, 2.5}},
                {0.05, 0.15, 0.05, 140, {27.0, 54.1, 70.1, 42.8, 6.7}},
                {0.05, 0.15, 0.10, 180, {20.0, 37.9, 46.6, 30.8, 6.0}},
                {0.10, 0.25, 0.05, 105, {17.0, 38.8, 52.1, 32.0, 9.3}},
                {0.10, 0.25, 0.10, 60, {13.0, 26.4, 30.3, 21.5, 6.9}},
                {0.05, 0.25, 0.05, 51, {13.0, 19.9, 24.4, 14.5, 5.1}},
                {0.10, 0.50, 0.05, 17, {6.0, 8.4, 10.0, 6.4, 6.4}},
                {0.40, 0.60, 0.05, 101, {8.0, 36.3, 54.7, 36.3, 54.7}}};
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct sprt_plan p;
        assert_int_equal(
            sprt_plan_make(&p, rows[i].good, rows[i].bad, rows[i].risk, rows[i].risk, NULL),
            ERR_OK);
        assert_int_equal(p.n_max, rows[i].n_max);
        const double rates[5] = {0, p.good, (p.good + p.bad) / 2, p.bad, 0.5};
        for (unsigned k = 0; k < 5; k++) {
            struct sprt_outcome o;
            assert_int_equal(sprt_evaluate(&p, rates[k], &o, NULL), ERR_OK);
            assert_near(o.mean_trials, rows[i].mean[k], 0.051);
            assert_near(o.accept + o.reject + o.undecided_accept + o.undecided_reject, 1, 1e-9);
        }
    }
}

// Enumeration against played runs: 20 000 each, so three standard deviations are about 0.01.
static void test_sprt_enumeration_equals_played_runs(void **state)
{
    (void)state;
    struct sprt_plan p;
    assert_int_equal(sprt_plan_make(&p, 0.02, 0.10, 0.05, 0.05, NULL), ERR_OK);
    static const double rates[] = {0.02, 0.05, 0.10};
    for (unsigned r = 0; r < 3; r++) {
        struct sprt_outcome o;
        assert_int_equal(sprt_evaluate(&p, rates[r], &o, NULL), ERR_OK);
        const uint64_t key = rng_key(7 + r, "played runs");
        unsigned accepted = 0, rejected = 0;
        double trials = 0;
        uint64_t draw = 0;
        for (unsigned run = 0; run < 20000; run++) {
            unsigned n = 0, faults = 0;
            enum sprt_decision d = SPRT_CONTINUE;
            while (d == SPRT_CONTINUE) {
                faults += rng_uniform(key, draw++) < rates[r];
                d = sprt_decide(&p, ++n, faults);
            }
            accepted += d == SPRT_ACCEPT;
            rejected += d == SPRT_REJECT;
            trials += n;
        }
        assert_near(accepted / 20000.0, o.accept, 0.011);
        assert_near(rejected / 20000.0, o.reject, 0.011);
        assert_near(trials / 20000.0, o.mean_trials, 0.02 * o.mean_trials);
    }
}

static void test_sprt_stops_undecided_at_its_end(void **state)
{
    (void)state;
    struct sprt_plan p;
    assert_int_equal(sprt_plan_make(&p, 0.02, 0.10, 0.05, 0.05, NULL), ERR_OK);
    unsigned middle = (unsigned)lround(p.slope * p.n_max);
    assert_int_equal(sprt_decide(&p, p.n_max, middle), SPRT_UNDECIDED);
    assert_int_equal(sprt_decide(&p, p.n_max - 1, middle), SPRT_CONTINUE);
    assert_string_equal(sprt_decision_name(SPRT_UNDECIDED), "undecided");
    struct err e = {0};
    assert_int_equal(sprt_plan_make(&p, 0.2, 0.1, 0.05, 0.05, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "good 0.2 and bad 0.1"));
}

static unsigned play(const struct sprt_plan *p, double rate, uint64_t key, uint64_t *draw,
                     unsigned *faults)
{
    unsigned n = 0;
    *faults = 0;
    do
        *faults += rng_uniform(key, (*draw)++) < rate;
    while (sprt_decide(p, ++n, *faults) == SPRT_CONTINUE);
    return n;
}

// The bound must lie below the true rate in no more than 5 % of runs, whatever the rate.
static void test_sprt_upper_bound_covers(void **state)
{
    (void)state;
    enum { RUNS = 4000, ENDS = 128 };
    struct sprt_plan p;
    assert_int_equal(sprt_plan_make(&p, 0.10, 0.50, 0.05, 0.05, NULL), ERR_OK);
    static double bounds[ENDS][ENDS];
    memset(bounds, 0, sizeof bounds);
    for (unsigned r = 1; r <= 8; r++) {
        double rate = r / 10.0;
        uint64_t draw = 0;
        unsigned below = 0;
        for (unsigned i = 0; i < RUNS; i++) {
            unsigned faults, n = play(&p, rate, rng_key(r, "cover"), &draw, &faults);
            double *bound = &bounds[n][faults];
            if (*bound == 0) assert_int_equal(sprt_upper(&p, n, faults, 0.95, bound, NULL), ERR_OK);
            below += *bound < rate;
        }
        assert_true(below < RUNS * 0.05 + 3 * sqrt(RUNS * 0.05 * 0.95));
    }
}

static void test_sprt_upper_bound_by_hand(void **state)
{
    (void)state;
    struct sprt_plan p;
    struct err e = {0};
    double bound, later;
    assert_int_equal(sprt_plan_make(&p, 0.02, 0.10, 0.05, 0.05, NULL), ERR_OK);
    unsigned first = sprt_earliest_accept(&p);
    // nothing can stop before the earliest acceptance without a fault: the plain bound
    assert_int_equal(sprt_upper(&p, first, 0, 0.95, &bound, NULL), ERR_OK);
    assert_near(bound, 1 - pow(0.05, 1.0 / first), 1e-9);
    // an acceptance that took longer allows a higher rate than the earliest
    unsigned second = first;
    while (sprt_decide(&p, second, 1) != SPRT_ACCEPT)
        second++;
    assert_int_equal(sprt_upper(&p, second, 1, 0.95, &later, NULL), ERR_OK);
    assert_true(later > bound);
    // a device rejected at once may be as bad as can be
    assert_int_equal(sprt_decide(&p, 2, 2), SPRT_REJECT);
    assert_int_equal(sprt_upper(&p, 2, 2, 0.95, &bound, NULL), ERR_OK);
    assert_near(bound, 1, 1e-9);
    assert_int_equal(sprt_upper(&p, 0, 0, 0.95, &bound, &e), ERR_INVALID);
    assert_int_equal(sprt_upper(&p, 5, 6, 0.95, &bound, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "got 5 and 6"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sprt_lines_of_the_catalogue),
        cmocka_unit_test(test_sprt_truncated_plans_of_the_receiver_notes),
        cmocka_unit_test(test_sprt_enumeration_equals_played_runs),
        cmocka_unit_test(test_sprt_stops_undecided_at_its_end),
        cmocka_unit_test(test_sprt_upper_bound_covers),
        cmocka_unit_test(test_sprt_upper_bound_by_hand),
    };
    return cmocka_run_group_tests_name("stat/sprt", tests, NULL, NULL);
}
