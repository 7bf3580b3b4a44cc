// Bits out of symbols whose carrier is known to about a turn: as bench/phy does it. Pure.
#ifndef BENCH_MC_DETECT_H
#define BENCH_MC_DETECT_H

#include <stdbool.h>
#include <stddef.h>

enum { MC_SYMBOLS_MAX = 256, MC_TRACK_SIDE = 12 };

/// soft[i] = Re(y[i + 1] y*[i]): positive when a bit is 1. n_bits + 1 symbols.
void mc_detect_plain(const float *re, const float *im, size_t n_bits, float *soft);
/// The same with the carrier's phase taken from MC_TRACK_SIDE symbols on either side, as log
/// likelihood ratios for noise of this power. `lead` symbols stand before the first that counts.
void mc_detect_tracked(const float *re, const float *im, size_t lead, size_t n_bits, float noise,
                       float *soft);
/// Whether all bits are right; sign[i] is 1 for a bit 1, -1 for 0.
bool mc_detect_right(const float *soft, const float *sign, size_t n_bits);

#endif
