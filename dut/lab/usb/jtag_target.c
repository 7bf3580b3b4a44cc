#include "dut/lab/usb/jtag_target.h"

enum {
    IR_BITS = 4,
    CAPTURED_IR = 0x1,
    ABORT = 0x8,
    DPACC = 0xa,
    APACC = 0xb,
    IDCODE = 0xe,
    SCAN_BITS = 35,
    TAKEN = 2, // also of an access that went wrong: CTRL/STAT tells
    WAIT = 1
};

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

void jtag_target_init(struct jtag_target *t, struct debug_port *port)
{
    *t = (struct jtag_target){.port = port};
    jtag_target_reset(t);
}

void jtag_target_reset(struct jtag_target *t)
{
    *t = (struct jtag_target){.port = t->port,
                              .state = JTAG_RESET,
                              .clock = t->clock,
                              .out = true,
                              .instruction = IDCODE};
}

static bool is_scan(const struct jtag_target *t)
{
    return t->instruction == DPACC || t->instruction == APACC;
}

static unsigned dr_bits(const struct jtag_target *t)
{
    if (t->instruction == IDCODE) return 32;
    return is_scan(t) || t->instruction == ABORT ? SCAN_BITS : 1; // every other one is BYPASS
}

static uint64_t capture(struct jtag_target *t)
{
    if (t->instruction == IDCODE) return JTAG_TARGET_IDCODE;
    if (!is_scan(t)) return 0;
    t->waits = t->busy > 0;
    return t->waits ? WAIT : TAKEN | (uint64_t)t->port->result << 3;
}

static void access_dp(struct jtag_target *t, bool read, unsigned address, uint32_t value)
{
    if (read && address == 12)
        t->port->result = 0; // RDBUFF does nothing but fetch
    else if (read)
        t->port->result = address == 8 ? t->port->select : debug_port_dp_read(t->port, address);
    else if (address == 4 || address == 8)
        debug_port_dp_write(t->port, address, value); // ABORT has an instruction of its own
    if (!read && address == 4) debug_port_clear(t->port, value);
}

static void access_ap(struct jtag_target *t, bool read, unsigned address, uint32_t value)
{
    if (debug_port_refuses(t->port, true)) {
        debug_port_error(t->port);
        return;
    }
    if (read)
        debug_port_ap_read(t->port, address);
    else
        debug_port_ap_write(t->port, address, value);
    t->busy = JTAG_TARGET_ACCESS;
}

static void update(struct jtag_target *t)
{
    bool read = t->shift_dr & 1;
    unsigned address = t->shift_dr >> 1 << 2 & 0xc;
    uint32_t value = (uint32_t)(t->shift_dr >> 3);
    if (t->instruction == ABORT) {
        if (value & 1) t->busy = 0;
    } else if (is_scan(t) && t->waits) {
        debug_port_overrun(t->port);
    } else if (t->instruction == DPACC) {
        access_dp(t, read, address, value);
    } else if (t->instruction == APACC) {
        access_ap(t, read, address, value);
    }
}

static void rising(struct jtag_target *t, bool data, bool mode)
{
    if (t->busy) t->busy--;
    switch (t->state) {
    case JTAG_CAPTURE_DR:
        t->shift_dr = capture(t);
        break;
    case JTAG_SHIFT_DR:
        t->shift_dr = t->shift_dr >> 1 | (uint64_t)data << (dr_bits(t) - 1);
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
    if (t->state == JTAG_UPDATE_DR) update(t);
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
