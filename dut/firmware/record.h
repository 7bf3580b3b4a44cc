// A small record in non-volatile memory that survives a power cut at any moment: two slots, written
// in turn.
//
//     0          4 - - - - -          n        n + 4
//     | sequence | body               | CRC-32 |          all little-endian
//
// The CRC runs over the record's kind, the sequence and the body, so that blank memory (zeros or
// ones) and another kind's record are never valid. The valid slot with the later sequence counts; a
// write goes to the other one, so a torn write leaves the record as it was. The caller owns the
// struct and lends the port.
#ifndef DUT_FIRMWARE_RECORD_H
#define DUT_FIRMWARE_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dut/port/client.h"

enum { RECORD_BODY_MAX = 16, RECORD_SLOT = RECORD_BODY_MAX + 8 };

struct record {
    struct devport *port;
    uint8_t kind;
    uint32_t offset; // of the first slot; the second follows RECORD_SLOT bytes later
    uint32_t body_len;
    unsigned slot; // the one that counts
    uint32_t sequence;
};

/// One slot as it stands in memory; returns its length.
size_t record_encode(uint8_t kind, uint32_t sequence, const uint8_t *body, uint32_t body_len,
                     uint8_t out[RECORD_SLOT]);
/// Reads both slots. False when neither is valid (a new device): body is untouched.
bool record_load(struct record *r, uint8_t *body);
/// Returns when the record is stored: 0, or a negative errno of the memory.
int record_store(struct record *r, const uint8_t *body);

#endif
