// Band-limited interpolation: what a stream of samples is worth at any time between them.
//
// A resampler is a constant table once made: a windowed sinc that passes the middle two thirds of a
// band within 0.01 dB and stops by 60 dB what is 0.53 of the band or more away from its middle.
#ifndef DUT_LAB_RESAMPLE_H
#define DUT_LAB_RESAMPLE_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct resampler;

/// `band` is the width of the band in parts of the sampling rate of what comes in (0 … 1].
FOX_CHECK int resampler_new(struct resampler **out, double band, struct err *err);
/// Accepts NULL.
void resampler_free(struct resampler *r);
/// Reaches so many samples to both sides.
size_t resampler_reach(const struct resampler *r);
/// The value at place `at` + 2^-32 * `part` of the complex samples in; in[at - reach] to
/// in[at + reach + 4] are read.
void resampler_value(const struct resampler *r, const float *in, ptrdiff_t at, uint32_t part,
                     float out[2]);

#endif
