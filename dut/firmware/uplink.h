// Sending one message: counter, frames, frequencies, gaps, and for a downlink request the window
// and the confirmation of what came in it.
//
// Blocks, in the lab's time, until all that is over. protocol.md 5, 7.1 and 8.
#ifndef DUT_FIRMWARE_UPLINK_H
#define DUT_FIRMWARE_UPLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/sfx/uplink.h"
#include "dut/firmware/downlink.h"

struct device;

struct uplink_request {
    enum sfx_message_type type; // EMPTY, BIT0, BIT1, BYTES, or KEEP_ALIVE: its body is made here
    uint8_t payload[SFX_PAYLOAD_MAX];
    size_t payload_len;
    bool downlink;                   // ask for an answer and listen for it
    unsigned frames;                 // 1..3
    double f_hz;                     // of every frame; 0: hopping
    int64_t gap_ns;                  // between frames; 0: the usual one
    void (*begun)(struct device *d); // called when the message will be sent; may be NULL
};

enum uplink_result {
    UPLINK_SENT,
    UPLINK_ANSWERED,    // sent, and a downlink came and has been confirmed
    UPLINK_NO_DOWNLINK, // sent, but the window passed without an answer
    UPLINK_NOT_STORED,  // the counter could not be stored, so nothing was sent
    UPLINK_NOT_BUILT,   // no such message
    UPLINK_OVER_BUDGET, // not sent: too much has been sent in the last hour or day
    UPLINK_NO_KEY,      // not sent: the encryption key is missing
    UPLINK_USED_UP,     // not sent: every keystream under this key has been used
    UPLINK_NO_STATION   // not sent: the station it waits for was not heard (MUT-RES-007)
};

/// `answer` gets the downlink when the result is ANSWERED; may be NULL.
enum uplink_result uplink_send(struct device *d, const struct uplink_request *request,
                               struct downlink *answer);
/// Sends the confirmation of a downlink, a message of its own: SENT, NOT_STORED or NOT_BUILT.
enum uplink_result uplink_confirm(struct device *d, const struct downlink *downlink);

#endif
