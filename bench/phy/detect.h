// Finds preambles: where in time and frequency a burst may begin.
//
// An alternating preamble under differential keying is a square wave of a quarter of the bit rate:
// two lines at the carrier +- bit rate / 4. Every few symbols one transform looks at a preamble's
// length of stream and compares the two lines' sum with the noise around them. One thread; the
// result depends on the stream alone.
#ifndef BENCH_PHY_DETECT_H
#define BENCH_PHY_DETECT_H

#include <complex.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

enum { PHY_DETECT_SYMBOLS = 21, PHY_DETECT_HOP_SYMBOLS = 6, PHY_CANDIDATES_MAX = 64 };

struct phy_candidate {
    int64_t frame; // number of the transform: its window begins at frame * hop
    double f_hz;   // carrier
    double score;  // two-line statistic, in noise powers
    double noise;  // variance of a noise sample of the stream around f_hz
};

struct phy_detector;

/// Searches low_hz … high_hz of a stream of rate_hz.
FOX_CHECK int phy_detector_new(struct phy_detector **out, double rate_hz, double bit_rate,
                               double low_hz, double high_hz, struct err *err);
/// Accepts NULL.
void phy_detector_free(struct phy_detector *d);
/// Stream samples of one window, and between the beginnings of two.
size_t phy_detector_window(const struct phy_detector *d);
size_t phy_detector_hop(const struct phy_detector *d);
/// Looks at the next window. Candidates of the window before (a peak needs both neighbours) go to
/// out[PHY_CANDIDATES_MAX], strongest first; returns how many.
size_t phy_detector_step(struct phy_detector *d, const float complex *window,
                         struct phy_candidate *out);

#endif
