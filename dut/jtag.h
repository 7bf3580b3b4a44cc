// A JTAG chain: who is on it?
//
// Borrows the adapter; one thread. That nobody answers is a measurement and no error.
#ifndef DUT_JTAG_H
#define DUT_JTAG_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/port_ftdi.h"

enum { JTAG_CHAIN_MAX = 8 };

enum jtag_outcome {
    JTAG_CHAIN,  // devices answered
    JTAG_SILENT, // TDO stays high: nobody there, or no power
    JTAG_STUCK   // TDO stays low, or the chain has no end: a wiring fault, nothing can be said
};

/// "chain", "silent", "stuck".
const char *jtag_outcome_name(enum jtag_outcome outcome);

/// Resets the chain and reads its identities, that next to TDO first; 0 stands for a device without
/// one. *n gets how many. Returns an enum jtag_outcome or a negative code.
FOX_CHECK int jtag_scan(struct ftdi *f, uint32_t ids[JTAG_CHAIN_MAX], size_t *n, struct err *err);

#endif
