// The downlink's scrambling sequence. protocol.md section 7.4. Pure.
#ifndef BENCH_SFX_SCRAMBLE_H
#define BENCH_SFX_SCRAMBLE_H

#include <stdint.h>

enum { SFX_SCRAMBLE_LEN = 15 };

/// (device ID x counter) mod 512, before the rule that zero becomes 0x1FF.
unsigned sfx_scramble_seed_raw(uint32_t device_id, unsigned counter);
/// The register's start: never zero.
unsigned sfx_scramble_seed(uint32_t device_id, unsigned counter);
/// 120 bits from that start.
void sfx_scramble_sequence(unsigned seed, uint8_t out[SFX_SCRAMBLE_LEN]);

#endif
