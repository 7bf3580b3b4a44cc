#include "bench/phy/window.h"

#include <math.h>

double phy_window_kaiser(double position, double beta)
{
    // the modified Bessel function of order zero, by its series
    double x = beta * sqrt(fmax(0, 1 - position * position)), sum = 1, term = 1;
    for (int k = 1; k < 50; k++) {
        term *= (x / 2 / k) * (x / 2 / k);
        sum += term;
    }
    return sum;
}
