#include "bench/mc/random.h"

#include <math.h>

#include "bench/base/rng.h"

// Where 256 layers leave the tail to the base, and the area of each.
static const double tail_begin = 3.6541528853610088, layer_area = 0.00492867323399;

static double density(double x)
{
    return exp(-0.5 * x * x);
}

void mc_ziggurat_init(struct mc_ziggurat *z)
{
    double x = tail_begin;
    z->wide[0] = (float)(layer_area / density(x)); // the base holds the tail as well
    z->high[0] = 0;
    z->wide[1] = (float)x;
    z->high[1] = (float)density(x);
    for (int i = 2; i < MC_LAYERS; i++) {
        x = sqrt(-2 * log(layer_area / x + density(x)));
        z->wide[i] = (float)x;
        z->high[i] = (float)density(x);
    }
    z->wide[MC_LAYERS] = 0;
    z->high[MC_LAYERS] = 1;
}

uint64_t mc_random_u64(struct mc_random *r)
{
    return rng_u64(r->key, r->next++);
}

double mc_random_uniform(struct mc_random *r)
{
    return (double)(mc_random_u64(r) >> 11) * 0x1p-53;
}

static double above_zero(struct mc_random *r)
{
    return ((double)(mc_random_u64(r) >> 11) + 0.5) * 0x1p-53;
}

// Beyond the widest layer.
static float tail(struct mc_random *r)
{
    double x, y;
    do {
        x = -log(above_zero(r)) / tail_begin;
        y = -log(above_zero(r));
    } while (2 * y < x * x);
    return (float)(tail_begin + x);
}

// bits: layer (8), sign (1), place in it (23).
static float normal(struct mc_random *r, uint32_t bits)
{
    const struct mc_ziggurat *z = r->ziggurat;
    for (;;) {
        unsigned layer = bits & 0xff;
        float x = (float)(bits >> 9) * 0x1p-23f * z->wide[layer];
        if (x >= z->wide[layer + 1]) {
            if (layer == 0) {
                x = tail(r);
            } else {
                float y = z->high[layer] +
                          (float)mc_random_uniform(r) * (z->high[layer + 1] - z->high[layer]);
                if ((double)y >= density((double)x)) {
                    bits = (uint32_t)(mc_random_u64(r) >> 32);
                    continue;
                }
            }
        }
        return bits & 0x100 ? -x : x;
    }
}

void mc_random_normals(struct mc_random *r, float *out, size_t n)
{
    for (size_t i = 0; i < n; i += 2) {
        uint64_t bits = mc_random_u64(r);
        out[i] = normal(r, (uint32_t)bits);
        if (i + 1 < n) out[i + 1] = normal(r, (uint32_t)(bits >> 32));
    }
}
