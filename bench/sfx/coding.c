#include "bench/sfx/coding.h"

// Eight bits at a time. As polynomials in the delay D, rank 2 multiplies by 1 + D + D^2 and rank 3
// by 1 + D^2; the byte before gives what is delayed into this one.

void sfx_replica_encode(unsigned rank, const uint8_t *in, size_t len, uint8_t *out)
{
    unsigned window = 0; // the byte before and this one
    for (size_t i = 0; i < len; i++) {
        window = (window << 8 | in[i]) & 0xFFFF;
        unsigned coded = window;
        if (rank == 2) coded ^= window >> 1;
        if (rank != 1) coded ^= window >> 2;
        out[i] = (uint8_t)coded;
    }
}

// u = v / (1 + D^2) = v (1 + D^2) (1 + D^4), as D^8 lies outside of the byte.
static unsigned divide_rank3(unsigned v)
{
    v ^= v >> 2;
    return v ^ v >> 4;
}

// u = v / (1 + D + D^2) = v (1 + D) / (1 + D^3) = v (1 + D) (1 + D^3) (1 + D^6).
static unsigned divide_rank2(unsigned v)
{
    v ^= v >> 1;
    v ^= v >> 3;
    return v ^ v >> 6;
}

void sfx_replica_decode(unsigned rank, const uint8_t *in, size_t len, uint8_t *out)
{
    unsigned before = 0;
    for (size_t i = 0; i < len; i++) {
        // what the byte before adds to the first two bits is taken off, the rest starts from zero
        unsigned window = before << 8, v = in[i];
        if (rank == 2) v = divide_rank2(v ^ ((window >> 1 ^ window >> 2) & 0xFF));
        if (rank == 3) v = divide_rank3(v ^ (window >> 2 & 0xFF));
        out[i] = (uint8_t)v;
        before = v;
    }
}

void sfx_phase_states(const uint8_t *bits, size_t n_bits, uint8_t *states)
{
    states[0] = 0;
    for (size_t n = 0; n < n_bits; n++)
        states[n + 1] = states[n] ^ (sfx_bit(bits, n) == 0);
}
