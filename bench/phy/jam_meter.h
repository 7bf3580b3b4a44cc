// J/S out of one capture for jammers of any shape: the frame alone, the jammer alone, neither.
// Pure.
//
// The frame's power is that in its own narrow band, the jammer's is that in all of its band while
// it is on (jam_wave.h). All gates lie in the same samples at the same gain, so the ratio needs no
// calibration. One thread a call.
#ifndef BENCH_PHY_JAM_METER_H
#define BENCH_PHY_JAM_METER_H

#include <stddef.h>
#include <stdint.h>

#include "bench/phy/jam_wave.h"
#include "bench/phy/meter.h"

struct phy_jam_gates {
    double rate_hz;
    double f_hz;           // of both, relative to the samples' centre
    double signal_half_hz; // the frame's band reaches so far to either side
    struct phy_gate signal, jammer, noise;
};

struct phy_js {
    double js_db;
    double u_db;        // standard uncertainty, from the noise in the three gates
    double signal_dbfs; // without the noise
    double jammer_dbfs;
    double noise_dbfs; // in the band
};

/// `iq` are n samples of which the first has index `first`, as the gates count. Of the jammer's
/// gate whole periods of the wave are used. Errors as of phy_meter_gate, and ERR_CHECK: signal or
/// jammer not at least 3 dB above the noise in its band, so that there is nothing to compare.
FOX_CHECK int phy_jam_js(const struct phy_jam_wave *wave, const struct phy_jam_gates *gates,
                         const int16_t *iq, int64_t first, size_t n, struct phy_js *out,
                         struct err *err);

#endif
