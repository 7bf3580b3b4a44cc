// What every transmit waveform shares: soft edges, and rounding to the converter's words. Pure.
#ifndef BENCH_PHY_SHAPE_H
#define BENCH_PHY_SHAPE_H

#include <complex.h>
#include <math.h>
#include <stdint.h>

#include "bench/phy/iq.h"

/// Envelope (0 … 1) at time t of a burst that lasts from 0 to end: raised-cosine edges of length
/// `ramp`, so that switching on and off is not heard beside the channel. One unit for all three.
static inline double phy_shape_envelope(double t, double end, double ramp)
{
    double edge = fmin(t, end - t);
    if (edge >= ramp) return edge < 0 ? 0 : 1;
    return edge <= 0 ? 0 : 0.5 - 0.5 * cos(M_PI * edge / ramp);
}

/// One sample; magnitude 1 is full scale.
static inline void phy_shape_put(int16_t *iq, double complex x)
{
    iq[0] = (int16_t)lrint(creal(x) * IQ_FULL_SCALE_TX);
    iq[1] = (int16_t)lrint(cimag(x) * IQ_FULL_SCALE_TX);
}

#endif
