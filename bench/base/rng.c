#include "bench/base/rng.h"

#include <math.h>

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014), applied twice so that neighbouring keys
// and indices part.
static uint64_t mix(uint64_t z)
{
    z ^= z >> 30;
    z *= 0xbf58476d1ce4e5b9ull;
    z ^= z >> 27;
    z *= 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

uint64_t rng_u64(uint64_t key, uint64_t index)
{
    return mix(mix(index * 0x9e3779b97f4a7c15ull + key) ^ key);
}

uint64_t rng_key(uint64_t seed, const char *name)
{
    uint64_t key = mix(seed + 0x9e3779b97f4a7c15ull);
    for (; *name; name++)
        key = mix(key ^ (uint8_t)*name) + 0x9e3779b97f4a7c15ull;
    return key;
}

double rng_uniform(uint64_t key, uint64_t index)
{
    return (double)(rng_u64(key, index) >> 11) * 0x1p-53;
}

double rng_normal(uint64_t key, uint64_t index)
{
    double u = ((double)(rng_u64(key, 2 * index) >> 11) + 0.5) * 0x1p-53;
    double v = rng_uniform(key, 2 * index + 1);
    return sqrt(-2.0 * log(u)) * cos(2.0 * 3.14159265358979323846 * v);
}
