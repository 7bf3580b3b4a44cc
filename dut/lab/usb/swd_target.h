// The lab's serial wire at the level of its pins: the debug port of debug_port.h behind the JTAG
// switch.
//
// A pure state machine; borrows the debug port. It samples and changes the data line at rising
// edges of the clock.
#ifndef DUT_LAB_USB_SWD_TARGET_H
#define DUT_LAB_USB_SWD_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "dut/lab/usb/debug_port.h"

enum swd_phase {
    SWD_PHASE_LOCKED, // until a line reset
    SWD_PHASE_RESET,  // line reset seen, the line is still high
    SWD_PHASE_IDLE,
    SWD_PHASE_REQUEST,
    SWD_PHASE_TURN_TO_TARGET,
    SWD_PHASE_DRIVE,
    SWD_PHASE_TURN_TO_HOST,
    SWD_PHASE_DATA
};

struct swd_target {
    struct debug_port *port;

    bool clock;       // last level
    uint64_t history; // bits of the host, the latest on top
    unsigned ones;    // in a row
    bool is_swd;      // switched over from JTAG
    bool fresh;       // after a line reset only DPIDR may be read
    enum swd_phase phase;
    unsigned bits; // of the present phase
    uint8_t request;
    uint64_t shift; // bits that it sends, or receives
    unsigned drive_bits;
    bool takes_data;   // after its answer 33 bits come
    bool write_counts; // and they are to be acted on
    bool drives, out;
};

void swd_target_init(struct swd_target *t, struct debug_port *port);
/// Power is gone, or the port does not answer: it begins anew.
void swd_target_reset(struct swd_target *t);
/// The levels on the lines now: `data` is what the host drives, or the pull-up.
void swd_target_pins(struct swd_target *t, bool clock, bool data);

#endif
