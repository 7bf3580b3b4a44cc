// Deviations beyond the catalogue (strange.def): what the device has lived through, on which they
// depend, and the decisions that are more than a question.
//
// A plain value inside struct device; all off without such a fault. One thread.
#ifndef DUT_FIRMWARE_STRANGE_H
#define DUT_FIRMWARE_STRANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/sfx/downlink.h"
#include "bench/sfx/uplink.h"
#include "dut/firmware/counter.h"

struct device;
struct downlink_window;
struct judge_input;

// Kept over restarts.
enum strange_note {
    STRANGE_NOTE_RESTARTS,       // since the last message
    STRANGE_NOTE_ENCRYPTION_OFF, // switched off in a laboratory session
    STRANGE_NOTE_PUBLIC_KEY,     // chosen in a laboratory session
    STRANGE_NOTES
};

struct strange {
    struct record record;
    uint8_t notes[RECORD_BODY_MAX];
    enum counter_boot cause;   // of the restart
    unsigned messages;         // since the restart, without confirmations
    unsigned windows;          // since the restart, with the one that is open
    bool trusts;               // a genuine downlink has come since the restart
    size_t asked_len;          // payload of the newest message
    int64_t opens_ns, ends_ns; // of the window
    int64_t heard_ns;          // end of the frame to be judged
    double heard_mw;           // and how strong it is
    bool is_low;               // the supply, when the newest message was begun
    unsigned wrong;            // downlinks with wrong tags in the window
    uint8_t last_wrong[SFX_DL_FRAME];
    int64_t wakes_ns; // a keep-alive that nobody asked for
};

void strange_boot(struct device *d, enum counter_boot cause);
void strange_note(struct device *d, enum strange_note note, uint8_t value);
/// A message is begun, before its counter is taken.
void strange_message_begins(struct device *d);
void strange_message_sent(struct device *d);
void strange_window_opens(struct device *d, const struct downlink_window *window);
/// A downlink with a good CRC and a wrong tag was refused.
void strange_refused(struct device *d, const uint8_t data[SFX_DL_FRAME], const uint8_t payload[]);
/// Whether a frame with a wrong tag counts.
bool strange_takes(const struct device *d, const struct judge_input *in,
                   const struct sfx_downlink *frame);
/// Whether downlinks for `from` to `to` counters before the request's count.
bool strange_takes_older(const struct device *d, unsigned *from, unsigned *to);
/// What the tag covers, and what the keystream is made for.
void strange_cover(const struct strange *s, const struct faults *faults,
                   struct sfx_uplink *covered);
bool strange_leaves_clear(const struct strange *s, const struct faults *faults,
                          const struct sfx_uplink *up);
void strange_seen(const struct strange *s, const struct faults *faults, struct sfx_uplink *seen);
/// Puts back what of the payload stays in clear.
void strange_uncover(const struct faults *faults, const uint8_t clear[], struct sfx_uplink *up);

#endif
