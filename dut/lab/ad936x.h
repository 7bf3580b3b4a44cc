// The arithmetic of the AD936x chips: which rates and frequencies they can make.
//
// Pure functions, after the Linux driver: integers of its clock framework, rounding included.
#ifndef DUT_LAB_AD936X_H
#define DUT_LAB_AD936X_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/err.h"

struct ad936x_rates {
    int64_t bbpll, adc, r2, r1, rf, rxsamp; // receive path, as rx_path_rates prints it
    int64_t dac, t2, t1, tf, txsamp;        // transmit path
};

/// The rates nearest to `rate`, asked with or without the decimating FIR filter. False when the
/// converters cannot go that low or high.
bool ad936x_rates(int64_t rate, bool fir, int64_t xo_hz, struct ad936x_rates *out);
/// The LO frequency that results from asking for hz.
int64_t ad936x_lo(int64_t hz, int64_t xo_hz);
/// Range of the receive gain at an LO frequency, in dB.
void ad936x_rx_gain_range(int64_t lo_hz, int *min_db, int *max_db);

#endif
