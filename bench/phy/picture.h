// Two pictures of a burst, as PNG with title, axes and units: its spectrogram, and the phase of its
// symbols over their time.
//
// Pure; the caller owns everything. Any thread. Same samples, same bytes, in one build. What it
// costs is nearly all the way down from the radio's rate, which the two share.
#ifndef BENCH_PHY_PICTURE_H
#define BENCH_PHY_PICTURE_H

#include "bench/base/bytes.h"
#include "bench/phy/measure.h"

enum { PHY_PICTURE_SIZE_MAX = 1 << 20 };

// What the samples do not tell.
struct phy_picture_about {
    const char *title; // what burst it is, up to 64 characters
    double f_hz;       // absolute frequency of the burst's start
    double start_s;    // on the run's clock
};

/// Appends a PNG to each. iq, burst and config as of phy_measure; PHY_MEASURE_SIDE symbols on
/// either side are shown where there are samples of them. *phase stays empty (may be NULL: not
/// wanted) when the phase cannot be followed, as where the burst is not what `burst` says.
FOX_CHECK int phy_picture(const struct phy_measure_config *config, const int16_t *iq, size_t n,
                          const struct phy_measure_burst *burst,
                          const struct phy_picture_about *about, struct bytes *spectrogram,
                          struct bytes *phase, struct err *err);

#endif
