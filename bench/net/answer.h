// One answer to one message: whether the network sends a downlink, from which station, when and at
// which frequency. Joins registry, stations, reply desk and judge. protocol.md sections 7.1
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
    unsigned station;             // that heard the message best
    struct reply_window window;   // from the lowest rank that any station heard
    double start_s;               // of the burst
    double f_hz;                  // from the sending station's own measure of the message
    struct sfx_downlink downlink; // with its tag
};

/// Decides about a message that the stations delivered. To be called when its frames have had time
/// to come, JUDGE_MERGE_S after the first: the window opens much later. The device must be
/// registered with its zone (ERR_INVALID). Where no burst fits any more, ERR_TIMEOUT or ERR_INVALID
/// as reply_start, and the payload stays on the desk.
FOX_CHECK int answer_plan(const struct judge *j, const struct station_message *message,
                          enum reply_when when, double earliest_s, double margin_s,
                          struct answer *out, struct err *err);

#endif
