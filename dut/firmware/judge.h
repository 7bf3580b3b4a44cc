// Which received frames count: CRC, then tag. The seam of every fault in what a device accepts.
//
// Pure but for the device's key. protocol.md 4.2 and 7.4.
#ifndef DUT_FIRMWARE_JUDGE_H
#define DUT_FIRMWARE_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/sfx/downlink.h"

struct device;

enum judge_result {
    JUDGE_NOISE,   // nothing for this device
    JUDGE_REFUSED, // the CRC is good, the tag is not
    JUDGE_TAKEN
};

struct judge_input {
    const uint8_t *data; // SFX_DL_FRAME bytes as they came
    uint16_t counter;    // of the request
};

/// *frame is what it says; its ID and counter are those under which it was read.
enum judge_result judge_frame(const struct device *d, const struct judge_input *in,
                              struct sfx_downlink *frame);

#endif
