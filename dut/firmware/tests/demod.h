// A little demodulator for noise-free bursts, independent of the device and of the bench: finds the
// symbols from the burst's own envelope and phase.
#ifndef DUT_FIRMWARE_TESTS_DEMOD_H
#define DUT_FIRMWARE_TESTS_DEMOD_H

#include <stdint.h>

#include "dut/firmware/tests/fake_lab.h"

struct demod {
    char hex[2 * 26 + 1]; // whole frame, preamble first
    unsigned n_bits;
    int64_t start_ns; // of the reference symbol
    int64_t end_ns;   // of the last symbol
    double power_dbm; // where the envelope is full
};

/// Fails the running test when the burst is not a 100 bit/s DBPSK frame.
void demod_burst(const struct lab_burst *b, struct demod *out);

#endif
