// A device's receiver for downlinks: 2-GFSK of 600 bit/s out of complex baseband.
//
// Feed what devport_rf_listen gives at DEVPORT_GFSK_RATE_HZ, in pieces of any size; a frame comes
// out once its last bit has been fed. The carrier may lie up to 1.4 kHz off the listening
// frequency. No frame has an error check at this level: whoever takes it looks at its CRC and tag.
// A plain struct of the caller's, about 250 kB; no I/O, no memory of its own. protocol.md 7.3.
#ifndef DUT_PORT_GFSK_H
#define DUT_PORT_GFSK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    DEVPORT_GFSK_BIT_RATE = 600,
    DEVPORT_GFSK_SAMPLES_PER_BIT = 8,
    DEVPORT_GFSK_RATE_HZ = DEVPORT_GFSK_BIT_RATE * DEVPORT_GFSK_SAMPLES_PER_BIT,
    DEVPORT_GFSK_FRAME = 15,    // bytes after the sync word
    DEVPORT_GFSK_OFFSETS = 15,  // carriers that are tried, 200 Hz apart
    DEVPORT_GFSK_TURN = 24,     // samples in which 200 Hz turn once
    DEVPORT_GFSK_HISTORY = 2048 // samples; a sync word and a frame need 1216
};

struct devport_gfsk_frame {
    uint8_t data[DEVPORT_GFSK_FRAME];
    uint64_t end_sample; // fed samples up to the end of the last bit
    double offset_hz;    // carrier against the listening frequency, to 100 Hz
    double power_mw;
};

struct devport_gfsk {
    float turn[2 * DEVPORT_GFSK_TURN];              // cos and -sin
    uint64_t n;                                     // samples fed
    float recent[2 * DEVPORT_GFSK_SAMPLES_PER_BIT]; // the last bit's worth, a ring
    // For each possible carrier and each of the last samples, over the bit that ends there: the
    // power in both tones, and by how much the upper one is stronger (-1 … 1).
    float power[DEVPORT_GFSK_OFFSETS][DEVPORT_GFSK_HISTORY];
    float soft[DEVPORT_GFSK_OFFSETS][DEVPORT_GFSK_HISTORY];
    bool found;           // a sync word has been seen and its frame is not complete yet
    uint64_t sync_n;      // samples fed when it ended
    unsigned sync_offset; // its carrier
    float sync_mw;        // how strong it was
};

void devport_gfsk_init(struct devport_gfsk *g);
/// Takes samples until a frame is complete or all n are taken. Returns how many were taken; *got
/// says whether *out holds a frame. Call again with the rest.
size_t devport_gfsk_push(struct devport_gfsk *g, const float *iq, size_t n,
                         struct devport_gfsk_frame *out, bool *got);

#endif
