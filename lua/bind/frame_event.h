// A received frame as the `uplink` event of the ledger, with the network's verdict on it.
#ifndef LUA_BIND_FRAME_EVENT_H
#define LUA_BIND_FRAME_EVENT_H

#include "bench/air/receive.h"
#include "bench/base/json.h"
#include "bench/net/judge.h"

struct frame_event_context {
    const char *unit; // the radio's
    int64_t t0;       // sample time of the receiver's first sample
    double rate_hz;
    double lo_hz;        // centre of the samples
    struct judge *judge; // its device's counter moves on
};

/// New event without "t"; NULL with err set.
struct jval *frame_event(const struct frame_event_context *c, const struct air_frame *f,
                         struct err *err);

#endif
