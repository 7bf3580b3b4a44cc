// A JTAG chain: who is on it, and what does a debug port there let a stranger read?
//
// Borrows the adapter; one thread. That nobody answers, or that a device refuses, is a measurement
// and no error.
#ifndef DUT_JTAG_H
#define DUT_JTAG_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/port_ftdi.h"
#include "dut/swd.h"

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

/// Resets the chain and powers its debug port up. *idcode gets its identity (0: none). Outcomes as
/// of swd_connect. A chain on which it is not alone is ERR_UNSUPPORTED.
FOX_CHECK int jtag_connect(struct ftdi *f, uint32_t *idcode, struct err *err);
/// As swd_read_words, through DPACC and APACC. JTAG has no parity: what a bad wire changes shows
/// only where it hits an acknowledge.
FOX_CHECK int jtag_read_words(struct ftdi *f, uint32_t address, uint32_t *words, size_t n,
                              size_t *done, int (*progress)(void *ctx, size_t done, size_t total),
                              void *ctx, struct err *err);

#endif
