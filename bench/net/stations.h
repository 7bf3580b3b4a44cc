// Several stations hear the same devices: their copies of a message become one, delivered exactly
// once. protocol.md sections 2.4 and 5; the catalogue's RES-RX3.
//
// Borrows a judge, which decides what is accepted and what is a repetition; nobody else may give it
// frames of these devices meanwhile. Owns its list of messages, of which it keeps the newest
// STATIONS_MESSAGES. Frames may come out of order between stations. One thread.
#ifndef BENCH_NET_STATIONS_H
#define BENCH_NET_STATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/net/judge.h"
#include "bench/net/monitor.h"

enum { STATIONS_MESSAGES = 256 };

/// One frame as one station heard it.
struct station_frame {
    unsigned station; // 0 … STATIONS_MAX - 1
    unsigned rank;    // 1 … 3
    const struct sfx_uplink *up;
    enum sfx_status status;
    double start_s;
    double end_s;
    double f_hz;
    double power_dbfs;
};

struct station_copy {
    uint8_t ranks; // bit rank - 1: this station heard that rank
    double start_s;
    double end_s;
    double f_hz;
    double power_dbfs; // of its strongest frame, which the fields above describe
    unsigned rank;
};

struct station_message {
    struct sfx_uplink up;
    double first_s;   // start of the frame that was accepted
    unsigned station; // that delivered it
    unsigned rank;
    unsigned copies; // frames heard, of all stations
    // The lowest rank that any station heard: it tells best when frame 1 ended.
    unsigned low_rank;
    double low_start_s, low_end_s;
    struct station_copy heard[STATIONS_MAX];
};

struct station_event {
    bool delivered; // the message is handed over now; at most once for each message
    struct judge_result judged;
    const struct station_message *message; // NULL when the frame belongs to none; valid until the
                                           // next call
};

struct stations;

/// n stations, 1 … STATIONS_MAX.
FOX_CHECK int stations_new(struct stations **out, struct judge *judge, unsigned n, struct err *err);
/// Accepts NULL.
void stations_free(struct stations *s);
FOX_CHECK int stations_hear(struct stations *s, const struct station_frame *frame,
                            struct station_event *out, struct err *err);
/// From now on this monitor (lent; NULL: none) sees every frame. What it blocks is judged BLOCKED
/// and not delivered, the frame that made it block included.
void stations_watch(struct stations *s, struct monitor *monitor);
/// How many of the kept messages are this device's with this counter: 1 when it was delivered
/// exactly once.
unsigned stations_delivered(const struct stations *s, uint32_t device_id, uint16_t counter);
/// Messages delivered since the start.
unsigned stations_total(const struct stations *s);
/// The station that heard this message best, of those in the bit mask; any other only where none of
/// these heard it.
unsigned stations_best(const struct station_message *message, unsigned among);

#endif
