// A jammer as a receiver's symbols see it: for each symbol of a frame the exact mean of the
// jammer's wave over the symbol. Pure.
//
// A mc_wave holds what is the same in every frame (the noise's prediction); after mc_wave_init it
// is only read, by any number of threads.
#ifndef BENCH_MC_WAVE_H
#define BENCH_MC_WAVE_H

#include <complex.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/mc/config.h"
#include "bench/mc/random.h"

enum { MC_NOISE_ORDER = 16 };

struct mc_wave {
    struct mc_config config;
    unsigned order; // symbols of noise that tell something of the next one
    float predict[MC_NOISE_ORDER + 1][MC_NOISE_ORDER];
    float rest[MC_NOISE_ORDER + 1]; // what they leave open, per component
};

void mc_wave_init(struct mc_wave *w, const struct mc_config *config);
/// The unit-power jammer over n symbols of the frame of this rank; `first` is the index of the
/// first of them in the frame, whose reference symbol is 0.
void mc_wave_make(const struct mc_wave *w, unsigned rank, size_t first, size_t n,
                  struct mc_random *random, float complex *out);

#endif
