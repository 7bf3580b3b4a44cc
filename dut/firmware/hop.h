// Which frequency a frame goes out on: the public stack's generator within a zone. protocol.md 8.
//
// A plain value of 14 bits of state, the constant that the device's ID gives, and in zones with
// hopping the micro-channels that the present message has used.
#ifndef DUT_FIRMWARE_HOP_H
#define DUT_FIRMWARE_HOP_H

#include <stdint.h>

#include "bench/sfx/zone.h"

struct hop {
    uint32_t state;
    uint32_t increment;
    uint32_t used; // micro-channels, bits
};

void hop_init(struct hop *h, uint32_t device_id, uint32_t start);
/// The frequencies that follow are those of another message.
void hop_new_message(struct hop *h);
/// The next frequency that leaves `below_hz` and `above_hz` free inside the zone's allowed band.
double hop_next_hz(struct hop *h, const struct sfx_zone *zone, uint32_t below_hz,
                   uint32_t above_hz);

#endif
