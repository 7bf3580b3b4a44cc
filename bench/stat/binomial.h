// Faults counted in a fixed number of trials: exact (Clopper-Pearson) bounds and plans.
// catalogue.md F.1. Pure.
#ifndef BENCH_STAT_BINOMIAL_H
#define BENCH_STAT_BINOMIAL_H

#include "bench/base/err.h"

/// P(at most k faults in n trials) when each is a fault with probability p.
double binomial_cdf(unsigned k, unsigned n, double p);

/// One-sided bounds on the fault rate after `faults` in `trials`; confidence 0 … 1 (0.95). No
/// trials bound nothing: 1 and 0.
double binomial_upper(unsigned faults, unsigned trials, double confidence);
double binomial_lower(unsigned faults, unsigned trials, double confidence);

/// The two-sided interval: each bound is missed with half of 1 - confidence.
struct binomial_interval {
    double low, high;
};
struct binomial_interval binomial_interval(unsigned faults, unsigned trials, double confidence);

/// Trials without a fault that show a rate below p.
unsigned binomial_zero_fault_trials(double p, double confidence);
/// Most faults in `trials` that still show a rate below p; -1 when not even none does.
int binomial_allowed_faults(unsigned trials, double p, double confidence);

struct binomial_plan {
    unsigned trials;
    unsigned allowed; // accept with at most this many faults
};

/// The smallest plan that rejects a device of fault rate `good` with probability <= alpha and
/// accepts one of rate `bad` with probability <= beta. ERR_INVALID, ERR_LIMIT beyond 100 000
/// trials.
FOX_CHECK int binomial_plan_fixed(struct binomial_plan *out, double good, double bad, double alpha,
                                  double beta, struct err *err);

#endif
