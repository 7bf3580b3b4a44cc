// Do samples follow a distribution: the Kolmogorov-Smirnov test. catalogue.md F.6. Pure.
#ifndef BENCH_STAT_KOLMOGOROV_H
#define BENCH_STAT_KOLMOGOROV_H

#include <stddef.h>

#include "bench/base/err.h"

enum { KOLMOGOROV_EXACT_MAX = 1000 }; // samples up to which the distribution is exact

struct kolmogorov_result {
    double d; // greatest distance between the two distributions
    double p; // of a distance at least as great, when the samples follow
};

/// n samples in 0 … 1 against the uniform distribution (for another one, pass its distribution
/// function's values). Sorts `u` in place. ERR_INVALID: no sample, or one outside 0 … 1.
FOX_CHECK int kolmogorov_uniform(double *u, size_t n, struct kolmogorov_result *out,
                                 struct err *err);
/// P(D > d) for n samples; exact up to KOLMOGOROV_EXACT_MAX, from then on within 10^-4.
FOX_CHECK int kolmogorov_tail(double d, size_t n, double *out, struct err *err);

#endif
