#include "bench/stat/special.h"

#include <math.h>

enum { TERMS_MAX = 100000, BISECTIONS = 200 };

// Continued fraction of the incomplete beta function by Lentz's method: terms alternate between the
// even and the odd coefficient; a vanishing factor is replaced by a tiny one.
static double beta_fraction(double a, double b, double x)
{
    const double tiny = 1e-300, enough = 1e-15;
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    if (fabs(d) < tiny) d = tiny;
    d = 1 / d;
    double f = d;
    for (int m = 1; m < TERMS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
        double change = 1;
        for (int half = 0; half < 2; half++) {
            double term = half ? odd : even;
            d = 1 + term * d;
            c = 1 + term / c;
            if (fabs(d) < tiny) d = tiny;
            if (fabs(c) < tiny) c = tiny;
            d = 1 / d;
            change = c * d;
            f *= change;
        }
        if (fabs(change - 1) < enough) break;
    }
    return f;
}

// The logarithm of Gamma without the C library's hidden sign variable.
double stat_log_gamma(double x)
{
    int sign;
    return lgamma_r(x, &sign);
}

double stat_beta(double a, double b, double x)
{
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    // the fraction converges fast on the left side only
    if (x > (a + 1) / (a + b + 2)) return 1 - stat_beta(b, a, 1 - x);
    double front =
        stat_log_gamma(a + b) - stat_log_gamma(a) - stat_log_gamma(b) + a * log(x) + b * log1p(-x);
    return exp(front) * beta_fraction(a, b, x) / a;
}

// P(a, x) as a power series: fast for x < a + 1.
static double lower_series(double a, double x)
{
    double term = 1 / a, sum = term;
    for (int n = 1; n < TERMS_MAX && term > sum * 1e-17; n++) {
        term *= x / (a + n);
        sum += term;
    }
    return sum * exp(a * log(x) - x - stat_log_gamma(a));
}

// Q(a, x) as a continued fraction, by Lentz's method: fast for x > a + 1.
static double upper_fraction(double a, double x)
{
    double b = x + 1 - a, c = 1e300, d = 1 / b, f = d;
    for (int n = 1; n < TERMS_MAX; n++) {
        double step = -n * (n - a);
        b += 2;
        d = 1 / (step * d + b);
        c = b + step / c;
        f *= c * d;
        if (fabs(c * d - 1) < 1e-15) break;
    }
    return f * exp(a * log(x) - x - stat_log_gamma(a));
}

double stat_gamma_upper(double a, double x)
{
    if (x <= 0) return 1;
    if (isinf(x)) return 0;
    return x < a + 1 ? 1 - lower_series(a, x) : upper_fraction(a, x);
}

double normal_quantile(double p)
{
    double low = -40, high = 40;
    for (int i = 0; i < BISECTIONS; i++) {
        double middle = (low + high) / 2;
        *(erfc(-middle / sqrt(2)) / 2 < p ? &low : &high) = middle;
    }
    return (low + high) / 2;
}
