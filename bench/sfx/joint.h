// Replica codes and differential keying undone together: the likeliest packet behind the phase
// states of two or three frames of a message. protocol.md section 2.4. Pure.
//
// Comparing neighbouring symbols first (soft.h) makes two doubtful bits of one doubtful symbol and
// forgets that they belong together. Here one trellis remembers the encoder's last bits and every
// frame's phase state: 32 states for three frames. The likeliest error within a packet then takes
// six wrong symbols at once (three of two frames), where soft bits stand for two each. A carrier
// that slips by half a turn on the way costs some likelihood, nothing else.
#ifndef BENCH_SFX_JOINT_H
#define BENCH_SFX_JOINT_H

#include <stddef.h>
#include <stdint.h>

#include "bench/sfx/uplink.h"

enum { SFX_JOINT_BITS_MAX = 8 * SFX_PACKET_MAX };

/// The likeliest packet (`bits` / 8 bytes) behind state[rank - 1]: log likelihood ratios of
/// bits + 1 phase states, positive = the one before the first bit; a bit that is 0 changes the
/// state. NULL for a rank that was not received; the same scale for all. At most SFX_JOINT_BITS_MAX
/// bits are used. Returns the part of the states' weight that contradicts the packet: to 0.03 for
/// frames of one message at 2.5 dB, from 0.05 on for frames that have nothing in common. Values
/// that are no numbers give some packet.
double sfx_joint_decode(const float *const state[SFX_RANKS], size_t bits, uint8_t *packet);

#endif
