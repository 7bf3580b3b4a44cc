// GFSK bursts for the transmitter: bits to complex samples. protocol.md section 7.3.
//
// Pure; the caller owns the buffer. Any thread. A burst is: a ramp of ramp_bits on the first bit's
// tone, the bits, a ramp on the last bit's tone. Bit k lasts from phy_gfsk_lead_s + k / bit_rate.
#ifndef BENCH_PHY_GFSK_H
#define BENCH_PHY_GFSK_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/bytes.h"
#include "bench/base/err.h"

#define PHY_GFSK_DOWNLINK_BIT_RATE     600.0
#define PHY_GFSK_DOWNLINK_DEVIATION_HZ 800.0
#define PHY_GFSK_DOWNLINK_BT           1.0

struct phy_gfsk_config {
    double rate_hz; // of the samples; any ratio to the bit rate
    double bit_rate;
    double deviation_hz; // bit 1: above the carrier, bit 0: below
    double bt;           // of the Gaussian filter
    double offset_hz;    // carrier, relative to the samples' centre
    double amplitude;    // of full scale, above 0 to 1
    double ramp_bits;    // 0: hard edges
};

/// Samples of a burst of n_bits, ramps included.
size_t phy_gfsk_samples(const struct phy_gfsk_config *config, size_t n_bits);
/// From the burst's first sample to the start of bit 0.
double phy_gfsk_lead_s(const struct phy_gfsk_config *config);
/// Appends the burst to out_iq as int16 pairs (I, Q). Bits are packed, most significant first.
/// ERR_INVALID says what is wrong with the configuration, ERR_LIMIT that out_iq is too small.
FOX_CHECK int phy_gfsk_modulate(const struct phy_gfsk_config *config, const uint8_t *bits_packed,
                                size_t n_bits, struct bytes *out_iq, struct err *err);

#endif
