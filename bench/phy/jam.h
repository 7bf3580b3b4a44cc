// Waveforms of jammers, for the transmitter. Pure; the caller owns the buffer. Any thread.
#ifndef BENCH_PHY_JAM_H
#define BENCH_PHY_JAM_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/bytes.h"
#include "bench/base/err.h"

struct phy_jam_config {
    double rate_hz;
    double offset_hz; // from the samples' centre
    double amplitude; // of full scale, above 0 to 1
    double ramp_s;    // soft edge at either end, inside the n samples
};

/// Appends n samples of an unmodulated carrier to out_iq as int16 pairs (I, Q). ERR_INVALID says
/// what is wrong with the configuration, ERR_LIMIT that out_iq is too small.
FOX_CHECK int phy_jam_cw(const struct phy_jam_config *config, size_t n, struct bytes *out_iq,
                         struct err *err);

#endif
