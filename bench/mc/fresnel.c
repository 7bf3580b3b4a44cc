#include "bench/mc/fresnel.h"

#include <math.h>

// From here on the asymptotic series is exact enough.
static const double far = 4;

// The sum over n of x (i pi x^2 / 2)^n / (n! (2 n + 1)).
static double complex near_zero(double x)
{
    double complex z = CMPLX(0, M_PI / 2 * x * x), term = x, sum = x;
    for (int n = 1; n < 120; n++) {
        term *= z / n;
        sum += term / (2 * n + 1);
        if (cabs(term) < 1e-17 * (2 * n + 1)) break;
    }
    return sum;
}

double complex mc_fresnel(double x)
{
    double a = fabs(x);
    double complex v;
    if (a < far) {
        v = near_zero(a);
    } else {
        // Abramowitz and Stegun 7.3.9, 7.3.10, 7.3.27 and 7.3.28
        double u = 1 / (M_PI * a * a), w = u * u;
        double f = (1 - w * (3 - w * (105 - w * 10395))) / (M_PI * a);
        double g = u * (1 - w * (15 - w * (945 - w * 135135))) / (M_PI * a);
        double quarter = a * a / 4; // turns
        double phase = 2 * M_PI * (quarter - floor(quarter));
        v = CMPLX(0.5 + f * sin(phase) - g * cos(phase), 0.5 - f * cos(phase) - g * sin(phase));
    }
    return x < 0 ? -v : v;
}
