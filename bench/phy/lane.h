// One bit rate's receiver over the shared stream: candidates become tracks, tracks become bursts.
//
// A track waits until its head can be read, then until its burst has ended. Sidelobes of a strong
// burst raise candidates of their own, so a track waits for any stronger one that could explain it.
// One thread; all decisions depend on the stream alone, never on when it is looked at.
#ifndef BENCH_PHY_LANE_H
#define BENCH_PHY_LANE_H

#include <stdint.h>

#include "bench/base/err.h"
#include "bench/phy/receive.h"
#include "bench/phy/stream.h"

struct phy_lane_config {
    double rate_hz; // of the stream
    double bit_rate;
    double low_hz; // relative to the stream's centre
    double high_hz;
    const struct phy_receive_config *receive; // lent for as long as the lane lives
};

// A decided burst on the stream's clock; start_sample and frequencies of `burst` count in stream
// samples and from the stream's centre.
struct phy_found {
    struct phy_burst burst;
    double end_sample;
};

struct phy_lane;

FOX_CHECK int phy_lane_new(struct phy_lane **out, const struct phy_lane_config *config,
                           struct err *err);
/// Accepts NULL.
void phy_lane_free(struct phy_lane *lane);
/// Two lanes of one stream: the one's bursts explain the other's candidates. Each lends itself to
/// the other for as long as both live.
void phy_lane_join(struct phy_lane *a, struct phy_lane *b);
/// Stream samples that must be kept for it.
size_t phy_lane_keep(const struct phy_lane *lane);
/// Stream samples after `last` (the last that ever came) that must be appended to end everything.
size_t phy_lane_flush(const struct phy_lane *lane);
/// Goes on as far as the stream allows; `last` is where real samples end (INT64_MAX: not known).
FOX_CHECK int phy_lane_advance(struct phy_lane *lane, struct phy_stream *stream, int64_t last,
                               struct err *err);
/// The next decided burst; not yet in order of time.
bool phy_lane_next(struct phy_lane *lane, struct phy_found *out);
/// phy_lane_next gives nothing new before the stream goes beyond this sample.
int64_t phy_lane_quiet(const struct phy_lane *lane);
/// Every burst that ended before this stream sample has been given out by phy_lane_next.
int64_t phy_lane_settled(const struct phy_lane *lane);

#endif
