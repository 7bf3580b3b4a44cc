// Downlinks for the device in a fake lab: bursts drawn from the definition of GFSK, heard through
// `struct lab`'s hear.
//
// A plain struct of the caller's; put it into hear_ctx. Only the device's own receiver hears them.
#ifndef DUT_FIRMWARE_TESTS_DOWNLINK_AIR_H
#define DUT_FIRMWARE_TESTS_DOWNLINK_AIR_H

#include <stddef.h>
#include <stdint.h>

#include "dut/firmware/tests/fake_lab.h"

enum { DOWNLINK_AIR_MAX = 128, DOWNLINK_ON_AIR = 28, DOWNLINK_FRAME = 15 };

struct downlink_burst {
    int64_t t_ns; // of its first bit
    double carrier_hz;
    uint8_t bits[DOWNLINK_ON_AIR];
};

struct downlink_air {
    struct downlink_burst bursts[DOWNLINK_AIR_MAX];
    size_t n;
    double power_dbm;
};

/// How long a burst lasts.
extern const int64_t downlink_burst_ns;

/// Empties it and connects it with the lab; -100 dBm.
void downlink_air_init(struct downlink_air *a, struct lab *l);
/// A burst of preamble, sync word and these 15 bytes.
void downlink_air_send(struct downlink_air *a, int64_t t_ns, double carrier_hz,
                       const uint8_t frame[DOWNLINK_FRAME]);

// What a station would send: protocol.md 7.4 and 4.2 in the device's own terms.
struct downlink_message {
    uint32_t id;
    uint16_t counter;
    const char *key_hex;
    uint8_t payload[8];
    uint8_t tag_flips[2]; // bits of the tag that are wrong
};

void downlink_message_frame(const struct downlink_message *m, uint8_t frame[DOWNLINK_FRAME]);

#endif
