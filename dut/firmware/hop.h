// Which frequency a frame goes out on: the public stack's generator within zone RC1. protocol.md 8.
//
// A plain value of 14 bits of state and the constant that the device's ID gives.
#ifndef DUT_FIRMWARE_HOP_H
#define DUT_FIRMWARE_HOP_H

#include <stdint.h>

enum {
    HOP_CENTRE_HZ = 868130000, // RC1 uplink
    HOP_DOWNLINK_HZ = 869525000,
    HOP_BAND_HZ = 192000,
    HOP_GUARD_HZ = 18780, // oscillator and network error, kept free at each end of the band
    HOP_STEP_HZ = 6000    // frames 2 and 3 of a downlink request, above and below frame 1
};

struct hop {
    uint32_t state;
    uint32_t increment;
};

void hop_init(struct hop *h, uint32_t device_id, uint32_t start);
/// The next frequency that leaves `below_hz` and `above_hz` free inside the allowed band.
double hop_next_hz(struct hop *h, uint32_t below_hz, uint32_t above_hz);

#endif
