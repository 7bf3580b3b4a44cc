// Do two sets of measurements have the same mean (Welch's t-test), and what does the answer weigh
// when many such questions are asked at once. catalogue.md F.5 and F.7. Pure.
#ifndef BENCH_STAT_TTEST_H
#define BENCH_STAT_TTEST_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"

/// P(|t| > |x|) of Student's distribution; freedom > 0, need not be whole.
double student_two_sided(double x, double freedom);
/// The threshold on |t|, many traces long, that a fault-free set crosses somewhere in `points`
/// points with probability `overall`.
double student_threshold(double overall, double points);

/// A set of measurements, one after another, in constant memory. Zeroed: empty.
struct moments {
    size_t n;
    double mean;
    double squares; // sum of squared differences from the mean
};
void moments_add(struct moments *m, double x);

struct welch_result {
    double t, freedom, p; // p: two-sided
};

/// ERR_INVALID for a set of less than 2 values, or two sets without any spread.
FOX_CHECK int welch_test(const struct moments *a, const struct moments *b, struct welch_result *out,
                         struct err *err);

/// Holm's correction: rejected[i] says whether hypothesis i of n, with p-value p[i], falls when the
/// chance of any wrong rejection shall be at most `level`. ERR_NOMEM.
FOX_CHECK int holm_reject(const double *p, size_t n, double level, bool *rejected, struct err *err);

#endif
