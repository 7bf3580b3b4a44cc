#include "bench/sfx/scramble.h"

#include <string.h>

enum { REGISTER_BITS = 9, REGISTER_MASK = (1 << REGISTER_BITS) - 1, CLOCKS_PER_WORD = 8 };

unsigned sfx_scramble_seed_raw(uint32_t device_id, unsigned counter)
{
    return (device_id & REGISTER_MASK) * (counter & REGISTER_MASK) & REGISTER_MASK;
}

unsigned sfx_scramble_seed(uint32_t device_id, unsigned counter)
{
    unsigned seed = sfx_scramble_seed_raw(device_id, counter);
    return seed ? seed : REGISTER_MASK;
}

// Eight clocks, nine bits: neighbouring words share one, so this is no plain serial output.
static unsigned next_word(unsigned reg)
{
    for (int i = 0; i < CLOCKS_PER_WORD; i++) {
        unsigned feedback = (reg >> 5 ^ reg) & 1;
        reg = reg >> 1 | feedback << (REGISTER_BITS - 1);
    }
    return reg;
}

void sfx_scramble_sequence(unsigned seed, uint8_t out[SFX_SCRAMBLE_LEN])
{
    unsigned reg = seed;
    memset(out, 0, SFX_SCRAMBLE_LEN);
    for (unsigned n = 0; n < 8 * SFX_SCRAMBLE_LEN; n++) {
        unsigned bit = n % REGISTER_BITS;
        if (bit == 0) reg = next_word(reg);
        if (reg >> (REGISTER_BITS - 1 - bit) & 1) out[n / 8] |= (uint8_t)(0x80 >> n % 8);
    }
}
