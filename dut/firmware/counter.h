// The message counter in non-volatile memory: the value is stored before anything leaves under it.
// The seam of every fault in how a device counts.
//
// The caller owns the struct and lends the port inside `record` and the faults. protocol.md 5.
#ifndef DUT_FIRMWARE_COUNTER_H
#define DUT_FIRMWARE_COUNTER_H

#include <stdbool.h>
#include <stdint.h>

#include "dut/firmware/faults.h"
#include "dut/firmware/record.h"

enum { COUNTER_MODULUS_MAX = 4096 };

enum counter_boot { COUNTER_BOOT_POWER, COUNTER_BOOT_PIN, COUNTER_BOOT_SOFTWARE };

struct counter {
    struct record record;
    const struct faults *faults; // lent
    uint16_t modulus;            // the declared roll-over
    uint16_t last;               // the value of the newest message
    uint16_t epoch;              // how often it has rolled over
    bool fresh;                  // no message was ever counted: the next value is 0
    unsigned reserved;           // steps that the stored value is ahead (MUT-CNT-011, LAW-AHEAD)
    bool passes;                 // the next value is not stored
    bool unstored;               // the value is still to be stored (MUT-CNT-008, MUT-CNT-009)
};

/// Reads the stored value. A device without one starts so that its first message has counter 0.
void counter_boot(struct counter *c, struct devport *port, enum counter_boot cause);
/// Moves to the next value and returns when it is stored: 0, or a negative errno; then nothing has
/// moved.
int counter_advance(struct counter *c);
/// Says that the message's last frame is over; returns how long to wait before counter_store, or
/// DEVPORT_NEVER when there is nothing to store.
int64_t counter_sent(struct counter *c);
/// Stores the value as it is: 0, or a negative errno.
int counter_store(struct counter *c);
/// Makes these the stored value and roll-over counter: 0, or a negative errno.
int counter_preset(struct counter *c, uint16_t last, uint16_t epoch);
/// Starts again at 0, stored: 0, or a negative errno. What no device should do.
int counter_restart(struct counter *c);
/// Whether the next message would have an epoch of `epochs` or more.
bool counter_is_used_up(const struct counter *c, unsigned epochs);
/// The value before this one.
uint16_t counter_before(const struct counter *c, uint16_t value);

#endif
