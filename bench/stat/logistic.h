// A threshold found by a fit: the chance of an event as a logistic curve over x (a level in dB,
// say), and the x at which it reaches a given chance, with its interval. Pure.
//
// p(x) = 1 / (1 + exp(-(a + b x))), by maximum likelihood.
#ifndef BENCH_STAT_LOGISTIC_H
#define BENCH_STAT_LOGISTIC_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"

struct logistic_point {
    double x;
    unsigned events, trials;
};

struct logistic_fit {
    double a, b;
    double var_a, var_b, cov_ab; // of the estimates
    double deviance;             // against one free chance per point
    unsigned freedom;            // points - 2
};

/// ERR_INVALID: fewer than two different x, or more events than trials. ERR_CHECK: the points allow
/// no curve, because events and non-events do not overlap (any steep enough curve fits) or do not
/// depend on x; the text says which, and where to measure next.
FOX_CHECK int logistic_fit(const struct logistic_point *points, size_t n, struct logistic_fit *out,
                           struct err *err);

struct logistic_level {
    double x;
    double low, high; // Fieller's interval
};

/// The x of chance p (0 … 1). ERR_CHECK when the slope cannot be told from 0 at that confidence:
/// the interval would be the whole axis.
FOX_CHECK int logistic_at(const struct logistic_fit *fit, double p, double confidence,
                          struct logistic_level *out, struct err *err);

#endif
