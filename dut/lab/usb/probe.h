// An FTDI adapter on the lab's table and its wires to one device: power relay, reset, input lines,
// output lines, and, chosen by a switch, the flash chip or the debug port.
//
//     AD0 clock   AD1 out   AD2 in   AD3 CS#, TMS   AC3 switch: 0 flash, 1 debug port
//     AC0 relay (1: on)   AC1 reset (1: held)
//     AC2 lab enable   AC4 boot pin   AC5 tamper   AC6 jam indication: input lines 0 to 3
//     AD4 to AD7: output lines 0 to 3 of the device
//
// The debug port is serial wire (AD1 through a resistor, AD1 and AD2 are SWDIO, AD0 is SWCLK), or
// JTAG (AD0 TCK, AD1 TDI, AD2 TDO, AD3 TMS) where the scenario says so. An adapter of two channels
// has JTAG on the second one, without a switch. A pin that floats opens the relay, releases the
// reset and leaves input lines low. Owns the chip model; borrows the memory. One thread.
#ifndef DUT_LAB_USB_PROBE_H
#define DUT_LAB_USB_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/lab/memory.h"
#include "dut/lab/usb/debug_port.h"
#include "dut/lab/usb/ft232h.h"
#include "dut/lab/usb/jtag_target.h"
#include "dut/lab/usb/spi_flash.h"
#include "dut/lab/usb/swd_target.h"

// The device's side. ctx is lent; called at the frontier.
struct probe_target {
    void *ctx;
    unsigned index;
    const struct memory *memory;
    void (*set_lines)(void *ctx, unsigned index, bool powered, bool held);
    void (*set_input)(void *ctx, unsigned index, unsigned line, bool level);
    void (*set_ladder)(void *ctx, unsigned index, bool low); // of its supply
    const uint32_t *outputs;                                 // level of its output line n in bit n
};

enum { PROBE_INPUTS = 4, PROBE_OUTPUTS = 4 };

struct probe_config {
    const char *serial;
    enum ft232h_kind kind;
    bool jtag; // in the place of serial wire
    struct probe_target target;
};

// What the debug port's data line is stuck at on purpose.
enum probe_debug { PROBE_DEBUG_WHOLE, PROBE_DEBUG_ONES, PROBE_DEBUG_ZEROS };

struct probe {
    struct probe_target target;
    struct ft232h *chip;
    struct spi_flash flash;
    struct debug_port port; // behind both
    struct swd_target swd;
    struct jtag_target jtag;
    bool is_jtag, is_double;
    bool powered, held;
    bool low;              // the supply's ladder
    unsigned inputs;       // levels of the device's input lines
    uint16_t control_pins; // levels of what switches the device, the last time
    bool plugged;
    bool lifted;            // the clip does not touch the flash chip
    bool relay_sticks;      // it stays as it is
    bool rots;              // bits of the flash chip change under way
    uint32_t rot;           // state of what changes them
    enum probe_debug debug; // stuck
};

FOX_CHECK int probe_new(struct probe **out, const struct probe_config *config, struct err *err);
/// Accepts NULL.
void probe_free(struct probe *p);
/// The adapter is pulled: its pins drive nothing.
void probe_unplug(struct probe *p);
/// The relay stays as it is, or follows its pin again.
void probe_stick_relay(struct probe *p, bool sticks);

#endif
