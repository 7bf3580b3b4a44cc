// The confirmation of a downlink: one control frame of rank 1, 1.4 … 4.0 s after the downlink, with
// the counter value after the request's. protocol.md sections 2.5 and 7.1. Pure.
#ifndef BENCH_NET_CONFIRM_H
#define BENCH_NET_CONFIRM_H

#include "bench/base/err.h"
#include "bench/net/judge.h"
#include "bench/sfx/control.h"

#define CONFIRM_TOLERANCE_S 0.1 // assumed, on both ends

enum confirm_verdict {
#define CONFIRM(name, text) CONFIRM_##name,
#include "bench/net/confirm.def"
#undef CONFIRM
};

/// The downlink that was sent.
struct confirm_expect {
    uint32_t device_id;
    uint16_t counter; // of the request
    unsigned modulus; // of the device's counter
    double sent_s;    // sample time of the burst's end
};

struct confirm_result {
    enum confirm_verdict verdict;
    double delay_s;          // end of the downlink to start of this frame; of confirmations only
    unsigned counter_step;   // from the request's counter; 1 is right
    struct sfx_control body; // of confirmations only
};

/// Judges a frame that decoded, with what judge_frame said of it and the sample time of its start.
void confirm_frame(const struct confirm_expect *expect, const struct sfx_uplink *up, unsigned rank,
                   const struct judge_result *judged, double start_s, double tolerance_s,
                   struct confirm_result *out);
/// "confirmed", "other" … and the sentence of confirm.def.
const char *confirm_verdict_name(enum confirm_verdict verdict);
const char *confirm_verdict_text(enum confirm_verdict verdict);

#endif
