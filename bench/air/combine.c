#include "bench/air/combine.h"

#include <float.h>
#include <string.h>

enum { STATES = 4 }; // the last two packet bits

// What each rank sends for packet bit u after the bits d1 (last) and d2: u, u + d1 + d2, u + d2.
static int sent(size_t rank, int u, int d1, int d2)
{
    return rank == 0 ? u : rank == 1 ? u ^ d1 ^ d2 : u ^ d2;
}

void air_combine(const float *const soft[SFX_RANKS], size_t bits, uint8_t *packet)
{
    // Viterbi's algorithm. The encoder starts at zero and is not flushed: any state may be last.
    float metric[STATES] = {0, -FLT_MAX / 4, -FLT_MAX / 4, -FLT_MAX / 4};
    uint8_t from[AIR_COMBINE_BITS_MAX][STATES];
    bits = bits < AIR_COMBINE_BITS_MAX ? bits : AIR_COMBINE_BITS_MAX;
    for (size_t k = 0; k < bits; k++) {
        float next[STATES] = {-FLT_MAX, -FLT_MAX, -FLT_MAX, -FLT_MAX};
        for (int s = 0; s < STATES; s++)
            for (int u = 0; u < 2; u++) {
                float m = metric[s];
                for (size_t r = 0; r < SFX_RANKS; r++)
                    if (soft[r]) m += sent(r, u, s & 1, s >> 1) ? soft[r][k] : -soft[r][k];
                int to = (s << 1 | u) & (STATES - 1);
                if (m > next[to]) {
                    next[to] = m;
                    from[k][to] = (uint8_t)s;
                }
            }
        memcpy(metric, next, sizeof metric);
    }
    int state = 0;
    for (int s = 1; s < STATES; s++)
        if (metric[s] > metric[state]) state = s;
    memset(packet, 0, bits / 8);
    for (size_t k = bits; k-- > 0;) {
        if (state & 1) packet[k / 8] |= (uint8_t)(0x80 >> k % 8);
        state = from[k][state];
    }
}

double air_contradiction(enum sfx_class class, unsigned rank, const uint8_t *packet,
                         size_t packet_len, const float *soft)
{
    uint8_t frame[SFX_FRAME_MAX];
    size_t bytes = sfx_uplink_frame(class, rank, packet, packet_len, frame), wrong = 0;
    const uint8_t *body = frame + 4;
    size_t bits = 8 * (bytes - 4);
    for (size_t i = 0; i < bits; i++)
        wrong += (soft[i] > 0) != (body[i / 8] >> (7 - i % 8) & 1);
    return (double)wrong / (double)bits;
}
