// A received frame as the `uplink` event of the ledger, and the network's verdict in it.
#ifndef LUA_BIND_FRAME_EVENT_H
#define LUA_BIND_FRAME_EVENT_H

#include "bench/air/receive.h"
#include "bench/base/json.h"
#include "bench/net/judge.h"

struct frame_event_context {
    const char *unit; // the radio's
    int64_t t0;       // sample time of the receiver's first sample
    double rate_hz;
    double lo_hz; // centre of the samples
};

/// New event without "t" and verdict; NULL with err set.
struct jval *frame_event(const struct frame_event_context *c, const struct air_frame *f,
                         struct err *err);
FOX_CHECK int frame_event_judge(struct jval *event, const struct judge_result *judged,
                                struct err *err);

#endif
