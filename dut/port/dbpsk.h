// A DBPSK burst as complex baseband, shaped like a small transceiver's: the envelope falls to zero
// where the phase flips.
//
// Pure. In symbols, from the first sample: ramp up (1), plain carrier (1), one slot per bit with
// its phase flip in the middle, carrier held (1), ramp down (1). A receiver samples the phase
// states at the slots' boundaries, so its reference symbol starts DEVPORT_DBPSK_LEAD symbols after
// the first sample and its last symbol ends n_bits + 1 symbols later. protocol.md 1 and 1.1.
#ifndef DUT_PORT_DBPSK_H
#define DUT_PORT_DBPSK_H

#include <stddef.h>
#include <stdint.h>

#define DEVPORT_DBPSK_LEAD 1.5

/// Complex samples in a burst of n_bits.
size_t devport_dbpsk_len(size_t n_bits, unsigned samples_per_symbol);
/// Bits are packed, most significant first; a 0 flips the phase. iq holds 2 * devport_dbpsk_len
/// floats.
void devport_dbpsk(const uint8_t *bits, size_t n_bits, unsigned samples_per_symbol, float amplitude,
                   float *iq);

#endif
