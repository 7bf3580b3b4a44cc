// A debug port over serial wire: is it there, and what does it let a stranger read?
//
// Borrows the adapter; one thread. That a device refuses, or does not answer at all, is a
// measurement and no error: it stands in enum swd_outcome. Reading only.
#ifndef DUT_SWD_H
#define DUT_SWD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/port_ftdi.h"
#include "dut/power.h"

// CPUID of every Cortex-M: readable however well the memories are locked, so reading it proves the
// wiring.
#define SWD_CPUID 0xe000ed00u

enum swd_outcome {
    SWD_WORDS,   // every word came
    SWD_REFUSED, // the bus answered with a fault
    SWD_SILENT,  // nobody answers: no port, no power, or switched off for good
    SWD_GARBLED  // wrong parity or no valid acknowledge: a wiring fault, nothing can be said
};

/// "words", "refused", "silent", "garbled".
const char *swd_outcome_name(enum swd_outcome outcome);

/// Wakes the debug port and powers it up. *dpidr gets its identity. Returns an enum swd_outcome
/// (SWD_WORDS: it is there) or a negative code.
FOX_CHECK int swd_connect(struct ftdi *f, uint32_t *dpidr, struct err *err);

/// Reads n words from address (a multiple of 4) up; *done gets how many came before the outcome
/// that it returns. Connect first; after anything but SWD_WORDS connect again. progress (may be
/// NULL) as in ftdi_spi_read, in words.
FOX_CHECK int swd_read_words(struct ftdi *f, uint32_t address, uint32_t *words, size_t n,
                             size_t *done, int (*progress)(void *ctx, size_t done, size_t total),
                             void *ctx, struct err *err);

enum { SWD_RACE_WORDS_MAX = 8, SWD_RACE_ANSWERS = 80 };

// The race against firmware that locks its port late: power comes, the adapter waits by its own
// clock, connects and reads, all in one batch.
struct swd_race {
    uint32_t address;
    size_t n;                          // words, 1 … SWD_RACE_WORDS_MAX
    unsigned delay_us;                 // from power to the first clock, in steps of 100
    uint8_t answers[SWD_RACE_ANSWERS]; // internal
};

/// Starts it on a device that is off (else ERR_SEQUENCE); it is on afterwards. Pull samples until
/// swd_race_finish says 1: in the lab, power comes at the frontier and the read happens delay_us
/// later.
FOX_CHECK int swd_race_start(struct power *p, const struct swd_race *race, struct err *err);
/// 0: not yet. 1: *outcome and the words that came (*done of them).
FOX_CHECK int swd_race_finish(struct power *p, struct swd_race *race, uint32_t *words, size_t *done,
                              enum swd_outcome *outcome, struct err *err);

#endif
