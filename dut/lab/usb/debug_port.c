#include "dut/lab/usb/debug_port.h"

enum { DPIDR = 0x2ba01477, AP_IDR = 0x24770011 }; // an AHB access port

// CTRL/STAT
#define ORUNDETECT   (UINT32_C(1) << 0)
#define STICKYORUN   (UINT32_C(1) << 1)
#define STICKYERR    (UINT32_C(1) << 5)
#define WDATAERR     (UINT32_C(1) << 7)
#define STICKY       (STICKYORUN | STICKYERR | WDATAERR)
#define CDBGPWRUPREQ (UINT32_C(1) << 28)
#define CSYSPWRUPREQ (UINT32_C(1) << 30)
#define POWER_REQ    (CDBGPWRUPREQ | CSYSPWRUPREQ) // each is acknowledged one bit above

void debug_port_init(struct debug_port *p,
                     bool (*read)(void *ctx, uint32_t address, uint32_t *value), void *ctx)
{
    *p = (struct debug_port){.read = read, .ctx = ctx};
}

void debug_port_reset(struct debug_port *p)
{
    debug_port_init(p, p->read, p->ctx);
}

bool debug_port_refuses(const struct debug_port *p, bool ap)
{
    return p->control & STICKY || (ap && (p->control & POWER_REQ) != POWER_REQ);
}

bool debug_port_detects_overrun(const struct debug_port *p)
{
    return p->control & ORUNDETECT;
}

void debug_port_overrun(struct debug_port *p)
{
    if (p->control & ORUNDETECT) p->control |= STICKYORUN;
}

void debug_port_error(struct debug_port *p)
{
    p->control |= STICKYERR;
}

void debug_port_bad_data(struct debug_port *p)
{
    p->control |= WDATAERR;
}

void debug_port_clear(struct debug_port *p, uint32_t flags)
{
    p->control &= ~(flags & (STICKYORUN | STICKYERR)); // WDATAERR is serial wire's alone
}

static void transfer(struct debug_port *p)
{
    uint32_t value = 0;
    if ((p->csw & 7) != 2 || !p->read(p->ctx, p->tar & ~UINT32_C(3), &value))
        p->control |= STICKYERR; // only words are implemented
    p->result = value;
    // Counting up stops at a kilobyte, as the specification allows.
    if ((p->csw >> 4 & 3) == 1) p->tar = (p->tar & ~UINT32_C(0x3ff)) | ((p->tar + 4) & 0x3ff);
}

void debug_port_ap_read(struct debug_port *p, unsigned address)
{
    unsigned bank = p->select >> 4 & 0xf, unit = p->select >> 24;
    if (unit != 0 || (bank != 0 && bank != 0xf))
        p->result = 0;
    else if (bank == 0xf)
        p->result = address == 0xc ? AP_IDR : 0;
    else if (address == 0xc)
        transfer(p);
    else
        p->result = address == 0 ? p->csw : address == 4 ? p->tar : 0;
}

void debug_port_ap_write(struct debug_port *p, unsigned address, uint32_t value)
{
    if (p->select >> 24 != 0 || (p->select >> 4 & 0xf) != 0) return;
    if (address == 0) p->csw = value;
    if (address == 4) p->tar = value;
    if (address == 0xc) p->control |= STICKYERR; // writing is not implemented
}

uint32_t debug_port_dp_read(const struct debug_port *p, unsigned address)
{
    switch (address) {
    case 0:
        return DPIDR;
    case 4:
        return (p->select & 0xf) == 0 ? p->control | (p->control & POWER_REQ) << 1 : 0x40;
    default: // RESEND, RDBUFF
        return p->result;
    }
}

void debug_port_dp_write(struct debug_port *p, unsigned address, uint32_t value)
{
    if (address == 0) { // ABORT
        if (value >> 2 & 1) p->control &= ~STICKYERR;
        if (value >> 3 & 1) p->control &= ~WDATAERR;
        if (value >> 4 & 1) p->control &= ~STICKYORUN;
    } else if (address == 4) {
        p->control = (p->control & STICKY) | (value & (ORUNDETECT | POWER_REQ));
    } else if (address == 8) {
        p->select = value;
    }
}
