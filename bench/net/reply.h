// The downlink side of the emulated core network: whether a message is answered, when, and at which
// frequency. protocol.md sections 7.1 and 7.2.
//
// Pure. The desk is part of the registry's entry of a device. Times are sample times in seconds,
// frequencies absolute.
#ifndef BENCH_NET_REPLY_H
#define BENCH_NET_REPLY_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/net/judge.h"
#include "bench/sfx/downlink.h"
#include "bench/sfx/zone.h"

#define REPLY_MARGIN_S 0.1 // kept from both edges of a window: the assumed tolerance on them
#define REPLY_DAY_S    86400.0

/// One received frame of a message that asks for a downlink, whichever of the three it is.
struct reply_request {
    const struct sfx_zone *zone;
    unsigned rank; // 1 … 3
    double start_s;
    double end_s; // of the last symbol
    double f_hz;
};

struct reply_window {
    // The end of frame 1. Where carrier sensing may have stretched the gaps before the frame that
    // was heard, it lies anywhere between the two; else they are equal.
    double frame1_end_min_s;
    double frame1_end_max_s;
    double open_s; // a burst between these two is in the window wherever frame 1 ended
    double close_s;
    double frame1_hz;
    double downlink_hz;
    bool in_band; // frame 1 lies inside the band, where this frequency rule is known to hold
};

/// ERR_INVALID for a rank that does not exist or a frame that ends before it starts.
FOX_CHECK int reply_window(const struct reply_request *request, struct reply_window *out,
                           struct err *err);

enum reply_when { REPLY_EARLIEST, REPLY_MIDDLE, REPLY_LATEST };

/// Start of a burst that lies in the window wholly, `margin_s` away from its edges. Not before
/// `earliest_s`, the first moment the transmitter can still reach: later than the wish where it has
/// to be, ERR_TIMEOUT when it no longer fits, ERR_INVALID when the margin leaves no room at all.
FOX_CHECK int reply_start(const struct reply_window *w, enum reply_when when, double earliest_s,
                          double margin_s, double *start_s, struct err *err);

enum reply_decision {
#define REPLY(name, text) REPLY_##name,
#include "bench/net/reply.def"
#undef REPLY
};

/// Puts a payload where the next request finds it; one that still waits is replaced.
void reply_desk_put(struct reply_desk *d, const uint8_t payload[SFX_DL_PAYLOAD]);
/// Decides about one judged frame. REPLY_SEND takes the payload off the desk and fills *out: ID,
/// counter and payload; judge_sign_downlink makes the tag.
enum reply_decision reply_decide(struct reply_desk *d, const struct sfx_uplink *up,
                                 const struct judge_result *judged, double t_s,
                                 struct sfx_downlink *out);
/// "send", "not_asked" … and the sentence of reply.def.
const char *reply_decision_name(enum reply_decision decision);
const char *reply_decision_text(enum reply_decision decision);

#endif
