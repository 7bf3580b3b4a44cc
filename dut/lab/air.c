#include "dut/lab/air.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/log.h"
#include "dut/lab/noise.h"
#include "dut/lab/resample.h"

enum { CHUNK = 1024, BURSTS_MAX = 65536, RESAMPLERS = 4, MIX_MAX = 65536 };

// A receiver's filter delays what it hears of a stream; so long it may still be heard.
static const int64_t tail_ns = 250000000;
// Of the narrower of two bands, this part at least must be common; less is not heard.
static const double common_min = 0.1;

struct burst {
    unsigned sender;
    int64_t t_ns;   // of the first sample
    int64_t end_ns; // the burst is silent from here on: its end, or where its sender was cut
    double carrier_hz;
    double rate_hz;
    float *iq; // its ends repeated: a transmitter holds its last sample, and the interpolator
               // never looks outside
    size_t n;
    bool tone; // a carrier: its phase counts from time 0
    // A stretch of a stream: no ends of its own, sample k is index first + k of the clock.
    bool stream;
    struct sample_clock clock;
    int64_t first;
};

struct filter {
    double band;
    struct resampler *resampler;
};

// Rotation of a carrier within a chunk.
struct turn {
    float of[2 * CHUNK];
    double step; // cycles a sample that it was made for
};

struct air {
    struct noise *noise;
    struct filter filters[RESAMPLERS]; // made when first needed
    size_t next_filter;
    float *mix; // work space of add_stretch
    struct burst *bursts;
    size_t n, cap;
    size_t sent;
    struct turn turn, mix_turn;
};

enum { PAD_BEFORE = 2, PAD_AFTER = 3 };

int air_new(struct air **out, struct err *err)
{
    struct air *a = calloc(1, sizeof *a);
    if (!a) return err_set(err, ERR_NOMEM, "air");
    a->turn.step = a->mix_turn.step = NAN;
    a->mix = malloc(MIX_MAX * 2 * sizeof *a->mix);
    int rc = a->mix ? noise_new(&a->noise, err) : err_set(err, ERR_NOMEM, "air");
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
    for (size_t i = 0; i < RESAMPLERS; i++)
        resampler_free(a->filters[i].resampler);
    noise_free(a->noise);
    free(a->mix);
    free(a);
}

static int reserve(struct air *a, struct err *err)
{
    if (a->n < a->cap) return ERR_OK;
    if (a->n >= BURSTS_MAX)
        return err_set(err, ERR_LIMIT,
                       "more than %d bursts and stretches of streams wait to be heard; a receiver "
                       "stopped reading, or a device sends without end",
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

int air_play_take(struct air *a, unsigned sender, const struct sample_clock *clock, int64_t first,
                  double carrier_hz, float *iq, size_t n, struct err *err)
{
    int rc = reserve(a, err);
    if (rc < 0) {
        free(iq);
        return rc;
    }
    a->bursts[a->n++] = (struct burst){
        .sender = sender,
        .t_ns = clock_time_ns(clock, first),
        .end_ns = clock_time_ns(clock, first + (int64_t)n),
        .carrier_hz = carrier_hz,
        .rate_hz = (double)clock->rate_uhz * 1e-6,
        .iq = iq,
        .n = n,
        .stream = true,
        .clock = *clock,
        .first = first,
    };
    return ERR_OK;
}

int air_tone(struct air *a, unsigned sender, int64_t t_ns, int64_t end_ns, double carrier_hz,
             const float amplitude[2], struct err *err)
{
    for (size_t i = a->n; i-- > 0;) {
        struct burst *b = &a->bursts[i];
        if (b->tone && b->sender == sender && b->carrier_hz == carrier_hz && b->end_ns == t_ns &&
            b->iq[0] == amplitude[0] && b->iq[1] == amplitude[1]) {
            b->end_ns = end_ns;
            return ERR_OK;
        }
    }
    int rc = reserve(a, err);
    if (rc < 0) return rc;
    // One sample, held: every neighbour that the interpolator looks at is the same.
    const size_t n = PAD_BEFORE + 1 + PAD_AFTER;
    float *iq = malloc(n * 2 * sizeof *iq);
    if (!iq) return err_set(err, ERR_NOMEM, "a carrier");
    for (size_t k = 0; k < n; k++)
        memcpy(iq + 2 * k, amplitude, 2 * sizeof *iq);
    a->bursts[a->n++] = (struct burst){.sender = sender,
                                       .t_ns = t_ns,
                                       .end_ns = end_ns,
                                       .carrier_hz = carrier_hz,
                                       .rate_hz = 1e-6,
                                       .iq = iq,
                                       .n = 1,
                                       .tone = true};
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
        const struct burst *b = &a->bursts[i];
        if (b->end_ns + (b->stream ? tail_ns : 0) >= t_ns)
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
static void prepare_turn(struct turn *t, double cycles_per_sample)
{
    if (t->step == cycles_per_sample) return;
    t->step = cycles_per_sample;
    for (int k = 0; k < CHUNK; k++) {
        double cycles = cycles_per_sample * k;
        double phase = 2 * M_PI * (cycles - floor(cycles));
        t->of[2 * k] = (float)cos(phase);
        t->of[2 * k + 1] = (float)sin(phase);
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

    prepare_turn(&a->turn, offset_hz / rate_hz);
    while (from < to) {
        int64_t chunk = from - from % CHUNK;
        int64_t end = chunk + CHUNK < to ? chunk + CHUNK : to;
        long double since = clock_seconds_since(&rx->clock, chunk, b->t_ns);
        long double cycles =
            (b->tone ? clock_seconds_since(&rx->clock, chunk, 0) : since) * offset_hz;
        add_chunk(b, a->turn.of, (int64_t)floorl(since * b->rate_hz * 0x1p32L),
                  llround(b->rate_hz / rate_hz * 0x1p32), (double)(cycles - floorl(cycles)),
                  (float)amplitude, (size_t)(from - chunk), (size_t)(end - chunk),
                  iq + 2 * (from - first));
        from = end;
    }
}

// What a sender's stream and a receiver have in common: the middle of it, seen from the sender's
// carrier, and its width. False: nothing worth hearing.
static bool common_band(const struct burst *b, const struct air_receiver *rx, double *middle_hz,
                        double *width_hz)
{
    double mine = b->rate_hz, other = (double)rx->clock.rate_uhz * 1e-6;
    double offset = b->carrier_hz - rx->centre_hz;
    double low = fmax(-mine / 2, -offset - other / 2), high = fmin(mine / 2, -offset + other / 2);
    *middle_hz = (low + high) / 2;
    *width_hz = high - low;
    return *width_hz >= common_min * fmin(mine, other);
}

static struct resampler *filter_for(struct air *a, double band)
{
    band = fmin(1, ceil(band * 4096) / 4096); // crystals that differ share a filter
    for (size_t i = 0; i < RESAMPLERS; i++)
        if (a->filters[i].resampler && a->filters[i].band == band) return a->filters[i].resampler;
    struct filter *f = &a->filters[a->next_filter++ % RESAMPLERS];
    resampler_free(f->resampler);
    *f = (struct filter){.band = band};
    struct err why = {0};
    if (resampler_new(&f->resampler, band, &why) < 0) LOG_ERROR("foxlab", "%s", why.text);
    return f->resampler;
}

// Samples [from, from + n) of the stretch, zeros beyond its ends, turned by step_cycles a sample
// and scaled. The turn of a sample is a function of its index in the stream alone.
static void mix_down(struct air *a, const struct burst *b, int64_t from, size_t n,
                     double step_cycles, float scale)
{
    prepare_turn(&a->mix_turn, step_cycles);
    float *out = a->mix;
    for (int64_t k = from; k < from + (int64_t)n;) {
        int64_t index = b->first + k - b->clock.base_index;
        int64_t in_chunk = ((index % CHUNK) + CHUNK) % CHUNK;
        int64_t end = k + CHUNK - in_chunk;
        if (end > from + (int64_t)n) end = from + (int64_t)n;
        long double cycles = (long double)(index - in_chunk) * step_cycles;
        double phase = 2 * M_PI * (double)(cycles - floorl(cycles));
        float c = (float)cos(phase) * scale, s = (float)sin(phase) * scale;
        for (; k < end; k++, in_chunk++, out += 2) {
            out[0] = out[1] = 0;
            if (k < 0 || k >= (int64_t)b->n) continue;
            const float *t = a->mix_turn.of + 2 * in_chunk, *x = b->iq + 2 * k;
            float tc = t[0] * c - t[1] * s, ts = t[0] * s + t[1] * c;
            out[0] = x[0] * tc - x[1] * ts;
            out[1] = x[0] * ts + x[1] * tc;
        }
    }
}

static void add_stretch(struct air *a, const struct burst *b, const struct air_receiver *rx,
                        int64_t first, size_t n, double gain, float *iq)
{
    double middle_hz, width_hz, amplitude = rx->path[b->sender] * gain;
    if (amplitude == 0 || !common_band(b, rx, &middle_hz, &width_hz)) return;
    double rate_hz = (double)rx->clock.rate_uhz * 1e-6;
    int64_t tail = (int64_t)ceil(26e9 / width_hz); // both halves of the filter, and a little
    int64_t from = clock_index(&rx->clock, b->t_ns), to = clock_index(&rx->clock, b->end_ns + tail);
    if (from < first) from = first;
    if (to > first + (int64_t)n) to = first + (int64_t)n;
    if (from >= to) return;
    const struct resampler *filter = filter_for(a, width_hz / b->rate_hz);
    int64_t reach = filter ? (int64_t)resampler_reach(filter) : MIX_MAX;
    int64_t span = MIX_MAX - 2 * reach - 8; // samples of the stretch that fit at once
    if (span < MIX_MAX / 2) return;         // a receiver a thousand times narrower

    double back_hz = middle_hz + b->carrier_hz - rx->centre_hz; // what mixing took too much
    prepare_turn(&a->turn, back_hz / rate_hz);
    int64_t step = llround(b->rate_hz / rate_hz * 0x1p32);
    int64_t at_once = ((span - 2) << 32) / step;
    while (from < to) {
        int64_t chunk = from - from % CHUNK;
        int64_t end = chunk + CHUNK < to ? chunk + CHUNK : to;
        if (end > from + at_once) end = from + at_once;
        long double since = clock_seconds_since(&rx->clock, chunk, b->clock.base_ns);
        long double place =
            since * b->rate_hz - (long double)(b->first - b->clock.base_index) - (long double)reach;
        int64_t at = (int64_t)floorl(place * 0x1p32L) + step * (from - chunk);
        int64_t low = (at >> 32) - reach;
        mix_down(a, b, low, (size_t)(((at + step * (end - from)) >> 32) + reach + 6 - low),
                 -middle_hz / b->rate_hz, (float)amplitude);
        long double cycles = since * back_hz;
        double phase = 2 * M_PI * (double)(cycles - floorl(cycles));
        float c = (float)cos(phase), s = (float)sin(phase);
        float *out = iq + 2 * (from - first);
        for (int64_t k = from - chunk; from < end; from++, k++, at += step, out += 2) {
            float y[2];
            resampler_value(filter, a->mix, (ptrdiff_t)((at >> 32) - low), (uint32_t)at, y);
            float tc = a->turn.of[2 * k] * c - a->turn.of[2 * k + 1] * s;
            float ts = a->turn.of[2 * k] * s + a->turn.of[2 * k + 1] * c;
            out[0] += y[0] * tc - y[1] * ts;
            out[1] += y[0] * ts + y[1] * tc;
        }
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
    int64_t from_ns = clock_time_ns(&rx->clock, first) - 1;
    int64_t to_ns = clock_time_ns(&rx->clock, first + (int64_t)n) + 1;
    for (size_t i = 0; i < a->n; i++) {
        const struct burst *b = &a->bursts[i];
        if (b->t_ns > to_ns || b->end_ns + (b->stream ? tail_ns : 0) < from_ns) continue;
        if (b->stream)
            add_stretch(a, b, rx, first, n, gain, iq);
        else
            add_burst(a, b, rx, first, n, gain, iq);
    }
}
