// What the core network knows of one device: what was declared, where its counter stands, what
// waits for it, what was seen of it. One struct, shared by the judge, the downlink desk, the
// stations and the monitor. protocol.md section 5.
//
// Plain data without keys; the judge owns one for each device it knows. Pure functions over one
// device; times are sample times in seconds.
#ifndef BENCH_NET_REGISTRY_H
#define BENCH_NET_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/sfx/counter.h"
#include "bench/sfx/downlink.h"
#include "bench/sfx/uplink.h"
#include "bench/sfx/zone.h"

#define JUDGE_MERGE_S 8.0 // frames this close to a message's first are its repetitions, not replays

enum {
    STATIONS_MAX = 8,
    REGISTRY_KINDS_MAX = 8,                            // of anomalies
    REGISTRY_RECENT = 8,                               // messages kept whole
    REGISTRY_USED_BYTES = SFX_COUNTER_MODULUS_MAX / 8, // a bit for each counter
    REGISTRY_TIMES_MAX = SFX_MESSAGES_PER_DAY_MAX + 2, // of messages within a day, and one more
};

/// What the network can say of an authentic frame's counter, and of every other frame.
enum judge_verdict {
#define VERDICT(name, text) JUDGE_##name,
#include "bench/net/frame_verdict.def"
#undef VERDICT
};

/// What is declared of a device.
struct registry_facts {
    uint32_t id;
    unsigned modulus;            // 128, 256, 512, 1024, 2048 or 4096
    unsigned window;             // W of the acceptance rule
    unsigned messages_per_day;   // of the subscription
    double interval_s;           // longest pause between two messages; 0: none is declared
    const struct sfx_zone *zone; // NULL: not declared, no downlinks are planned
};

/// What the network remembers of an accepted message, to tell its repetitions from replays.
struct registry_message {
    bool used;
    double first_s;
    struct sfx_uplink up;
};

/// The downlink that waits for a device, and those it got; zeroed at first.
struct reply_desk {
    unsigned per_day; // downlinks in each 24 h of sample time; 0: without limit
    bool waiting;     // a payload waits
    uint8_t payload[SFX_DL_PAYLOAD];
    bool answered; // one has been sent …
    double answered_s;
    uint16_t answered_counter; // … for the message with this counter
    double day_start_s;
    unsigned today;
};

/// Times of accepted messages, newest last in a ring.
struct registry_times {
    double t_s[REGISTRY_TIMES_MAX];
    unsigned total;
};

/// What the monitor keeps of a device.
struct registry_watch {
    bool heard; // an authentic frame: …
    double last_start_s, last_end_s;
    unsigned last_station;
    struct sfx_uplink last;
    bool told[REGISTRY_KINDS_MAX]; // of an anomaly …
    double told_s[REGISTRY_KINDS_MAX];
};

struct registry_device {
    struct registry_facts facts;
    bool counter_known;
    uint16_t last;
    unsigned rollovers;                       // of the counter, as far as was heard
    double last_s;                            // when it was accepted
    double before_s;                          // when the one before it was
    struct registry_times messages, controls; // accepted
    bool silence_told;                        // since the last one
    uint8_t used[REGISTRY_USED_BYTES]; // counters accepted since the counter last passed them
    struct registry_message recent[REGISTRY_RECENT];
    unsigned next_recent;
    bool blocked; // by the monitor or the operator; only the operator undoes it
    struct reply_desk desk;
    struct registry_watch watch;
};

/// ACCEPTED, REPETITION, REPLAY or OUT_OF_WINDOW, for a message whose tag is right. Moves nothing.
enum judge_verdict registry_judge(const struct registry_device *d, const struct sfx_uplink *up,
                                  double t_s);
/// The message is accepted: its counter is the last one now.
void registry_accept(struct registry_device *d, const struct sfx_uplink *up, double t_s);
/// Whether the device had this counter since it last passed it.
bool registry_had(const struct registry_device *d, unsigned counter);
/// Operator's resynchronisation: forgets counters and messages; the next counter is accepted.
void registry_disengage(struct registry_device *d);

#endif
