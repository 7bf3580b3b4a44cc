// The registers behind the lab's debug pins, whichever protocol they speak: a debug port of version
// 1 (Arm IHI 0031) and one access port to the memory of a Cortex-M3.
//
// Pure; memory is reached through the caller. What each protocol answers, and how a sticky flag is
// cleared, is the business of swd_target and jtag_target.
#ifndef DUT_LAB_USB_DEBUG_PORT_H
#define DUT_LAB_USB_DEBUG_PORT_H

#include <stdbool.h>
#include <stdint.h>

struct debug_port {
    /// One word of memory; false: the bus answers with an error. ctx is lent.
    bool (*read)(void *ctx, uint32_t address, uint32_t *value);
    void *ctx;

    uint32_t control, select, csw, tar;
    uint32_t result; // of the last read, for the next access to fetch
};

void debug_port_init(struct debug_port *p,
                     bool (*read)(void *ctx, uint32_t address, uint32_t *value), void *ctx);
/// Power is gone.
void debug_port_reset(struct debug_port *p);
/// Whether an access is not carried out: a sticky flag is up, or (ap) nobody asked for power.
bool debug_port_refuses(const struct debug_port *p, bool ap);
/// CTRL/STAT ORUNDETECT, and what it has seen: an access came that could not be taken.
bool debug_port_detects_overrun(const struct debug_port *p);
void debug_port_overrun(struct debug_port *p);
/// An access went wrong.
void debug_port_error(struct debug_port *p);
/// What came to be written was damaged.
void debug_port_bad_data(struct debug_port *p);
/// Drops those sticky flags that a JTAG debug port drops when they are written to CTRL/STAT.
void debug_port_clear(struct debug_port *p, uint32_t flags);

/// A register by its address: 0, 4, 8, 12. Of the access port: leaves the value in `result`.
uint32_t debug_port_dp_read(const struct debug_port *p, unsigned address);
void debug_port_dp_write(struct debug_port *p, unsigned address, uint32_t value);
void debug_port_ap_read(struct debug_port *p, unsigned address);
void debug_port_ap_write(struct debug_port *p, unsigned address, uint32_t value);

#endif
