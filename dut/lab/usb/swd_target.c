#include "dut/lab/usb/swd_target.h"

enum {
    LINE_RESET = 50, // ones in a row
    JTAG_TO_SWD = 0xe79e,
    ACK_OK = 1,
    ACK_FAULT = 4
};

void swd_target_init(struct swd_target *t, struct debug_port *port)
{
    *t = (struct swd_target){.port = port};
}

void swd_target_reset(struct swd_target *t)
{
    *t = (struct swd_target){.port = t->port, .clock = t->clock};
}

// The request: start, AP, read, A2, A3, parity, stop, park; the first bit is bit 0.
static bool is_ap(uint8_t request)
{
    return request >> 1 & 1;
}

static bool is_read(uint8_t request)
{
    return request >> 2 & 1;
}

static unsigned address(uint8_t request)
{
    return request >> 1 & 0xc;
}

static unsigned parity(uint32_t v)
{
    return (unsigned)__builtin_parity(v);
}

static bool is_valid(uint8_t r)
{
    bool odd = parity(r >> 1 & 0xf);
    return odd == (r >> 5 & 1) && !(r >> 6 & 1) && r >> 7;
}

// With a sticky flag up, only what tells about it and what clears it is answered.
static bool is_refused(const struct swd_target *t, uint8_t r)
{
    bool harmless = !is_ap(r) && (is_read(r) ? address(r) <= 4 : address(r) == 0);
    return !harmless && debug_port_refuses(t->port, is_ap(r));
}

// A whole request has come: prepares the answer.
static void accept_request(struct swd_target *t)
{
    uint8_t r = t->request;
    bool reads_id = !is_ap(r) && is_read(r) && address(r) == 0;
    if (!is_valid(r) || (t->fresh && !reads_id)) {
        t->phase = SWD_PHASE_LOCKED;
        return;
    }
    t->fresh = false;
    bool refused = is_refused(t, r);
    bool data_anyway = debug_port_detects_overrun(t->port);
    uint32_t value = 0;
    if (refused) debug_port_overrun(t->port);
    if (!refused && is_read(r)) {
        value = is_ap(r) ? t->port->result : debug_port_dp_read(t->port, address(r));
        if (is_ap(r)) debug_port_ap_read(t->port, address(r)); // for the next one to fetch
    }
    bool data = !refused || data_anyway;
    t->shift = refused ? ACK_FAULT : ACK_OK;
    t->drive_bits = 3;
    if (is_read(r) && data) {
        t->shift |= (uint64_t)value << 3 | (uint64_t)parity(value) << 35;
        t->drive_bits = 36;
    }
    t->takes_data = !is_read(r) && data;
    t->write_counts = !refused;
    t->phase = SWD_PHASE_TURN_TO_TARGET;
}

static void accept_data(struct swd_target *t)
{
    uint32_t value = (uint32_t)t->shift;
    t->phase = SWD_PHASE_IDLE;
    if (!t->write_counts) return;
    if (parity(value) != (t->shift >> 32 & 1)) {
        debug_port_bad_data(t->port);
    } else if (is_ap(t->request)) {
        debug_port_ap_write(t->port, address(t->request), value);
    } else {
        debug_port_dp_write(t->port, address(t->request), value);
    }
}

// Looks for what counts in every phase: the line reset and the way over from JTAG.
static bool is_line_event(struct swd_target *t, bool data)
{
    t->history = t->history >> 1 | (uint64_t)data << 63;
    t->ones = data ? t->ones + 1 : 0;
    if (t->history >> 48 == JTAG_TO_SWD && (t->history & 0xffffffffffff) == 0xffffffffffff) {
        t->is_swd = true;
        t->phase = SWD_PHASE_LOCKED;
        return true;
    }
    if (t->ones < LINE_RESET) return false;
    t->phase = t->is_swd ? SWD_PHASE_RESET : SWD_PHASE_LOCKED;
    t->fresh = true;
    return true;
}

static void rising(struct swd_target *t, bool data)
{
    if (t->phase != SWD_PHASE_DRIVE && is_line_event(t, data)) return;
    switch (t->phase) {
    case SWD_PHASE_LOCKED:
        break;
    case SWD_PHASE_RESET:
        if (!data) t->phase = SWD_PHASE_IDLE;
        break;
    case SWD_PHASE_IDLE:
        if (!data) break;
        t->phase = SWD_PHASE_REQUEST;
        t->request = 1;
        t->bits = 1;
        break;
    case SWD_PHASE_REQUEST:
        t->request = (uint8_t)(t->request | data << t->bits);
        if (++t->bits == 8) accept_request(t);
        break;
    case SWD_PHASE_TURN_TO_TARGET:
        t->phase = SWD_PHASE_DRIVE;
        t->drives = true;
        t->out = t->shift & 1;
        t->bits = 1;
        break;
    case SWD_PHASE_DRIVE:
        t->ones = 0;
        if (t->bits < t->drive_bits) {
            t->out = t->shift >> t->bits++ & 1;
            break;
        }
        t->drives = false;
        t->phase = SWD_PHASE_TURN_TO_HOST;
        break;
    case SWD_PHASE_TURN_TO_HOST:
        t->phase = t->takes_data ? SWD_PHASE_DATA : SWD_PHASE_IDLE;
        t->shift = 0;
        t->bits = 0;
        break;
    case SWD_PHASE_DATA:
        t->shift |= (uint64_t)data << t->bits;
        if (++t->bits == 33) accept_data(t);
        break;
    }
}

void swd_target_pins(struct swd_target *t, bool clock, bool data)
{
    bool up = clock && !t->clock;
    t->clock = clock;
    if (up) rising(t, data);
}
