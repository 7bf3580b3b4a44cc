// The three ranks of one message, joined: together they are a rate-1/3 convolutional code. Pure.
#ifndef BENCH_AIR_COMBINE_H
#define BENCH_AIR_COMBINE_H

#include <stddef.h>
#include <stdint.h>

#include "bench/sfx/uplink.h"

enum { AIR_COMBINE_BITS_MAX = 8 * SFX_PACKET_MAX };

/// The likeliest packet (`bits` / 8 bytes) behind the log likelihood ratios of rank i + 1 in
/// soft[i] (positive = 1); NULL for a rank that was not received.
void air_combine(const float *const soft[SFX_RANKS], size_t bits, uint8_t *packet);
/// The part of a rank's hard bits that `packet` contradicts; 0.5 is what a stranger gives.
double air_contradiction(enum sfx_class class, unsigned rank, const uint8_t *packet,
                         size_t packet_len, const float *soft);

#endif
