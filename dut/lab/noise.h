// White Gaussian noise as a pure function of (key, sample index), at about a nanosecond a sample.
//
// A struct noise is a constant table once made; any number of streams share it.
#ifndef DUT_LAB_NOISE_H
#define DUT_LAB_NOISE_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct noise;

FOX_CHECK int noise_new(struct noise **out, struct err *err);
/// Accepts NULL.
void noise_free(struct noise *n);
/// Writes n complex samples (I, Q, I, Q …) with standard deviation sigma in each component, the
/// first with index `first`. Any split of a range into calls gives the same samples.
void noise_fill(const struct noise *table, uint64_t key, int64_t first, size_t n, float sigma,
                float *iq);

#endif
