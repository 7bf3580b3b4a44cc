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
struct downlink;
struct downlink_window;
struct judge_input;

// Kept over restarts.
enum strange_note {
    STRANGE_NOTE_RESTARTS,       // since the last message
    STRANGE_NOTE_ENCRYPTION_OFF, // switched off in a laboratory session
    STRANGE_NOTE_PUBLIC_KEY,     // chosen in a laboratory session
    STRANGE_NOTE_PUBLIC_DOWN,    // the same, for downlinks
    STRANGE_NOTE_ALL_RESTARTS,   // whatever came between them
    STRANGE_NOTES
};

struct strange {
    struct record record;
    uint8_t notes[RECORD_BODY_MAX];
    enum counter_boot cause;          // of the restart
    unsigned messages;                // since the restart, without confirmations
    unsigned windows;                 // since the restart, with the one that is open
    bool trusts;                      // a genuine downlink has come since the restart
    size_t asked_len;                 // payload of the newest message
    int64_t opens_ns, ends_ns;        // of the window
    int64_t heard_ns;                 // end of the frame to be judged
    double heard_mw;                  // and how strong it is
    bool is_low;                      // the supply, when the newest message was begun
    bool in_field;                    // the lab-enable line was low then
    bool answered;                    // the newest message was, and none has come since
    bool line_refused;                // a command line was, and no message has come since
    int64_t sent_ns;                  // the newest message, or the restart
    uint8_t payload[SFX_PAYLOAD_MAX]; // of the newest message of bytes
    unsigned wrong;                   // downlinks with wrong tags in the window
    uint8_t last_wrong[SFX_DL_FRAME];
    int64_t wakes_ns;   // a keep-alive that nobody asked for
    int64_t listens_ns; // though nobody asked for a downlink
    bool unasked;       // it listens so
};

void strange_boot(struct device *d, enum counter_boot cause);
void strange_note(struct device *d, enum strange_note note, uint8_t value);
/// A message is begun, before its counter is taken.
void strange_message_begins(struct device *d);
void strange_message_sent(struct device *d);
/// A downlink was taken, and is confirmed.
void strange_answered(struct device *d);
/// A command line was refused; whether it was too long to be taken in.
void strange_line_refused(struct device *d, bool too_long);
/// A key was chosen in a laboratory session.
void strange_key_chosen(struct device *d, bool public_key);
void strange_factory_reset(struct device *d);
/// The body of a control message, before it is built.
void strange_control(const struct device *d, struct sfx_uplink *up,
                     const struct downlink *confirmed);
/// Listens before the window or behind it, to anybody: whether something was taken.
bool strange_listens_beside(struct device *d, const struct downlink_window *window, bool before,
                            struct downlink *answer);
/// The time for listening unasked has come: what was taken is told and confirmed.
void strange_listen(struct device *d);
/// The payload on its way to the host.
void strange_handed(const struct device *d, uint8_t payload[SFX_DL_PAYLOAD]);
void strange_window_opens(struct device *d, const struct downlink_window *window);
/// A downlink with a good CRC and a wrong tag was refused.
void strange_refused(struct device *d, const uint8_t data[SFX_DL_FRAME], const uint8_t payload[]);
/// Whether a frame with a wrong tag counts.
bool strange_takes(const struct device *d, const struct judge_input *in,
                   const struct sfx_downlink *frame);
/// Whether downlinks for `from` to `to` counters before the request's count; below 0: after it.
bool strange_takes_older(const struct device *d, int *from, int *to);
/// What the tag covers, and what the keystream is made for.
void strange_cover(const struct strange *s, const struct faults *faults,
                   struct sfx_uplink *covered);
bool strange_leaves_clear(const struct strange *s, const struct faults *faults,
                          const struct sfx_uplink *up);
void strange_seen(const struct strange *s, const struct faults *faults, struct sfx_uplink *seen);
/// Puts back what of the payload stays in clear.
void strange_uncover(const struct faults *faults, const uint8_t clear[], struct sfx_uplink *up);

#endif
