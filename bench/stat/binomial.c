#include "bench/stat/binomial.h"

#include <math.h>
#include <stdbool.h>

#include "bench/stat/special.h"

enum { BISECTIONS = 100, PLAN_TRIALS_MAX = 100000 };

double binomial_cdf(unsigned k, unsigned n, double p)
{
    if (k >= n) return 1;
    return stat_beta(n - k, k + 1.0, 1 - p);
}

// The x at which I_x(a, b) reaches `level`.
static double beta_inverse(double level, double a, double b)
{
    double low = 0, high = 1;
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = (low + high) / 2;
        if (stat_beta(a, b, middle) < level)
            low = middle;
        else
            high = middle;
    }
    return (low + high) / 2;
}

double binomial_upper(unsigned faults, unsigned trials, double confidence)
{
    if (faults >= trials) return 1;
    return beta_inverse(confidence, faults + 1.0, trials - faults);
}

double binomial_lower(unsigned faults, unsigned trials, double confidence)
{
    if (faults == 0 || trials == 0) return 0;
    if (faults > trials) faults = trials;
    return beta_inverse(1 - confidence, faults, trials - faults + 1.0);
}

struct binomial_interval binomial_interval(unsigned faults, unsigned trials, double confidence)
{
    double one_sided = (1 + confidence) / 2;
    return (struct binomial_interval){.low = binomial_lower(faults, trials, one_sided),
                                      .high = binomial_upper(faults, trials, one_sided)};
}

unsigned binomial_zero_fault_trials(double p, double confidence)
{
    return (unsigned)ceil(log1p(-confidence) / log1p(-p));
}

int binomial_allowed_faults(unsigned trials, double p, double confidence)
{
    int allowed = -1;
    while ((unsigned)(allowed + 1) < trials &&
           binomial_upper((unsigned)(allowed + 1), trials, confidence) < p)
        allowed++;
    return allowed;
}

static bool is_share(double x)
{
    return x > 0 && x < 1; // false for NaN
}

int binomial_plan_fixed(struct binomial_plan *out, double good, double bad, double alpha,
                        double beta, struct err *err)
{
    if (!is_share(good) || !is_share(bad) || good >= bad)
        return err_set(err, ERR_INVALID,
                       "a plan needs fault rates 0 < good < bad < 1, got good %g and bad %g", good,
                       bad);
    if (!is_share(alpha) || !is_share(beta) || alpha + beta >= 1)
        return err_set(err, ERR_INVALID,
                       "a plan needs risks above 0 that add up to less than 1, got alpha %g and "
                       "beta %g",
                       alpha, beta);
    unsigned allowed = 0; // grows with the number of trials, never shrinks
    for (unsigned n = 1; n <= PLAN_TRIALS_MAX; n++) {
        while (allowed < n && 1 - binomial_cdf(allowed, n, good) > alpha)
            allowed++;
        if (binomial_cdf(allowed, n, bad) > beta) continue;
        *out = (struct binomial_plan){.trials = n, .allowed = allowed};
        return ERR_OK;
    }
    return err_set(err, ERR_LIMIT,
                   "more than %d trials would be needed to tell %g from %g; choose rates further "
                   "apart",
                   PLAN_TRIALS_MAX, good, bad);
}
