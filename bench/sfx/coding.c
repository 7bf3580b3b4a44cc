#include "bench/sfx/coding.h"

#include <stdbool.h>

// Whether the two delayed bits take part: rank 2 is u[n] ^ u[n-1] ^ u[n-2], rank 3 is u[n] ^
// u[n-2].
static bool has_tap1(unsigned rank)
{
    return rank == 2;
}

static bool has_tap2(unsigned rank)
{
    return rank == 2 || rank == 3;
}

static void convert(unsigned rank, const uint8_t *in, size_t len, uint8_t *out, bool encode)
{
    unsigned u1 = 0, u2 = 0; // the two uncoded bits before this one
    for (size_t i = 0; i < len; i++) {
        unsigned from = in[i], to = 0;
        for (int bit = 7; bit >= 0; bit--) {
            unsigned x = from >> bit & 1;
            unsigned y = x ^ (has_tap1(rank) ? u1 : 0) ^ (has_tap2(rank) ? u2 : 0);
            to |= y << bit;
            u2 = u1;
            u1 = encode ? x : y;
        }
        out[i] = (uint8_t)to;
    }
}

void sfx_replica_encode(unsigned rank, const uint8_t *in, size_t len, uint8_t *out)
{
    convert(rank, in, len, out, true);
}

void sfx_replica_decode(unsigned rank, const uint8_t *in, size_t len, uint8_t *out)
{
    convert(rank, in, len, out, false);
}

void sfx_phase_states(const uint8_t *bits, size_t n_bits, uint8_t *states)
{
    states[0] = 0;
    for (size_t n = 0; n < n_bits; n++)
        states[n + 1] = states[n] ^ (sfx_bit(bits, n) == 0);
}
