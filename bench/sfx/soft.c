#include "bench/sfx/soft.h"

#include <float.h>
#include <string.h>

#include "bench/sfx/coding.h"

enum { STATES = 4 }; // the last two packet bits, the newest is bit 0

// What a rank sends for packet bit u out of a state: u, u + d1 + d2, u + d2.
static unsigned sent(size_t rank, unsigned u, unsigned state)
{
    unsigned d1 = state & 1, d2 = state >> 1;
    return rank == 0 ? u : rank == 1 ? u ^ d1 ^ d2 : u ^ d2;
}

// The value of sending u out of each state: what the received ranks say for it.
static void branch_values(const float *const soft[SFX_RANKS], size_t k, float value[STATES][2])
{
    memset(value, 0, STATES * sizeof *value);
    for (size_t r = 0; r < SFX_RANKS; r++) {
        if (!soft[r]) continue;
        for (unsigned s = 0; s < STATES; s++)
            for (unsigned u = 0; u < 2; u++)
                value[s][u] += sent(r, u, s) ? soft[r][k] : -soft[r][k];
    }
}

void sfx_soft_decode(const float *const soft[SFX_RANKS], size_t bits, uint8_t *packet)
{
    // Viterbi's algorithm. The encoder starts at zero and is not flushed: any state may be last.
    float metric[STATES] = {0, -FLT_MAX / 4, -FLT_MAX / 4, -FLT_MAX / 4};
    uint8_t from[SFX_SOFT_BITS_MAX][STATES];
    bits = bits < SFX_SOFT_BITS_MAX ? bits : SFX_SOFT_BITS_MAX;
    for (size_t k = 0; k < bits; k++) {
        float value[STATES][2], next[STATES];
        branch_values(soft, k, value);
        for (unsigned to = 0; to < STATES; to++) { // two states lead here, with the same bit
            unsigned a = to >> 1, b = a | 2, u = to & 1;
            float by_a = metric[a] + value[a][u], by_b = metric[b] + value[b][u];
            from[k][to] = (uint8_t)(by_b > by_a ? b : a);
            next[to] = by_b > by_a ? by_b : by_a;
        }
        memcpy(metric, next, sizeof metric);
    }
    unsigned state = 0;
    for (unsigned s = 1; s < STATES; s++)
        if (metric[s] > metric[state]) state = s;
    memset(packet, 0, bits / 8);
    for (size_t k = bits; k-- > 0;) {
        if ((state & 1) && k / 8 < bits / 8) packet[k / 8] |= (uint8_t)(0x80 >> k % 8);
        state = from[k][state];
    }
}

double sfx_soft_contradiction(unsigned rank, const uint8_t *packet, size_t packet_len,
                              const float *soft)
{
    uint8_t body[SFX_PACKET_MAX];
    size_t len = packet_len < sizeof body ? packet_len : sizeof body, wrong = 0;
    sfx_replica_encode(rank, packet, len, body);
    for (size_t i = 0; i < 8 * len; i++)
        wrong += (soft[i] > 0) != sfx_bit(body, i);
    return (double)wrong / (double)(8 * len);
}
