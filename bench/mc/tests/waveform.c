#include "bench/mc/tests/waveform.h"

#include <complex.h>
#include <math.h>
#include <stdlib.h>

#include "bench/base/rng.h"
#include "bench/mc/curve.h"
#include "bench/phy/tests/fer.h"

struct jam {
    const struct mc_config *config;
    double js_db;
    uint64_t key;
    uint64_t drawn;
};

static double draw(struct jam *j)
{
    return rng_uniform(j->key, j->drawn++);
}

static double complex turn(double cycles)
{
    return cexp(2 * M_PI * I * (cycles - floor(cycles)));
}

static bool is_on(const struct mc_config *c, double since_start_s, double t, double shift)
{
    if (c->jammer == MC_JAMMER_reactive) return since_start_s >= c->late_s;
    if (c->jammer == MC_JAMMER_pulse) return fmod(t + shift, c->period_s) < c->on_s;
    return true;
}

static void add_carrier(struct jam *j, const struct synth *s, const struct synth_burst *b,
                        double level, size_t n, double complex *sum)
{
    const struct mc_config *c = j->config;
    double f = b->f_hz + c->offset_hz * (2 * draw(j) - 1), phase = draw(j);
    double shift = c->period_s * draw(j);
    double complex tone = level * turn(phase), step = turn(f / s->rate_hz);
    for (size_t i = 0; i < n; i++, tone *= step) {
        double t = (double)i / s->rate_hz;
        if (is_on(c, t - b->start_s, t, shift)) sum[i] += tone;
    }
}

static void add_keyed(struct jam *j, const struct synth *s, const struct synth_burst *b,
                      double level, size_t n, double complex *sum)
{
    const struct mc_config *c = j->config;
    double f = b->f_hz + c->offset_hz * (2 * draw(j) - 1), phase = draw(j), shift = draw(j);
    size_t at = (size_t)(32 * draw(j)), symbol = 0;
    uint64_t head = strtoull((char[]){b->hex[0], b->hex[1], b->hex[2], b->hex[3], b->hex[4],
                                      b->hex[5], b->hex[6], b->hex[7], 0},
                             NULL, 16);
    double sign = 1;
    double complex tone = level * turn(phase), step = turn(f / s->rate_hz);
    for (size_t i = 0; i < n; i++, tone *= step) {
        double t = (double)i / s->rate_hz;
        size_t now = (size_t)(t * c->bit_rate + shift);
        if (now != symbol) {
            bool bit =
                c->jammer == MC_JAMMER_flood ? head >> (31 - (at + now) % 32) & 1 : draw(j) < 0.5;
            if (!bit) sign = -sign;
            symbol = now;
        }
        sum[i] += sign * tone;
    }
}

// White numbers at the rate of the bandwidth, between which a windowed sinc runs.
static void add_noise(struct jam *j, const struct synth *s, const struct synth_burst *b,
                      double level, size_t n, double complex *sum)
{
    enum { SIDE = 10 };
    double width = j->config->band_hz;
    size_t n_white = (size_t)((double)n / s->rate_hz * width) + 2 * SIDE + 2;
    double complex *white = malloc(n_white * sizeof *white);
    if (!white) abort();
    double complex tone = level, step = turn(b->f_hz / s->rate_hz);
    uint64_t key = rng_key(j->key + j->drawn++, "noise");
    for (size_t k = 0; k < n_white; k++)
        white[k] = M_SQRT1_2 * CMPLX(rng_normal(key, 2 * k), rng_normal(key, 2 * k + 1));
    for (size_t i = 0; i < n; i++, tone *= step) {
        double t = (double)i / s->rate_hz, x = t * width + SIDE;
        size_t first = (size_t)x - SIDE + 1;
        double up = sin(M_PI * (x - floor(x)));
        double complex v = 0;
        for (size_t k = first; k < first + 2 * SIDE; k++) {
            double d = x - (double)k, window = cos(M_PI / 2 * d / SIDE);
            double odd = ((size_t)x - k) & 1 ? -up : up;
            v += white[k] * (fabs(d) < 1e-9 ? 1 : odd / (M_PI * d) * window);
        }
        sum[i] += v * tone;
    }
    free(white);
}

// One tone over the whole band, for all bursts.
static void add_moving(struct jam *j, const struct synth *s, double level, size_t n,
                       double complex *sum)
{
    const struct mc_config *c = j->config;
    double steps = floor(c->band_hz / c->step_hz) + 1, cycles = 0;
    double period = c->jammer == MC_JAMMER_sweep ? c->period_s : steps * c->dwell_s;
    double shift = period * draw(j);
    for (size_t i = 0; i < n; i++) {
        double at = fmod((double)i / s->rate_hz + shift, period);
        double f = c->jammer == MC_JAMMER_sweep ? c->band_hz * at / period
                                                : c->step_hz * floor(at / c->dwell_s);
        sum[i] += level * turn(cycles);
        cycles += (f - c->band_hz / 2) / s->rate_hz;
    }
}

static int16_t word(double v)
{
    return (int16_t)lrint(fmax(-2048, fmin(2047, v)));
}

static void disturb(void *ctx, const struct synth *s, size_t n, int16_t *iq)
{
    struct jam *j = ctx;
    const struct mc_config *c = j->config;
    double complex *sum = calloc(n, sizeof *sum);
    if (!sum) abort();
    j->key = rng_key(s->seed, "jam");
    j->drawn = 0;
    double n0 = 2 * s->noise_rms * s->noise_rms / s->rate_hz;
    double level = sqrt(pow(10, (c->ebn0_db + j->js_db) / 10) * n0 * c->bit_rate);
    if (c->jammer == MC_JAMMER_sweep || c->jammer == MC_JAMMER_steps)
        add_moving(j, s, level, n, sum);
    else
        for (size_t b = 0; b < s->n_bursts; b++) {
            const struct synth_burst *burst = &s->bursts[b];
            if (c->jammer == MC_JAMMER_noise)
                add_noise(j, s, burst, level, n, sum);
            else if (c->jammer == MC_JAMMER_bpsk || c->jammer == MC_JAMMER_flood)
                add_keyed(j, s, burst, level, n, sum);
            else
                add_carrier(j, s, burst, level, n, sum);
        }
    for (size_t i = 0; i < n; i++) {
        iq[2 * i] = word(iq[2 * i] + creal(sum[i]));
        iq[2 * i + 1] = word(iq[2 * i + 1] + cimag(sum[i]));
    }
    free(sum);
}

struct mc_config waveform_config(enum mc_jammer jammer)
{
    struct mc_config c = mc_config_default(jammer);
    c.ranks = 1;
    if (jammer == MC_JAMMER_steps || jammer == MC_JAMMER_sweep) c.band_hz = 40e3;
    return c;
}

int waveform_measure(const struct mc_config *config, double js_db, unsigned frames,
                     struct waveform_loss *out, struct err *err)
{
    struct jam jam = {.config = config, .js_db = js_db};
    struct fer_tally t = {0};
    struct fer_config fer = fer_config_default(config->ebn0_db);
    fer.rate_hz = 48e3;
    fer.side_hz = 18e3;
    fer.per_stream = 6;
    fer.class = (int)config->class;
    fer.bit_rate = config->bit_rate;
    fer.noise_rms = 10; // a jammer 25 dB above its frame is far from clipping
    fer.disturb = disturb;
    fer.ctx = &jam;
    for (uint64_t seed = 1; t.sent < frames; seed++) {
        int rc = fer_stream(&fer, seed, &t, err);
        if (rc < 0) return rc;
    }
    *out = (struct waveform_loss){
        .frames = t.sent,
        .found = (double)t.found / t.sent,
        .plain = 1 - (double)t.plain / t.sent,
        .tracked = 1 - (double)t.tracked / t.sent,
    };
    return ERR_OK;
}

int waveform_half_point(const struct mc_config *config, double near_db, unsigned frames,
                        double *js_db, struct err *err)
{
    const double step = 0.5;
    struct waveform_loss here, next;
    int rc = waveform_measure(config, near_db, frames, &here, err);
    if (rc < 0) return rc;
    double way = here.plain < 0.5 ? step : -step;
    for (double at = near_db; fabs(at - near_db) < 4; at += way, here = next) {
        rc = waveform_measure(config, at + way, frames, &next, err);
        if (rc < 0) return rc;
        if ((here.plain < 0.5) == (next.plain < 0.5)) continue;
        *js_db = at + way * (0.5 - here.plain) / (next.plain - here.plain);
        return ERR_OK;
    }
    return err_set(err, ERR_LIMIT, "%s: half of the frames are lost at no J/S within 4 dB of %g dB",
                   mc_jammer_name(config->jammer), near_db);
}

int waveform_simulated(const struct mc_config *config, unsigned trials, double *js_db,
                       struct err *err)
{
    struct mc_plan plan = {.config = *config, .seed = 1, .trials = trials, .threads = 1};
    struct mc_curves curves;
    double from, to;
    mc_config_range(config->jammer, &from, &to);
    if (config->band_hz < 192e3 && config->jammer != MC_JAMMER_noise) from -= 12;
    for (double p = from; p <= to && plan.points < MC_POINTS_MAX; p += 0.5)
        plan.js_db[plan.points++] = p;
    int rc = mc_run(&plan, &curves, err);
    if (rc < 0) return rc;
    struct mc_crossing x = mc_crossing_find(&plan, curves.lost[0][MC_WAY_FRAME], 0.5, 0.95);
    if (!x.reached || !x.begun)
        return err_set(err, ERR_LIMIT, "%s: the simulated curve does not cross one half",
                       mc_jammer_name(config->jammer));
    *js_db = x.js_db;
    return ERR_OK;
}
