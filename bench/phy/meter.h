// Power in a band of a stretch of samples, and jammer to signal out of stretches (gates) of one
// capture: one with the signal alone, one with the jammer alone, one with neither. Pure.
//
// All gates lie in the same samples at the same gain, so the ratio needs no calibration. One thread
// a call. 0 dBFS is a constant envelope at full scale (IQ_FULL_SCALE_RX). dsp.md section 7.
#ifndef BENCH_PHY_METER_H
#define BENCH_PHY_METER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct phy_meter_config {
    double rate_hz;
    double low_hz, high_hz; // band, relative to the samples' centre, inside +-rate / 2
};

struct phy_power {
    double dbfs;  // in the band
    double looks; // independent values it is the mean of: bandwidth x time
    bool clipped; // a sample at full scale: the figure is void
};

struct phy_gate {
    int64_t first; // sample
    size_t n;
};

struct phy_js {
    double js_db;
    double u_db;        // standard uncertainty, from the noise in the three gates
    double signal_dbfs; // without the noise
    double jammer_dbfs;
    double noise_dbfs; // in the band
};

/// Power of n samples (int16 I, Q). ERR_INVALID says what is wrong with band or length.
FOX_CHECK int phy_meter_power(const struct phy_meter_config *config, const int16_t *iq, size_t n,
                              struct phy_power *out, struct err *err);
/// J/S. `iq` are n samples of which the first has index `first`, as the gates count. ERR_INVALID: a
/// gate outside the samples or too short, or clipped; ERR_CHECK: signal or jammer not at least 3 dB
/// above the noise in its gate, so that there is nothing to compare.
FOX_CHECK int phy_meter_js(const struct phy_meter_config *config, const int16_t *iq, int64_t first,
                           size_t n, const struct phy_gate *signal, const struct phy_gate *jammer,
                           const struct phy_gate *noise, struct phy_js *out, struct err *err);

#endif
