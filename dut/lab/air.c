#include "dut/lab/air.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "dut/lab/noise.h"

enum { CHUNK = 1024, BURSTS_MAX = 4096 };

struct burst {
    unsigned sender;
    int64_t t_ns;   // of the first sample
    int64_t end_ns; // the burst is silent from here on: its end, or where its sender was cut
    double carrier_hz;
    double rate_hz;
    float *iq; // its ends repeated: a transmitter holds its last sample, and the interpolator
               // never looks outside
    size_t n;
};

struct air {
    struct noise *noise;
    struct burst *bursts;
    size_t n, cap;
    size_t sent;
    float turn[2 * CHUNK]; // rotation of a carrier within a chunk
    double turn_step;      // cycles a sample that `turn` was made for
};

enum { PAD_BEFORE = 2, PAD_AFTER = 3 };

int air_new(struct air **out, struct err *err)
{
    struct air *a = calloc(1, sizeof *a);
    if (!a) return err_set(err, ERR_NOMEM, "air");
    a->turn_step = NAN;
    int rc = noise_new(&a->noise, err);
    if (rc < 0) {
        air_free(a);
        return rc;
    }
    *out = a;
    return ERR_OK;
}

void air_free(struct air *a)
{
    if (!a) return;
    for (size_t i = 0; i < a->n; i++)
        free(a->bursts[i].iq);
    free(a->bursts);
    noise_free(a->noise);
    free(a);
}

static int reserve(struct air *a, struct err *err)
{
    if (a->n < a->cap) return ERR_OK;
    if (a->n >= BURSTS_MAX)
        return err_set(err, ERR_LIMIT,
                       "more than %d bursts wait to be heard; a receiver stopped reading, or a "
                       "device sends without end",
                       BURSTS_MAX);
    size_t cap = a->cap ? 2 * a->cap : 16;
    struct burst *more = realloc(a->bursts, cap * sizeof *more);
    if (!more) return err_set(err, ERR_NOMEM, "bursts on air");
    a->bursts = more;
    a->cap = cap;
    return ERR_OK;
}

int air_send_take(struct air *a, unsigned sender, int64_t t_ns, double carrier_hz, double rate_hz,
                  float *iq, size_t n, struct err *err)
{
    float *padded = malloc((n + PAD_BEFORE + PAD_AFTER) * 2 * sizeof *padded);
    int rc = padded ? reserve(a, err) : err_set(err, ERR_NOMEM, "a burst of %zu samples", n);
    if (rc < 0) {
        free(padded);
        free(iq);
        return rc;
    }
    memcpy(padded + 2 * PAD_BEFORE, iq, n * 2 * sizeof *iq);
    for (size_t k = 0; k < PAD_BEFORE; k++)
        memcpy(padded + 2 * k, iq, 2 * sizeof *iq);
    for (size_t k = n + PAD_BEFORE; k < n + PAD_BEFORE + PAD_AFTER; k++)
        memcpy(padded + 2 * k, iq + 2 * (n - 1), 2 * sizeof *iq);
    free(iq);
    a->bursts[a->n++] = (struct burst){
        .sender = sender,
        .t_ns = t_ns,
        .end_ns = t_ns + (int64_t)ceil((double)n * 1e9 / rate_hz),
        .carrier_hz = carrier_hz,
        .rate_hz = rate_hz,
        .iq = padded,
        .n = n,
    };
    a->sent++;
    return ERR_OK;
}

void air_cut(struct air *a, unsigned sender, int64_t t_ns)
{
    for (size_t i = 0; i < a->n; i++) {
        struct burst *b = &a->bursts[i];
        if (b->sender == sender && b->end_ns > t_ns) b->end_ns = t_ns;
    }
}

void air_forget(struct air *a, int64_t t_ns)
{
    size_t kept = 0;
    for (size_t i = 0; i < a->n; i++) {
        if (a->bursts[i].end_ns >= t_ns)
            a->bursts[kept++] = a->bursts[i];
        else
            free(a->bursts[i].iq);
    }
    a->n = kept;
}

size_t air_burst_count(const struct air *a)
{
    return a->sent;
}

size_t air_kept_count(const struct air *a)
{
    return a->n;
}

// The same table for every chunk: only a chunk's first phase differs, so a sample depends on its
// index alone.
static void prepare_turn(struct air *a, double cycles_per_sample)
{
    if (a->turn_step == cycles_per_sample) return;
    a->turn_step = cycles_per_sample;
    for (int k = 0; k < CHUNK; k++) {
        double cycles = cycles_per_sample * k;
        double phase = 2 * M_PI * (cycles - floor(cycles));
        a->turn[2 * k] = (float)cos(phase);
        a->turn[2 * k + 1] = (float)sin(phase);
    }
}

// Adds samples [from, to) of one chunk. `at` is the chunk's first sample in samples of the burst,
// `step` the burst's samples per sample, both in units of 2^-32: the place of a sample is then a
// function of its index alone, without a call of floor for each.
static void add_chunk(const struct burst *b, const float *restrict turn, int64_t at, int64_t step,
                      double cycles, float amplitude, size_t from, size_t to, float *restrict out)
{
    double phase = 2 * M_PI * (cycles - floor(cycles));
    float c = (float)cos(phase) * amplitude, s = (float)sin(phase) * amplitude;
    for (size_t k = from; k < to; k++) {
        int64_t u = at + step * (int64_t)k;
        int64_t whole = u >> 32;
        if (whole < -PAD_BEFORE + 1 || whole > (int64_t)b->n) continue;
        float f = (float)(u & 0xffffffff) * 0x1p-32f;
        // Catmull-Rom through four neighbours: flat to -60 dB from four samples a symbol on.
        const float *p = b->iq + 2 * whole + 2 * (PAD_BEFORE - 1);
        float f2 = f * f, f3 = f2 * f;
        float w0 = -0.5f * f3 + f2 - 0.5f * f, w1 = 1.5f * f3 - 2.5f * f2 + 1.0f;
        float w2 = -1.5f * f3 + 2.0f * f2 + 0.5f * f, w3 = 0.5f * f3 - 0.5f * f2;
        float i = p[0] * w0 + p[2] * w1 + p[4] * w2 + p[6] * w3;
        float q = p[1] * w0 + p[3] * w1 + p[5] * w2 + p[7] * w3;
        float tc = turn[2 * k] * c - turn[2 * k + 1] * s;
        float ts = turn[2 * k] * s + turn[2 * k + 1] * c;
        out[2 * (k - from)] += i * tc - q * ts;
        out[2 * (k - from) + 1] += i * ts + q * tc;
    }
}

static void add_burst(struct air *a, const struct burst *b, const struct air_receiver *rx,
                      int64_t first, size_t n, double gain, float *iq)
{
    double rate_hz = (double)rx->clock.rate_uhz * 1e-6;
    double offset_hz = b->carrier_hz - rx->centre_hz;
    double amplitude = rx->path[b->sender] * gain;
    // The receiver's filter: what lies outside the sampled band is not heard, and never aliased.
    if (amplitude == 0 || fabs(offset_hz) >= rate_hz / 2) return;
    int64_t from = clock_index(&rx->clock, b->t_ns), to = clock_index(&rx->clock, b->end_ns);
    if (from < first) from = first;
    if (to > first + (int64_t)n) to = first + (int64_t)n;
    if (from >= to) return;

    prepare_turn(a, offset_hz / rate_hz);
    while (from < to) {
        int64_t chunk = from - from % CHUNK;
        int64_t end = chunk + CHUNK < to ? chunk + CHUNK : to;
        long double since = clock_seconds_since(&rx->clock, chunk, b->t_ns);
        long double cycles = since * offset_hz;
        add_chunk(b, a->turn, (int64_t)floorl(since * b->rate_hz * 0x1p32L),
                  llround(b->rate_hz / rate_hz * 0x1p32), (double)(cycles - floorl(cycles)),
                  (float)amplitude, (size_t)(from - chunk), (size_t)(end - chunk),
                  iq + 2 * (from - first));
        from = end;
    }
}

void air_hear(struct air *a, const struct air_receiver *rx, int64_t first, size_t n, double gain,
              float *iq)
{
    float sigma = (float)(sqrt(rx->noise_mw / 2) * gain);
    if (sigma > 0)
        noise_fill(a->noise, rx->noise_key, first, n, sigma, iq);
    else
        memset(iq, 0, n * 2 * sizeof *iq);
    for (size_t i = 0; i < a->n; i++)
        add_burst(a, &a->bursts[i], rx, first, n, gain, iq);
}
