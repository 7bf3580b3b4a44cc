// Tracks: possible bursts on their way from a candidate to a decision, and which of them explain
// which.
//
// A list belongs to one lane (one bit rate) and to one thread. Tracks move when one is added.
#ifndef BENCH_PHY_TRACK_H
#define BENCH_PHY_TRACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/phy/head.h"

enum phy_track_state {
    PHY_TRACK_WAITING, // for its head, or for a stronger track to be decided
    PHY_TRACK_HEARD,   // the head is there; waiting for the burst's end
    PHY_TRACK_BURST,   // decided, and a burst: explains weaker tracks around it
    PHY_TRACK_DEAD
};

struct phy_track {
    enum phy_track_state state;
    double begin; // stream samples: of the candidate's window, or of the burst once heard
    double end;   // of the burst, once heard, by the hypothesis that is tried next
    double f_hz;  // at `begin`
    double drift_hz_s;
    double score;
    double noise;
    int64_t second;     // found after so many bursts were taken out; 0: by the first search
    bool again;         // read once beside a stronger one; to be read again when that is gone
    int64_t removed;    // when it was taken out of the stream, counting those; 0: not
    int64_t blocked_at; // number of decisions at which a stronger track was in its way; 0: never
    double origin;      // stream sample of y[0]
    double origin_hz;   // what y was shifted by
    size_t n_hypotheses;
    size_t tried;    // how many of them
    size_t fallback; // the first that gave an unchecked burst; PHY_HEAD_HYPOTHESES: none
    struct phy_hypothesis hypotheses[PHY_HEAD_HYPOTHESES];
};

struct phy_tracks {
    double rate_hz; // of the stream
    double bit_rate;
    double symbol; // stream samples
    struct phy_track *list;
    size_t n;
    size_t cap;
};

// Whether something stronger is in a track's way.
enum phy_cover { PHY_COVER_NONE, PHY_COVER_PERHAPS, PHY_COVER_SURE };

void phy_tracks_init(struct phy_tracks *tracks, double rate_hz, double bit_rate);
void phy_tracks_deinit(struct phy_tracks *tracks);
FOX_CHECK int phy_tracks_add(struct phy_tracks *tracks, const struct phy_track *track,
                             struct err *err);
/// Drops what is dead, and bursts that ended before this stream sample.
void phy_tracks_forget(struct phy_tracks *tracks, double before);
/// Whether a track of `from` (the same list, or another bit rate's) explains `t`, which is one of
/// `own`.
enum phy_cover phy_tracks_cover(const struct phy_tracks *from, const struct phy_tracks *own,
                                const struct phy_track *t);

#endif
