// Replica codes with soft values: the likeliest packet behind any of the three frames of a message.
// protocol.md section 2.4. Pure.
//
// A message's frames are the outputs 1, 7 and 5 of one convolutional encoder that starts at zero
// and is not flushed; two or three of them together are a code that mends errors. One alone has no
// redundancy: decoding it means the hard decisions, undone.
#ifndef BENCH_SFX_SOFT_H
#define BENCH_SFX_SOFT_H

#include <stddef.h>
#include <stdint.h>

#include "bench/sfx/uplink.h"

enum { SFX_SOFT_BITS_MAX = 8 * SFX_PACKET_MAX };

/// The likeliest packet (`bits` / 8 bytes) behind the log likelihood ratios of rank i + 1 in
/// soft[i] (positive = 1; any scale, but the same for all); NULL for a rank that was not received.
/// At most SFX_SOFT_BITS_MAX bits are used. Values that are no numbers give some packet.
void sfx_soft_decode(const float *const soft[SFX_RANKS], size_t bits, uint8_t *packet);
/// The part of a rank's hard bits that `packet` contradicts; 0.5 is what a stranger gives.
double sfx_soft_contradiction(unsigned rank, const uint8_t *packet, size_t packet_len,
                              const float *soft);

#endif
