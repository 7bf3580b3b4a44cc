// From the radio's words to complex samples around the band: convert, shift, filter, decimate.
//
// Overlap-save with two transforms a block: the shift costs nothing, because it is the choice of
// bins. Output sample q stands for input sample q * decimation exactly. A frontend is used by one
// thread. Blocks lie at fixed places of the input, so the output does not depend on how the
// input is cut.
#ifndef BENCH_PHY_FRONTEND_H
#define BENCH_PHY_FRONTEND_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

enum { PHY_FRONTEND_BLOCK = 480 }; // output samples of a block

struct phy_frontend;

/// The band is low_hz … high_hz relative to the input's centre, inside +-rate_hz / 2.
FOX_CHECK int phy_frontend_new(struct phy_frontend **out, double rate_hz, double low_hz,
                               double high_hz, struct err *err);
/// Accepts NULL.
void phy_frontend_free(struct phy_frontend *f);
/// Input samples for each output sample.
unsigned phy_frontend_decimation(const struct phy_frontend *f);
/// Where the output's centre lies, relative to the input's.
double phy_frontend_center_hz(const struct phy_frontend *f);
/// Words that are taken from every sample's I and Q from now on: a steady offset of the radio.
void phy_frontend_set_dc(struct phy_frontend *f, double dc_i, double dc_q);
/// Takes samples (I, Q, …) until a block is complete; returns how many it took.
size_t phy_frontend_fill(struct phy_frontend *f, const int16_t *iq, size_t n);
/// True when a block is complete: nothing more is taken before phy_frontend_block.
bool phy_frontend_is_full(const struct phy_frontend *f);
/// The complete block's PHY_FRONTEND_BLOCK output samples, lent until the next call.
const float complex *phy_frontend_block(struct phy_frontend *f);

#endif
