#include "dut/lab/usb/swd_target.h"

enum {
    DPIDR = 0x2ba01477,
    AP_IDR = 0x24770011, // AHB access port
    LINE_RESET = 50,     // ones in a row
    JTAG_TO_SWD = 0xe79e,
    ACK_OK = 1,
    ACK_FAULT = 4
};

// CTRL/STAT
#define ORUNDETECT   (UINT32_C(1) << 0)
#define STICKYORUN   (UINT32_C(1) << 1)
#define STICKYERR    (UINT32_C(1) << 5)
#define WDATAERR     (UINT32_C(1) << 7)
#define STICKY       (STICKYORUN | STICKYERR | WDATAERR)
#define CDBGPWRUPREQ (UINT32_C(1) << 28)
#define CSYSPWRUPREQ (UINT32_C(1) << 30)
#define POWER_REQ    (CDBGPWRUPREQ | CSYSPWRUPREQ) // each is acknowledged one bit above

void swd_target_init(struct swd_target *t,
                     bool (*read)(void *ctx, uint32_t address, uint32_t *value), void *ctx)
{
    *t = (struct swd_target){.read = read, .ctx = ctx};
    swd_target_reset(t);
}

void swd_target_reset(struct swd_target *t)
{
    bool clock = t->clock;
    *t = (struct swd_target){.read = t->read, .ctx = t->ctx, .clock = clock};
}

// --- registers

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

static bool is_powered_up(const struct swd_target *t)
{
    return (t->control & POWER_REQ) == POWER_REQ;
}

static void transfer(struct swd_target *t)
{
    uint32_t value = 0;
    if ((t->csw & 7) != 2 || !t->read(t->ctx, t->tar & ~UINT32_C(3), &value))
        t->control |= STICKYERR; // only words are implemented
    t->result = value;
    // Counting up stops at a kilobyte, as the specification allows.
    if ((t->csw >> 4 & 3) == 1) t->tar = (t->tar & ~UINT32_C(0x3ff)) | ((t->tar + 4) & 0x3ff);
}

static void ap_read(struct swd_target *t, unsigned a)
{
    unsigned bank = t->select >> 4 & 0xf, unit = t->select >> 24;
    if (unit != 0 || (bank != 0 && bank != 0xf))
        t->result = 0;
    else if (bank == 0xf)
        t->result = a == 0xc ? AP_IDR : 0;
    else if (a == 0xc)
        transfer(t);
    else
        t->result = a == 0 ? t->csw : a == 4 ? t->tar : 0;
}

static void ap_write(struct swd_target *t, unsigned a, uint32_t value)
{
    if (t->select >> 24 != 0 || (t->select >> 4 & 0xf) != 0) return;
    if (a == 0) t->csw = value;
    if (a == 4) t->tar = value;
    if (a == 0xc) t->control |= STICKYERR; // writing is not implemented
}

static uint32_t dp_read(const struct swd_target *t, unsigned a)
{
    switch (a) {
    case 0:
        return DPIDR;
    case 4:
        return (t->select & 0xf) == 0 ? t->control | (t->control & POWER_REQ) << 1 : 0x40;
    default: // RESEND, RDBUFF
        return t->result;
    }
}

static void dp_write(struct swd_target *t, unsigned a, uint32_t value)
{
    if (a == 0) { // ABORT
        if (value >> 2 & 1) t->control &= ~STICKYERR;
        if (value >> 3 & 1) t->control &= ~WDATAERR;
        if (value >> 4 & 1) t->control &= ~STICKYORUN;
    } else if (a == 4) {
        t->control = (t->control & STICKY) | (value & (ORUNDETECT | POWER_REQ));
    } else if (a == 8) {
        t->select = value;
    }
}

// --- the wire

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
    if (harmless) return false;
    return t->control & STICKY || (is_ap(r) && !is_powered_up(t));
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
    bool data_anyway = t->control & ORUNDETECT;
    uint32_t value = 0;
    if (refused && data_anyway) t->control |= STICKYORUN;
    if (!refused && is_read(r)) {
        value = is_ap(r) ? t->result : dp_read(t, address(r)); // of the access before
        if (is_ap(r)) ap_read(t, address(r));
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
        t->control |= WDATAERR;
    } else if (is_ap(t->request)) {
        ap_write(t, address(t->request), value);
    } else {
        dp_write(t, address(t->request), value);
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
