// One burst out of the wideband stream: shifted to zero frequency, filtered, and sampled
// PHY_OVERSAMPLE times a symbol.
//
// Each output is one complex scalar product with the stream, around the input sample nearest to its
// instant. The taps come in many small shifts, so that the filter itself is centred on the instant:
// rounded to whole samples, a strong burst's timing would be worse than its noise. One thread.
#ifndef BENCH_PHY_EXTRACT_H
#define BENCH_PHY_EXTRACT_H

#include <stdbool.h>

#include "bench/phy/stream.h"

enum { PHY_OVERSAMPLE = 16 };

struct phy_extract {
    double rate_hz; // of the stream
    double bit_rate;
    size_t n_taps;        // odd
    size_t n_shifts;      // parts of a sample that the taps come in
    float *taps;          // n_shifts low-passes, sum 1 each
    float *mixed_re;      // the same, shifted to the frequency of the last use: each number
    float *mixed_im;      // twice
    float complex *mixer; // one turn a tap, for the frequency of the last use
    bool *is_mixed;       // which shifts the last use needed
    float complex *scratch[2];
    double energy; // sum of squared taps: noise gain
};

FOX_CHECK int phy_extract_init(struct phy_extract *x, double rate_hz, double bit_rate,
                               struct err *err);
void phy_extract_deinit(struct phy_extract *x);
/// Fills out[from] … out[to - 1]: sample k belongs to the stream's time `start` + (k + 0.5)
/// steps, a step being rate / (bit_rate * PHY_OVERSAMPLE). Phase counts from `start`.
void phy_extract_run(struct phy_extract *x, const struct phy_stream *stream, double start,
                     double f_hz, size_t from, size_t to, float complex *out);
/// Stream samples beyond an output's instant that it needs.
size_t phy_extract_reach(const struct phy_extract *x);

#endif
