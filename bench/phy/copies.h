// Copies of a burst that nobody sent: images of an unbalanced receiver, odd-order products of a
// clipping one, the same burst read twice. They carry the burst's own bits (s * s * s = s).
//
// Pure functions over found bursts of one stream; times and frequencies are the stream's.
#ifndef BENCH_PHY_COPIES_H
#define BENCH_PHY_COPIES_H

#include "bench/phy/lane.h"

// The stream that they were found in.
struct phy_copies {
    double stream_rate_hz;
    double lo_hz;   // the radio's oscillator, on the stream's frequencies
    double rate_hz; // of the radio: products fold about it
};

/// Whether `f` is nothing of its own beside `other`: a copy of it, or the same burst read twice.
bool phy_copies_is_ghost(const struct phy_copies *c, const struct phy_found *f,
                         const struct phy_found *other);
/// Whether `f` is an image or a product of `other`, far enough from it to be told as one.
bool phy_copies_is_copy(const struct phy_copies *c, const struct phy_found *f,
                        const struct phy_found *other);
/// Whether `f` is `other` mirrored about a stronger burst, one of n: clipping makes that.
bool phy_copies_is_mixed(const struct phy_copies *c, const struct phy_found *f,
                         const struct phy_found *other, const struct phy_found *strong, size_t n);
/// Says what `f` is to `other`.
struct phy_copy phy_copies_describe(const struct phy_copies *c, const struct phy_found *f,
                                    const struct phy_found *other);

#endif
