// The power of a recording over time and frequency, as a matrix in dB. Pure.
//
// The caller owns all buffers. Any thread.
#ifndef BENCH_PHY_SPECTROGRAM_H
#define BENCH_PHY_SPECTROGRAM_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct phy_spectrogram_config {
    double rate_hz; // of the samples
    double low_hz;  // band shown, relative to the samples' centre, inside +-rate / 2
    double high_hz;
    size_t columns; // frequency, low to high
    size_t rows;    // time, first to last
};

/// Fills out[rows * columns], row by row: mean power in dB of each cell, where 0 dB is a
/// constant-envelope signal at full scale (IQ_FULL_SCALE_RX) within one column's bandwidth. iq:
/// 2 * n values. ERR_INVALID says what is wrong with the configuration or the length.
FOX_CHECK int phy_spectrogram(const struct phy_spectrogram_config *config, const int16_t *iq,
                              size_t n, float *out, struct err *err);

#endif
