// The special functions that distributions are made of. Pure, and safe in several threads.
#ifndef BENCH_STAT_SPECIAL_H
#define BENCH_STAT_SPECIAL_H

/// The logarithm of Gamma, x > 0.
double stat_log_gamma(double x);
/// Regularised incomplete beta function I_x(a, b), a and b > 0.
double stat_beta(double a, double b, double x);
/// Q(a, x), the regularised upper incomplete gamma function; a > 0, x >= 0.
double stat_gamma_upper(double a, double x);
/// The x below which a normal variable lies with probability p, 0 < p < 1.
double normal_quantile(double p);

#endif
