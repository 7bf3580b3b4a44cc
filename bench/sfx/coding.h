// Replica codes of the three uplink frames, and the phase states that bits become on air.
// protocol.md sections 1 and 2.4. Pure.
//
// Bits are packed, most significant first. A code has one output bit per input bit, starts from
// zeros and has no tail, so each rank alone can be undone; one wrong bit then spoils later ones.
#ifndef BENCH_SFX_CODING_H
#define BENCH_SFX_CODING_H

#include <stddef.h>
#include <stdint.h>

/// Rank 1 copies, rank 2 has taps 7, rank 3 taps 5 (octal). out may be in.
void sfx_replica_encode(unsigned rank, const uint8_t *in, size_t len, uint8_t *out);
/// The inverse; out may be in.
void sfx_replica_decode(unsigned rank, const uint8_t *in, size_t len, uint8_t *out);

/// n_bits + 1 phase states (0 or 1, one a byte): state 0 first, toggled by a 0, held by a 1.
void sfx_phase_states(const uint8_t *bits, size_t n_bits, uint8_t *states);

/// Bit n of packed bits, the first is the most significant.
static inline unsigned sfx_bit(const uint8_t *packed, size_t n)
{
    return packed[n / 8] >> (7 - n % 8) & 1;
}

#endif
