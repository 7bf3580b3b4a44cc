// Sending one message: counter, frames, frequencies, gaps, and the window of a downlink request.
//
// Blocks, in the lab's time, until the message has been sent. protocol.md 5, 7.1 and 8.
#ifndef DUT_FIRMWARE_UPLINK_H
#define DUT_FIRMWARE_UPLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/sfx/uplink.h"

struct device;

struct uplink_request {
    enum sfx_message_type type; // EMPTY, BIT0, BIT1, BYTES, or KEEP_ALIVE: its body is made here
    uint8_t payload[SFX_PAYLOAD_MAX];
    size_t payload_len;
    bool downlink;   // ask for an answer and listen for it
    unsigned frames; // 1..3
};

enum uplink_result {
    UPLINK_SENT,
    UPLINK_NO_DOWNLINK, // sent, but the window passed without an answer
    UPLINK_NOT_STORED,  // the counter could not be stored, so nothing was sent
    UPLINK_NOT_BUILT    // no such message
};

enum uplink_result uplink_send(struct device *d, const struct uplink_request *request);

#endif
