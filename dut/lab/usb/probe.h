// An FTDI adapter on the lab's table and its wires to one device: power relay, reset, lab enable,
// and, chosen by a switch, the flash chip or the debug port.
//
//     AD0 clock   AD1 out   AD2 in   AD3 CS#   AC3 switch: 0 flash, 1 debug port (AD1 through a
//     AC0 relay (1: on)   AC1 reset (1: held)   AC2 lab enable          resistor, AD1 and AD2 are
//                                                                       SWDIO, AD0 is SWCLK)
//
// A pin that floats opens the relay, releases the reset and leaves lab enable low. Owns the chip
// model; borrows the memory. One thread.
#ifndef DUT_LAB_USB_PROBE_H
#define DUT_LAB_USB_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/lab/memory.h"
#include "dut/lab/usb/ft232h.h"
#include "dut/lab/usb/spi_flash.h"
#include "dut/lab/usb/swd_target.h"

// The device's side. ctx is lent; called at the frontier.
struct probe_target {
    void *ctx;
    unsigned index;
    const struct memory *memory;
    void (*set_lines)(void *ctx, unsigned index, bool powered, bool held);
    void (*set_lab_enable)(void *ctx, unsigned index, bool level);
};

struct probe {
    struct probe_target target;
    struct ft232h *chip;
    struct spi_flash flash;
    struct swd_target swd;
    bool powered, held, enabled;
    bool plugged;
    bool lifted; // the clip does not touch the flash chip
};

FOX_CHECK int probe_new(struct probe **out, const char *serial, const struct probe_target *target,
                        struct err *err);
/// Accepts NULL.
void probe_free(struct probe *p);
/// The adapter is pulled: its pins drive nothing.
void probe_unplug(struct probe *p);

#endif
