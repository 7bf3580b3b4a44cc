// Fresnel's integrals: what a tone that sweeps through a symbol leaves in it. Pure.
#ifndef BENCH_MC_FRESNEL_H
#define BENCH_MC_FRESNEL_H

#include <complex.h>

/// C(x) + i S(x), the integral of exp(i pi t^2 / 2) from 0 to x; to 1e-7 or better.
double complex mc_fresnel(double x);

#endif
