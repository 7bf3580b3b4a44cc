#include "dut/lab/usb/jtag_target.h"

enum { IR_BITS = 4, IDCODE = 0x0e, BYPASS = 0x0f, CAPTURED_IR = 0x1 };

// Where TMS 0 and 1 lead.
static const uint8_t next_state[JTAG_STATES][2] = {
    [JTAG_RESET] = {JTAG_IDLE, JTAG_RESET},
    [JTAG_IDLE] = {JTAG_IDLE, JTAG_SELECT_DR},
    [JTAG_SELECT_DR] = {JTAG_CAPTURE_DR, JTAG_SELECT_IR},
    [JTAG_CAPTURE_DR] = {JTAG_SHIFT_DR, JTAG_EXIT1_DR},
    [JTAG_SHIFT_DR] = {JTAG_SHIFT_DR, JTAG_EXIT1_DR},
    [JTAG_EXIT1_DR] = {JTAG_PAUSE_DR, JTAG_UPDATE_DR},
    [JTAG_PAUSE_DR] = {JTAG_PAUSE_DR, JTAG_EXIT2_DR},
    [JTAG_EXIT2_DR] = {JTAG_SHIFT_DR, JTAG_UPDATE_DR},
    [JTAG_UPDATE_DR] = {JTAG_IDLE, JTAG_SELECT_DR},
    [JTAG_SELECT_IR] = {JTAG_CAPTURE_IR, JTAG_RESET},
    [JTAG_CAPTURE_IR] = {JTAG_SHIFT_IR, JTAG_EXIT1_IR},
    [JTAG_SHIFT_IR] = {JTAG_SHIFT_IR, JTAG_EXIT1_IR},
    [JTAG_EXIT1_IR] = {JTAG_PAUSE_IR, JTAG_UPDATE_IR},
    [JTAG_PAUSE_IR] = {JTAG_PAUSE_IR, JTAG_EXIT2_IR},
    [JTAG_EXIT2_IR] = {JTAG_SHIFT_IR, JTAG_UPDATE_IR},
    [JTAG_UPDATE_IR] = {JTAG_IDLE, JTAG_SELECT_DR},
};

void jtag_target_reset(struct jtag_target *t)
{
    *t = (struct jtag_target){
        .state = JTAG_RESET, .clock = t->clock, .out = true, .instruction = IDCODE};
}

static unsigned dr_bits(const struct jtag_target *t)
{
    return t->instruction == IDCODE ? 32 : 1; // every other instruction is BYPASS here
}

static void rising(struct jtag_target *t, bool data, bool mode)
{
    switch (t->state) {
    case JTAG_CAPTURE_DR:
        t->shift_dr = t->instruction == IDCODE ? JTAG_TARGET_IDCODE : 0;
        break;
    case JTAG_SHIFT_DR:
        t->shift_dr = t->shift_dr >> 1 | (uint32_t)data << (dr_bits(t) - 1);
        break;
    case JTAG_CAPTURE_IR:
        t->shift_ir = CAPTURED_IR;
        break;
    case JTAG_SHIFT_IR:
        t->shift_ir = (uint8_t)(t->shift_ir >> 1 | data << (IR_BITS - 1));
        break;
    default:
        break;
    }
    t->state = (enum jtag_state)next_state[t->state][mode];
}

static void falling(struct jtag_target *t)
{
    t->out = true;
    if (t->state == JTAG_SHIFT_DR) t->out = t->shift_dr & 1;
    if (t->state == JTAG_SHIFT_IR) t->out = t->shift_ir & 1;
    if (t->state == JTAG_UPDATE_IR) t->instruction = t->shift_ir;
    if (t->state == JTAG_RESET) t->instruction = IDCODE;
}

bool jtag_target_pins(struct jtag_target *t, bool clock, bool data, bool mode)
{
    bool was = t->clock;
    t->clock = clock;
    if (clock && !was) rising(t, data, mode);
    if (!clock && was) falling(t);
    return t->out;
}
