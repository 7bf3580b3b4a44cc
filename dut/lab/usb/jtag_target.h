// The lab's JTAG port at the level of its pins: one test access port (IEEE 1149.1) with IDCODE and
// BYPASS, and the debug port of debug_port.h behind ABORT, DPACC and APACC.
//
//     35 bits, the lowest first: in   read | address 2..3 | value 0..31
//                                out  010 taken, 001 wait | what the access before has read
//
// A pure state machine; borrows the debug port. It samples at rising edges of the clock and changes
// its output at falling ones. An access to the access port takes JTAG_TARGET_ACCESS clocks from its
// update on: a scan that captures before gets "wait", and is not carried out.
#ifndef DUT_LAB_USB_JTAG_TARGET_H
#define DUT_LAB_USB_JTAG_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#include "dut/lab/usb/debug_port.h"

#define JTAG_TARGET_IDCODE UINT32_C(0x4ba00477)

enum { JTAG_TARGET_ACCESS = 6 };

// In the order of the standard's figure.
enum jtag_state {
    JTAG_RESET,
    JTAG_IDLE,
    JTAG_SELECT_DR,
    JTAG_CAPTURE_DR,
    JTAG_SHIFT_DR,
    JTAG_EXIT1_DR,
    JTAG_PAUSE_DR,
    JTAG_EXIT2_DR,
    JTAG_UPDATE_DR,
    JTAG_SELECT_IR,
    JTAG_CAPTURE_IR,
    JTAG_SHIFT_IR,
    JTAG_EXIT1_IR,
    JTAG_PAUSE_IR,
    JTAG_EXIT2_IR,
    JTAG_UPDATE_IR,
    JTAG_STATES
};

struct jtag_target {
    struct debug_port *port;
    enum jtag_state state;
    bool clock; // last level
    bool out;   // TDO; high while nothing is shifted: it floats, and is pulled up
    uint8_t instruction, shift_ir;
    uint64_t shift_dr;
    unsigned busy; // clocks until the access is done
    bool waits;    // the present scan got "wait"
};

void jtag_target_init(struct jtag_target *t, struct debug_port *port);
/// Power comes.
void jtag_target_reset(struct jtag_target *t);
/// The levels at its pins now; returns TDO.
bool jtag_target_pins(struct jtag_target *t, bool clock, bool data, bool mode);

#endif
