// One answer to one message: whether the network sends a downlink, from which station, when and at
// which frequency. Joins registry, stations and reply desk. protocol.md sections 7.1
// and 7.2.
//
// Pure but for the desk in the registry, from which the payload is taken. Times are sample times in
// seconds.
#ifndef BENCH_NET_ANSWER_H
#define BENCH_NET_ANSWER_H

#include "bench/base/err.h"
#include "bench/net/reply.h"
#include "bench/net/stations.h"

struct answer {
    enum reply_decision decision;
    // Of a SEND alone:
    unsigned station;             // that sends: of the senders the one that heard the message best
    struct reply_window window;   // from the lowest rank that any station heard, its frequencies
                                  // from the sending station's own measure where it heard one
    double start_s;               // of the burst
    struct sfx_downlink downlink; // without its tag: encryption may come first
};

/// Decides about a message that the stations delivered; `senders` is the bit mask of those that can
/// send. The more of its frames have come, the better is the choice; the first is enough, since the
/// window opens much later. The device must be registered with its zone (ERR_INVALID). Where no
/// burst fits any more, ERR_TIMEOUT or ERR_INVALID as reply_start, and the payload stays on the
/// desk. judge_sign_downlink makes the tag.
FOX_CHECK int answer_plan(const struct judge *j, const struct station_message *message,
                          unsigned senders, enum reply_when when, double earliest_s,
                          double margin_s, struct answer *out, struct err *err);

#endif
