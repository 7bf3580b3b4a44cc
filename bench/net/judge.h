// The core network in the small: registered devices with their keys, and a verdict on every frame.
// protocol.md 4 and 5.
//
// A judge owns copies of the keys that it is given and forgets them in judge_free; a key in a token
// is lent and outlives it. Time is sample time in seconds,
// passed in. One thread.
#ifndef BENCH_NET_JUDGE_H
#define BENCH_NET_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/secret.h"
#include "bench/sfx/downlink.h"
#include "bench/sfx/uplink.h"

#define JUDGE_MERGE_S 8.0 // frames this close to a message's first are its repetitions, not replays

enum judge_verdict {
#define VERDICT(name, text) JUDGE_##name,
#include "bench/net/frame_verdict.def"
#undef VERDICT
};

struct judge_device {
    uint32_t id;
    const struct secret *key; // copied; NULL: the key lies in `token`
    struct token_key *token;  // lent
    unsigned modulus;         // 128, 256, 512, 1024, 2048 or 4096
    unsigned window; // W of the acceptance rule; 0: max(3 x messages per day, 20) with 140 a day
};

struct judge;

FOX_CHECK int judge_new(struct judge **out, struct err *err);
void judge_free(struct judge *j);
FOX_CHECK int judge_register(struct judge *j, const struct judge_device *device, struct err *err);

struct judge_result {
    enum judge_verdict verdict;
    bool tag_ok;        // meaningful unless MALFORMED or UNKNOWN_DEVICE
    bool counter_known; // the device had an accepted counter before this frame
    uint16_t last_counter;
    int counter_step; // (counter - last) modulo the modulus; 0 when not counter_known
};

/// Judges one frame and, when it is ACCEPTED, moves the device's counter. `status` is what the
/// decoder said.
FOX_CHECK int judge_frame(struct judge *j, const struct sfx_uplink *up, enum sfx_status status,
                          double t_s, struct judge_result *out, struct err *err);
/// Operator's resynchronisation: the next counter is accepted whatever it is.
FOX_CHECK int judge_disengage(struct judge *j, uint32_t id, struct err *err);
/// Signs a downlink with the key of the device it is addressed to.
FOX_CHECK int judge_sign_downlink(const struct judge *j, struct sfx_downlink *dl, struct err *err);
/// "accepted", "bad_tag", …
const char *judge_verdict_name(enum judge_verdict v);
const char *judge_verdict_text(enum judge_verdict v);

#endif
