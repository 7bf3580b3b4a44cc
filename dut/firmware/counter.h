// The message counter in non-volatile memory: the value is stored before anything leaves under it.
//
// The caller owns the struct and lends the port inside `record`. protocol.md 5.
#ifndef DUT_FIRMWARE_COUNTER_H
#define DUT_FIRMWARE_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "dut/firmware/record.h"

enum { COUNTER_MODULUS = 4096 };

struct counter {
    struct record record;
    uint16_t last;  // the value of the newest message
    uint16_t epoch; // how often it has rolled over
    bool ram_only;  // never stored
};

/// Reads the stored value. A device without one starts so that its first message has counter 0.
void counter_init(struct counter *c, struct devport *port);
/// Forgets what was read, as a device that loses its counter does.
void counter_forget(struct counter *c);
/// Moves to the next value and returns when it is stored: 0, or a negative errno; then nothing has
/// moved.
int counter_advance(struct counter *c);

#endif
