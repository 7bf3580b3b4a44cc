// Chi-square: the tail of its distribution, and the test of counts against what was expected. Pure.
#ifndef BENCH_STAT_CHI2_H
#define BENCH_STAT_CHI2_H

#include <stddef.h>

#include "bench/base/err.h"

/// P(chi-square with `freedom` degrees of freedom > x).
double chi2_tail(double x, unsigned freedom);

struct chi2_result {
    double x;         // the statistic
    unsigned freedom; // cells - 1
    double p;         // of a statistic at least as large, when the expectation holds
};

/// Pearson's test of n >= 2 cells: `count` against `expected` (same sum; NULL: all equal).
/// ERR_INVALID when a cell expects less than 5, so that p would not hold, or the sums differ.
FOX_CHECK int chi2_test(const double *count, const double *expected, size_t n,
                        struct chi2_result *out, struct err *err);

#endif
