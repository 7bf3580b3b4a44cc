// Counter-based random numbers: pure functions of (key, index), so any sample can be made at any
// time in any order.
//
// Not for cryptography. The key is made once from a seed and a stream name.
#ifndef BENCH_BASE_RNG_H
#define BENCH_BASE_RNG_H

#include <stdint.h>

/// A key for stream `name` under `seed`; different names give independent streams.
uint64_t rng_key(uint64_t seed, const char *name);
/// 64 random bits.
uint64_t rng_u64(uint64_t key, uint64_t index);
/// Uniform in [0, 1).
double rng_uniform(uint64_t key, uint64_t index);
/// Standard normal.
double rng_normal(uint64_t key, uint64_t index);

#endif
