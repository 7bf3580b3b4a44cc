// Power in a band of a stretch of samples, or of a gate: a stretch of a longer capture. Pure.
//
// One thread a call. 0 dBFS is a constant envelope at full scale (IQ_FULL_SCALE_RX). dsp.md
// section 7.
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

/// Power of n samples (int16 I, Q). ERR_INVALID says what is wrong with band or length.
FOX_CHECK int phy_meter_power(const struct phy_meter_config *config, const int16_t *iq, size_t n,
                              struct phy_power *out, struct err *err);
/// The same of a gate. `iq` are n samples of which the first has index `first`, as the gate counts;
/// `name` stands in the errors. ERR_INVALID: the gate lies outside the samples, is too short, or
/// clipped.
FOX_CHECK int phy_meter_gate(const struct phy_meter_config *config, const int16_t *iq,
                             int64_t first, size_t n, const struct phy_gate *gate, const char *name,
                             struct phy_power *out, struct err *err);

#endif
