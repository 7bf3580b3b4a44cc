#include "bench/sfx/bch.h"

// x^j mod x^4 + x + 1, bit i is the coefficient of x^i.
static const uint8_t remainders[SFX_BCH_LEN] = {1, 2, 4, 8, 3, 6, 12, 11, 5, 10, 7, 14, 15, 13, 9};

void sfx_bch_encode(uint8_t word[SFX_BCH_LEN])
{
    for (unsigned i = 0; i < SFX_BCH_PARITY; i++) {
        word[i] = 0;
        for (unsigned j = SFX_BCH_PARITY; j < SFX_BCH_LEN; j++)
            if (remainders[j] >> i & 1) word[i] ^= word[j];
    }
}

unsigned sfx_bch_correct(uint8_t word[SFX_BCH_LEN])
{
    unsigned corrected = 0;
    for (unsigned k = 0; k < 8; k++) {
        unsigned syndrome = 0;
        for (unsigned j = 0; j < SFX_BCH_LEN; j++)
            if (word[j] >> k & 1) syndrome ^= remainders[j];
        if (!syndrome) continue;
        unsigned at = 0;
        while (remainders[at] != syndrome) // every non-zero syndrome stands in the table once
            at++;
        word[at] ^= (uint8_t)(1u << k);
        corrected++;
    }
    return corrected;
}
