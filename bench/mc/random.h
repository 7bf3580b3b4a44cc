// Random numbers of one trial: a sequence that is a pure function of its key, so that a trial's
// result depends neither on other trials nor on the thread it runs in.
//
// A mc_random is a value of its user. The tables are made once, and only read afterwards: any
// number of threads may share them.
#ifndef BENCH_MC_RANDOM_H
#define BENCH_MC_RANDOM_H

#include <stddef.h>
#include <stdint.h>

enum { MC_LAYERS = 256 };

// The normal density cut into layers of one area (Marsaglia and Tsang 2000, "ziggurat").
struct mc_ziggurat {
    float wide[MC_LAYERS + 1]; // half width of a layer, widest first
    float high[MC_LAYERS + 1]; // density at that width
};

struct mc_random {
    uint64_t key;
    uint64_t next;
    const struct mc_ziggurat *ziggurat;
};

void mc_ziggurat_init(struct mc_ziggurat *z);

uint64_t mc_random_u64(struct mc_random *r);
/// Uniform in [0, 1).
double mc_random_uniform(struct mc_random *r);
/// n standard normal numbers.
void mc_random_normals(struct mc_random *r, float *out, size_t n);

#endif
