// What a strong burst hides: takes it out of the stream and searches around it once more.
//
// One thread.
#ifndef BENCH_PHY_HIDDEN_H
#define BENCH_PHY_HIDDEN_H

#include <stdbool.h>

#include "bench/base/err.h"
#include "bench/phy/head.h"
#include "bench/phy/receive.h"
#include "bench/phy/stream.h"

enum {
    PHY_HIDDEN_LEAD = 21,   // symbols before the burst from which on something is searched
    PHY_HIDDEN_WITHIN = 20, // bit rates on either side: what is hidden further away is 40 dB below
    PHY_HIDDEN_MAX = 512
};

struct phy_hidden_candidate {
    double begin; // stream sample of the detector's window
    double f_hz;
    double score;
    double noise; // variance of a noise sample of the stream
};

struct phy_hidden;

/// Of a stream of rate_hz in which low_hz … high_hz are of interest. patterns: lent for as long as
/// the struct lives.
FOX_CHECK int phy_hidden_new(struct phy_hidden **out, double rate_hz, double bit_rate,
                             double low_hz, double high_hz, const struct phy_patterns *patterns,
                             struct err *err);
/// Accepts NULL.
void phy_hidden_free(struct phy_hidden *h);
/// Takes the burst (on the stream's clock and centre) out of the stream. False, and the stream
/// stays as it is, when something much stronger is too near.
bool phy_hidden_take_out(struct phy_hidden *h, struct phy_stream *stream,
                         const struct phy_burst *burst);
/// Searches around a burst that was taken out. Candidates go to out[PHY_HIDDEN_MAX]; returns how
/// many.
FOX_CHECK int phy_hidden_search(struct phy_hidden *h, const struct phy_stream *stream,
                                const struct phy_burst *burst, struct phy_hidden_candidate *out,
                                struct err *err);

#endif
