// The MPSSE of the lab's FT232H: commands in, levels on 16 pins, answers out.
//
// Part of struct ft232h, for ft232h.c alone. One thread. See ft232h.h on time.
#ifndef DUT_LAB_USB_MPSSE_H
#define DUT_LAB_USB_MPSSE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/bytes.h"
#include "dut/lab/usb/ft232h.h"

enum { MPSSE_COMMAND_MAX = 3 + 65536 };

struct mpsse {
    struct ft232h_wires wires;
    bool has_open_drain; // 9E: an FT232H
    bool misses_next;    // a fault: the next command is not understood
    bool loopback;       // 84
    bool divided;        // 8B: 12 MHz instead of 60
    uint16_t divisor;
    uint16_t value, direction, open_drain; // as commanded, bit 8 + n: AC n
    uint16_t level;                        // on the pins
    struct bytes to_chip, to_host;
    int64_t wake_ns; // INT64_MAX: it does not wait
};

void mpsse_init(struct mpsse *m, const struct ft232h_wires *wires);
void mpsse_deinit(struct mpsse *m);
/// Nothing is driven, nothing waits; answers stay.
void mpsse_reset(struct mpsse *m);
/// Puts the levels on the pins, and sees what is there.
void mpsse_drive(struct mpsse *m);
/// It cannot go on: a delay, or answers that nobody fetched.
bool mpsse_is_stuck(const struct mpsse *m);
/// Carries out what it can of to_chip.
void mpsse_run(struct mpsse *m, int64_t now_ns);

#endif
