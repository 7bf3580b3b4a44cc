// Takes a decided burst out of the stream, so that what it hid can be found.
//
// The burst's own average transitions, with and without a phase change, are its pulse shape: no
// shape is assumed. One thread.
#ifndef BENCH_PHY_SUBTRACT_H
#define BENCH_PHY_SUBTRACT_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"
#include "bench/phy/demod.h"
#include "bench/phy/extract.h"
#include "bench/phy/stream.h"

struct phy_subtract {
    double symbol; // stream samples
    size_t fine;   // samples a symbol of the copy that the shape is taken from
    struct phy_extract extract;
    float complex *copy;  // of the burst, without its frequency and drift
    float complex *shape; // 2 * (fine + 1): around an unchanged symbol boundary, around a flip
    float complex gain[PHY_SYMBOLS_MAX];
};

struct phy_subtract_burst {
    double start; // stream sample of the reference symbol
    double f_hz;  // at start
    double drift_hz_s;
    size_t n_symbols;
    float sign[PHY_SYMBOLS_MAX];
};

FOX_CHECK int phy_subtract_init(struct phy_subtract *x, double rate_hz, double bit_rate,
                                struct err *err);
/// Accepts a zeroed struct.
void phy_subtract_deinit(struct phy_subtract *x);
/// The burst and a symbol on either side of it must still be in the stream. False, and nothing is
/// changed, when something much stronger is so near that the burst's shape cannot be told.
bool phy_subtract_run(struct phy_subtract *x, struct phy_stream *stream,
                      const struct phy_subtract_burst *burst);

#endif
