#include "bench/sfx/joint.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "bench/sfx/coding.h"

enum {
    MEMORY = 4, // states of the encoder: the last two packet bits, the newest is bit 0
    STATES_MAX = MEMORY << SFX_RANKS // above them one bit for each frame: its phase state
};

// Logarithm of the odds against a carrier that slips by half a turn between two symbols.
static const float slip = 10;

struct joint {
    size_t n_frames, n_phases, n_states;
    const float *state[SFX_RANKS]; // of those frames that there are
    uint8_t turns[MEMORY][2];      // phases changed by sending a bit out of an encoder state
    float metric[STATES_MAX];
    uint8_t from[SFX_JOINT_BITS_MAX][STATES_MAX];
};

// What a rank sends for packet bit u: u, u + d1 + d2, u + d2.
static unsigned sent(size_t rank, unsigned u, unsigned memory)
{
    unsigned d1 = memory & 1, d2 = memory >> 1;
    return rank == 0 ? u : rank == 1 ? u ^ d1 ^ d2 : u ^ d2;
}

static void begin(struct joint *j, const float *const state[SFX_RANKS])
{
    j->n_frames = 0;
    memset(j->turns, 0, sizeof j->turns);
    for (size_t r = 0; r < SFX_RANKS; r++) {
        if (!state[r]) continue;
        for (unsigned m = 0; m < MEMORY; m++)
            for (unsigned u = 0; u < 2; u++)
                j->turns[m][u] |= (uint8_t)((sent(r, u, m) ^ 1) << j->n_frames);
        j->state[j->n_frames++] = state[r];
    }
    j->n_phases = (size_t)1 << j->n_frames;
    j->n_states = MEMORY * j->n_phases;
}

// Half of the log likelihood ratios' sum, for each combination of the frames' phases.
static void phase_values(const struct joint *j, size_t k, float value[1 << SFX_RANKS])
{
    for (size_t p = 0; p < j->n_phases; p++) {
        value[p] = 0;
        for (size_t f = 0; f < j->n_frames; f++)
            value[p] += (p >> f & 1 ? -0.5f : 0.5f) * j->state[f][k];
    }
}

static void step(struct joint *j, size_t k)
{
    float value[1 << SFX_RANKS], next[STATES_MAX];
    uint8_t from[STATES_MAX];
    phase_values(j, k + 1, value);
    for (size_t p = 0; p < j->n_phases; p++)
        for (unsigned to = 0; to < MEMORY; to++) { // two encoder states lead here, by the same bit
            unsigned a = to >> 1, b = a | 2, u = to & 1;
            size_t by_a = a | (p ^ j->turns[a][u]) * MEMORY;
            size_t by_b = b | (p ^ j->turns[b][u]) * MEMORY;
            bool second = j->metric[by_b] > j->metric[by_a];
            next[p * MEMORY + to] = j->metric[second ? by_b : by_a] + value[p];
            from[p * MEMORY + to] = (uint8_t)(second ? by_b : by_a);
        }
    for (size_t s = 0; s < j->n_states; s++) {
        size_t best = s;
        float most = next[s];
        for (size_t f = 0; f < j->n_frames; f++) {
            size_t other = s ^ (size_t)MEMORY << f;
            if (next[other] - slip <= most) continue;
            most = next[other] - slip;
            best = other;
        }
        j->metric[s] = most;
        j->from[k][s] = from[best];
    }
}

double sfx_joint_decode(const float *const state[SFX_RANKS], size_t bits, uint8_t *packet)
{
    struct joint j;
    begin(&j, state);
    bits = bits < SFX_JOINT_BITS_MAX ? bits : SFX_JOINT_BITS_MAX;
    memset(packet, 0, bits / 8);
    if (!j.n_frames) return 1;

    float value[1 << SFX_RANKS];
    phase_values(&j, 0, value);
    for (size_t s = 0; s < j.n_states; s++)
        j.metric[s] = s % MEMORY ? -FLT_MAX / 4 : value[s / MEMORY];
    for (size_t k = 0; k < bits; k++)
        step(&j, k);

    size_t s = 0;
    for (size_t i = 1; i < j.n_states; i++)
        if (j.metric[i] > j.metric[s]) s = i;
    double wrong = 0, all = 1e-30;
    for (size_t k = bits; k-- > 0;) {
        if ((s & 1) && k / 8 < bits / 8) packet[k / 8] |= (uint8_t)(0x80 >> k % 8);
        for (size_t f = 0; f < j.n_frames; f++) {
            float l = j.state[f][k + 1];
            bool turned = s / MEMORY >> f & 1;
            all += fabs((double)l);
            if (turned == (l > 0)) wrong += fabs((double)l);
        }
        s = j.from[k][s];
    }
    return wrong / all;
}
