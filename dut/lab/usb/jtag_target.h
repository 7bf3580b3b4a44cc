// The lab's JTAG port at the level of its pins: one test access port (IEEE 1149.1) with IDCODE and
// BYPASS, as a Cortex-M3's debug port has.
//
// A pure state machine. It samples at rising edges of the clock and changes its output at falling
// ones.
#ifndef DUT_LAB_USB_JTAG_TARGET_H
#define DUT_LAB_USB_JTAG_TARGET_H

#include <stdbool.h>
#include <stdint.h>

#define JTAG_TARGET_IDCODE UINT32_C(0x4ba00477)

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
    enum jtag_state state;
    bool clock; // last level
    bool out;   // TDO; high while nothing is shifted: it floats, and is pulled up
    uint8_t instruction, shift_ir;
    uint32_t shift_dr;
};

/// Power comes.
void jtag_target_reset(struct jtag_target *t);
/// The levels at its pins now; returns TDO.
bool jtag_target_pins(struct jtag_target *t, bool clock, bool data, bool mode);

#endif
