// Every chunk of 1024 samples is the sum of two stretches of two tables of normal numbers, each at
// an offset and with a rotation by a multiple of 90 degrees drawn from (key, chunk). Two different
// tables, so that a chunk can never cancel itself out; the rotations keep chunks that happen to
// overlap in a table from adding up over time.
#include "dut/lab/noise.h"

#include <stdlib.h>
#include <string.h>

#include "bench/base/rng.h"
#include "bench/base/wide.h"

enum { TABLE = 1 << 16, CHUNK = 1024, TABLES = 2 };

struct noise {
    float iq[TABLES][2 * (TABLE + CHUNK)]; // the first CHUNK samples again at the end: no wrap
};

int noise_new(struct noise **out, struct err *err)
{
    struct noise *n = malloc(sizeof *n);
    if (!n) return err_set(err, ERR_NOMEM, "noise table");
    for (int t = 0; t < TABLES; t++) {
        uint64_t key = rng_key(0, t ? "noise table b" : "noise table a");
        for (uint64_t i = 0; i < 2 * TABLE; i++)
            n->iq[t][i] = (float)(rng_normal(key, i) * 0.70710678118654752440);
        memcpy(&n->iq[t][2 * TABLE], n->iq[t], sizeof(float) * 2 * CHUNK);
    }
    *out = n;
    return ERR_OK;
}

void noise_free(struct noise *n)
{
    free(n);
}

// One stretch: a rotation by quarter turns is a swap of components and two signs.
struct stretch {
    const float *restrict iq;
    float same_i, same_q;   // what the components contribute to themselves
    float cross_i, cross_q; // and to each other
};

static struct stretch stretch_at(const float *table, uint64_t bits, float sigma)
{
    static const float cosine[] = {1, 0, -1, 0};
    static const float sine[] = {0, 1, 0, -1};
    unsigned turn = bits >> 60 & 3;
    return (struct stretch){
        .iq = table + 2 * (bits % TABLE),
        .same_i = cosine[turn] * sigma,
        .same_q = cosine[turn] * sigma,
        .cross_i = -sine[turn] * sigma,
        .cross_q = sine[turn] * sigma,
    };
}

FOX_WIDE static void add_two(const struct stretch *a, const struct stretch *b, size_t from,
                             size_t n, float *restrict out)
{
    const float *restrict x = a->iq + 2 * from;
    const float *restrict y = b->iq + 2 * from;
    const struct stretch p = *a, q = *b;
    for (size_t k = 0; k < n; k++) {
        out[2 * k] = x[2 * k] * p.same_i + x[2 * k + 1] * p.cross_i + y[2 * k] * q.same_i +
                     y[2 * k + 1] * q.cross_i;
        out[2 * k + 1] = x[2 * k + 1] * p.same_q + x[2 * k] * p.cross_q + y[2 * k + 1] * q.same_q +
                         y[2 * k] * q.cross_q;
    }
}

void noise_fill(const struct noise *table, uint64_t key, int64_t first, size_t n, float sigma,
                float *iq)
{
    while (n) {
        uint64_t chunk = (uint64_t)first / CHUNK;
        size_t from = (uint64_t)first % CHUNK;
        size_t here = CHUNK - from < n ? CHUNK - from : n;
        struct stretch a = stretch_at(table->iq[0], rng_u64(key, 2 * chunk), sigma);
        struct stretch b = stretch_at(table->iq[1], rng_u64(key, 2 * chunk + 1), sigma);
        add_two(&a, &b, from, here, iq);
        iq += 2 * here;
        first += (int64_t)here;
        n -= here;
    }
}
