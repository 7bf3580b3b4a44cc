// The BCH(15,11) code of the downlink, generator x^4 + x + 1, on eight codewords at once: bit k of
// byte j is the coefficient of x^j of codeword k. protocol.md section 7.4. Pure.
#ifndef BENCH_SFX_BCH_H
#define BENCH_SFX_BCH_H

#include <stdint.h>

enum { SFX_BCH_LEN = 15, SFX_BCH_PARITY = 4, SFX_BCH_MESSAGE = SFX_BCH_LEN - SFX_BCH_PARITY };

/// Fills bytes 0 … 3 (parity) from bytes 4 … 14 (message).
void sfx_bch_encode(uint8_t word[SFX_BCH_LEN]);
/// Corrects one bit in each of the eight codewords; returns how many had one. Two wrong bits in a
/// codeword make it flip a third: that is for CRC and tag to find.
unsigned sfx_bch_correct(uint8_t word[SFX_BCH_LEN]);

#endif
