#include "bench/mc/wave.h"

#include <math.h>
#include <string.h>

#include "bench/mc/fresnel.h"

// A tone further away than so many bit rates does not pass the receiver's channel filter.
static const double passband = 16;

// The stretch of a frame that is simulated.
struct stretch {
    double begin_s, symbol_s, end_s;
    size_t n;
    float complex *out;
};

static double sinc(double x)
{
    return fabs(x) < 1e-9 ? 1 : sin(M_PI * x) / (M_PI * x);
}

static double complex turn(double cycles)
{
    double phase = 2 * M_PI * (cycles - floor(cycles));
    return CMPLX(cos(phase), sin(phase));
}

// Adds a carrier of frequency f that is on from a to b; its phase is `cycles` at a.
static void add_tone(const struct stretch *s, double a, double b, double f, double cycles)
{
    double begin = fmax(a, s->begin_s), end = fmin(b, s->end_s);
    if (end <= begin) return;
    size_t k = (size_t)((begin - s->begin_s) / s->symbol_s);
    double complex step = turn(f * s->symbol_s), whole = 0;
    double full = sinc(f * s->symbol_s);
    for (; k < s->n; k++) {
        double left = s->begin_s + (double)k * s->symbol_s, right = left + s->symbol_s;
        double from = fmax(left, begin), to = fmin(right, end);
        if (left >= end) break;
        if (from > left || to < right) {
            double part = (to - from) / s->symbol_s;
            if (part > 0)
                s->out[k] += (float complex)(part * sinc(f * (to - from)) *
                                             turn(cycles + f * ((from + to) / 2 - a)));
        } else {
            whole = whole == 0 ? full * turn(cycles + f * ((from + to) / 2 - a)) : whole * step;
            s->out[k] += (float complex)whole;
        }
    }
}

static double placed(const struct mc_config *c, struct mc_random *random)
{
    return c->offset_hz * (2 * mc_random_uniform(random) - 1);
}

static void make_carrier(const struct mc_config *c, const struct stretch *s, double from_s,
                         struct mc_random *random)
{
    double f = placed(c, random), cycles = mc_random_uniform(random);
    add_tone(s, from_s, s->end_s, f, cycles);
}

static void make_pulses(const struct mc_config *c, const struct stretch *s,
                        struct mc_random *random)
{
    double f = placed(c, random), cycles = mc_random_uniform(random);
    double at = s->begin_s - c->period_s * mc_random_uniform(random);
    for (; at < s->end_s; at += c->period_s)
        add_tone(s, at, at + c->on_s, f, cycles + f * at);
}

// Keyed like the frame, but not in step with it. NULL: random bits.
static void make_keyed(const struct mc_config *c, const struct stretch *s, const uint8_t *bits,
                       size_t n_bits, struct mc_random *random)
{
    double f = placed(c, random), part = mc_random_uniform(random);
    double fs = f * s->symbol_s;
    double complex phase = turn(mc_random_uniform(random)), step = turn(fs);
    // one symbol of the jammer ends and the next begins after `part` of the frame's symbol
    double complex before = part * sinc(fs * part) * turn(fs * part / 2);
    double complex after = (1 - part) * sinc(fs * (1 - part)) * turn(fs * (1 + part) / 2);
    size_t at = n_bits ? (size_t)(mc_random_uniform(random) * (double)n_bits) : 0;
    int sign = 1;
    uint64_t word = 0;
    for (size_t k = 0; k < s->n; k++) {
        bool flip;
        if (bits) {
            flip = !bits[at];
            at = at + 1 < n_bits ? at + 1 : 0;
        } else {
            if (k % 64 == 0) word = mc_random_u64(random);
            flip = word >> k % 64 & 1;
        }
        int next = flip ? -sign : sign;
        s->out[k] = (float complex)(phase * (sign * before + next * after));
        sign = next;
        phase *= step;
    }
}

static void make_flood(const struct mc_config *c, const struct stretch *s, unsigned rank,
                       struct mc_random *random)
{
    enum { BITS = 32, PREAMBLE = 0x55555, TYPE_BITS = 13 };
    uint32_t head = (uint32_t)PREAMBLE << TYPE_BITS | sfx_frame_type(c->class, rank);
    uint8_t bits[BITS];
    for (int i = 0; i < BITS; i++)
        bits[i] = head >> (BITS - 1 - i) & 1;
    make_keyed(c, s, bits, BITS, random);
}

// The frame lies anywhere in the band; only steps near it matter.
static void make_steps(const struct mc_config *c, const struct stretch *s, struct mc_random *random)
{
    double steps = floor(c->band_hz / c->step_hz) + 1, cycle_s = steps * c->dwell_s;
    double own = c->band_hz * mc_random_uniform(random);
    // short dwells spread
    double reach = fmax(passband * c->bit_rate, 4 / c->dwell_s);
    double low = fmax(0, ceil((own - reach) / c->step_hz));
    double high = fmin(steps - 1, floor((own + reach) / c->step_hz));
    double at = s->begin_s - cycle_s * mc_random_uniform(random);
    for (; at < s->end_s; at += cycle_s) {
        double cycles = mc_random_uniform(random); // what it did meanwhile is as good as chance
        for (double i = low; i <= high; i++) {
            double f = i * c->step_hz - own, begin = at + i * c->dwell_s;
            add_tone(s, begin, begin + c->dwell_s, f, cycles);
            cycles += f * c->dwell_s;
        }
    }
}

static void make_sweep(const struct mc_config *c, const struct stretch *s, struct mc_random *random)
{
    double slope = c->band_hz / c->period_s, scale = sqrt(2 * slope);
    double own = c->band_hz * mc_random_uniform(random), crossing = own / slope;
    double reach = passband * c->bit_rate / slope;
    double at = s->begin_s - c->period_s * mc_random_uniform(random);
    for (; at < s->end_s; at += c->period_s) {
        double complex phase = turn(mc_random_uniform(random));
        double zero = at + crossing; // here it meets the frame's carrier
        double begin = fmax(s->begin_s, fmax(at, zero - reach));
        double end = fmin(s->end_s, fmin(at + c->period_s, zero + reach));
        if (end <= begin) continue;
        size_t k = (size_t)((begin - s->begin_s) / s->symbol_s);
        double left = fmax(at, s->begin_s + (double)k * s->symbol_s);
        double complex before = mc_fresnel(scale * (left - zero));
        for (; k < s->n && left < end; k++) {
            double right = fmin(at + c->period_s, s->begin_s + (double)(k + 1) * s->symbol_s);
            double complex after = mc_fresnel(scale * (right - zero));
            s->out[k] += (float complex)(phase * (after - before) / (scale * s->symbol_s));
            before = after;
            left = right;
        }
    }
}

static void make_noise(const struct mc_wave *w, const struct stretch *s, struct mc_random *random)
{
    enum { SYMBOLS_MAX = 256 };
    float drawn[2 * SYMBOLS_MAX];
    mc_random_normals(random, drawn, 2 * s->n);
    for (size_t k = 0; k < s->n; k++) {
        unsigned order = k < w->order ? (unsigned)k : w->order;
        float complex v = w->rest[order] * CMPLXF(drawn[2 * k], drawn[2 * k + 1]);
        for (unsigned i = 0; i < order; i++)
            v += w->predict[order][i] * s->out[k - 1 - i];
        s->out[k] = v;
    }
}

// How alike the means over two symbols are that lie m symbols apart, for noise of unit power.
static double noise_likeness(double width, unsigned m)
{
    const double side = fmin(width / 2, 200), step = fmin(1e-3, width / 2000);
    size_t n = (size_t)ceil(side / step);
    double h = side / (double)n, sum = 0;
    for (size_t i = 0; i < n; i++) { // by midpoints
        double x = ((double)i + 0.5) * h, a = sinc(x);
        sum += a * a * cos(2 * M_PI * x * m);
    }
    return 2 * sum * h / width;
}

// Levinson's recursion: the best prediction of each order from the likeness.
static void predict_noise(struct mc_wave *w)
{
    double r[MC_NOISE_ORDER + 1], a[MC_NOISE_ORDER] = {0};
    for (unsigned m = 0; m <= MC_NOISE_ORDER; m++)
        r[m] = noise_likeness(w->config.band_hz / w->config.bit_rate, m);
    double open = r[0] * (1 + 1e-6);
    w->rest[0] = (float)sqrt(open / 2);
    for (unsigned n = 1; n <= MC_NOISE_ORDER; n++) {
        double miss = r[n], next[MC_NOISE_ORDER];
        for (unsigned i = 0; i + 1 < n; i++)
            miss -= a[i] * r[n - 1 - i];
        double reflect = miss / open;
        for (unsigned i = 0; i + 1 < n; i++)
            next[i] = a[i] - reflect * a[n - 2 - i];
        next[n - 1] = reflect;
        memcpy(a, next, n * sizeof *a);
        open *= 1 - reflect * reflect;
        w->rest[n] = (float)sqrt(fmax(0, open) / 2);
        for (unsigned i = 0; i < n; i++)
            w->predict[n][i] = (float)a[i];
        if (fabs(reflect) > 1e-3) w->order = n;
    }
}

void mc_wave_init(struct mc_wave *w, const struct mc_config *config)
{
    *w = (struct mc_wave){.config = *config};
    if (config->jammer == MC_JAMMER_noise) predict_noise(w);
}

void mc_wave_make(const struct mc_wave *w, unsigned rank, size_t first, size_t n,
                  struct mc_random *random, float complex *out)
{
    const struct mc_config *c = &w->config;
    double symbol_s = 1 / c->bit_rate, begin_s = (double)first * symbol_s;
    struct stretch s = {begin_s, symbol_s, begin_s + (double)n * symbol_s, n, out};
    memset(out, 0, n * sizeof *out);
    switch (c->jammer) {
    case MC_JAMMER_cw:
        make_carrier(c, &s, s.begin_s, random);
        break;
    case MC_JAMMER_reactive:
        make_carrier(c, &s, c->late_s, random);
        break;
    case MC_JAMMER_steps:
        make_steps(c, &s, random);
        break;
    case MC_JAMMER_sweep:
        make_sweep(c, &s, random);
        break;
    case MC_JAMMER_noise:
        make_noise(w, &s, random);
        break;
    case MC_JAMMER_bpsk:
        make_keyed(c, &s, NULL, 0, random);
        break;
    case MC_JAMMER_flood:
        make_flood(c, &s, rank, random);
        break;
    case MC_JAMMER_pulse:
        make_pulses(c, &s, random);
        break;
    case MC_JAMMERS:
        break;
    }
}
