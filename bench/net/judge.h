// The core network in the small: registered devices with their keys, and a verdict on every frame.
// protocol.md 4 and 5.
//
// A judge owns copies of the keys that it is given and forgets them in judge_free; a key in a token
// is lent and outlives it. It owns the registry: one struct registry_device for each device. Time
// is sample time in seconds, passed in. One thread.
#ifndef BENCH_NET_JUDGE_H
#define BENCH_NET_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/secret.h"
#include "bench/net/registry.h"
#include "bench/sfx/downlink.h"
#include "bench/sfx/uplink.h"

struct judge_device {
    uint32_t id;
    const struct secret *key; // copied; NULL: the key lies in `token`
    struct token_key *token;  // lent
    unsigned modulus;         // 128, 256, 512, 1024, 2048 or 4096
    unsigned window;          // W of the acceptance rule; 0: max(3 x messages per day, 20)
    // What is declared beside; all may be 0.
    unsigned messages_per_day;   // 0: 140
    unsigned downlinks_per_day;  // 0: without limit
    double interval_s;           // longest pause between two messages; 0: none
    const struct sfx_zone *zone; // lent
};

// How many words frame_status.def has.
enum {
    JUDGE_STATUSES = 0
#define STATUS(name, text) +1
#include "bench/sfx/frame_status.def"
#undef STATUS
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
/// How many frames came with this status since the judge was made, whoever sent them; SFX_STATUS_OK
/// counts the well-formed ones.
unsigned judge_count(const struct judge *j, enum sfx_status status);
/// Operator's resynchronisation: the next counter is accepted whatever it is.
FOX_CHECK int judge_disengage(struct judge *j, uint32_t id, struct err *err);
/// While blocked, every frame of this device is judged BLOCKED and its counter stays. Only the
/// operator takes a block back; what the device sent meanwhile counts as lost.
FOX_CHECK int judge_block(struct judge *j, uint32_t id, bool blocked, struct err *err);
/// Puts back what stands in a record as accepted, in its order: 1, 0 for a device that is not
/// registered, ERR_FORMAT when the device's key did not make it.
FOX_CHECK int judge_restore(struct judge *j, const struct sfx_uplink *up, double t_s,
                            struct err *err);
/// The registry's entry; NULL: there is none. Valid while the judge lives.
struct registry_device *judge_device(const struct judge *j, uint32_t id);
/// One after another; NULL beyond the last.
struct registry_device *judge_device_at(const struct judge *j, size_t index);
/// Signs a downlink with the key of the device it is addressed to.
FOX_CHECK int judge_sign_downlink(const struct judge *j, struct sfx_downlink *dl, struct err *err);
/// "accepted", "bad_tag", …
const char *judge_verdict_name(enum judge_verdict v);
const char *judge_verdict_text(enum judge_verdict v);

#endif
