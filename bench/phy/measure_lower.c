// From the radio's words to the burst at zero frequency, in two steps: `wide` for its spectrum,
// and of that `narrow` for everything in time. Filters are symmetric about the input sample that an
// output stands for, so times stay exact.
#include <math.h>
#include <stdlib.h>

#include "bench/phy/measure_parts.h"
#include "bench/phy/window.h"

enum { TAPS_MAX = 1 << 14, RENEW = 64 };

// In bit rates.
static const double wide_rate = 160, wide_pass = 36, narrow_rate = 64, narrow_pass = 10;
static const double narrow_stop = 18;
static const double stop_db = 80;

static float complex turn(double cycles)
{
    cycles -= floor(cycles);
    return CMPLXF((float)cos(2 * M_PI * cycles), (float)sin(2 * M_PI * cycles));
}

// Without frequency and drift; the phase steps, and is set right now and then.
static void mix(const struct phy_measure_state *m, const int16_t *iq, size_t n, float complex *out)
{
    const struct phy_measure_burst *b = m->burst;
    double rate = m->config->rate_hz;
    for (size_t from = 0; from < n; from += RENEW) {
        double s = ((double)from - b->start_sample) / rate;
        double f = b->f_hz + b->drift_hz_s * (s + 0.5 * RENEW / rate);
        double complex phase = (double complex)turn(-(b->f_hz + 0.5 * b->drift_hz_s * s) * s);
        double complex step = cexp(-2 * M_PI * I * f / rate);
        for (size_t i = from; i < n && i < from + RENEW; i++) {
            out[i] = (float complex)phase * CMPLXF((float)iq[2 * i], (float)iq[2 * i + 1]);
            phase *= step;
        }
    }
}

// Low-pass that keeps `pass` and stops from `stop` on, both parts of the rate; n odd.
static float *design(double pass, double stop, size_t *n, double *energy, struct err *err)
{
    double want = (stop_db - 8) / (2.285 * 2 * M_PI * (stop - pass));
    *n = (size_t)fmin(TAPS_MAX, want) | 1;
    float *taps = malloc(*n * sizeof *taps);
    if (!taps) {
        (void)err_set(err, ERR_NOMEM, "no memory for a filter of %zu taps", *n);
        return NULL;
    }
    double half = (double)(*n - 1) / 2, cut = (pass + stop) / 2, sum = 0;
    for (size_t i = 0; i < *n; i++) {
        double x = (double)i - half, at = 2 * M_PI * cut * x;
        double w = phy_window_kaiser(x / (half + 1), 0.1102 * (stop_db - 8.7));
        taps[i] = (float)(w * (x == 0 ? 1 : sin(at) / at));
        sum += (double)taps[i];
    }
    *energy = 0;
    for (size_t i = 0; i < *n; i++) {
        taps[i] = (float)((double)taps[i] / sum);
        *energy += (double)taps[i] * (double)taps[i];
    }
    return taps;
}

// One output for every `step` inputs; beyond the ends there is silence.
static void decimate(const float complex *x, size_t n, size_t step, const float *taps,
                     size_t n_taps, float complex *out)
{
    size_t half = n_taps / 2;
    for (size_t k = 0; k * step < n; k++) {
        size_t at = k * step, from = at < half ? half - at : 0;
        size_t to = at + half < n ? n_taps : n_taps - (at + half - n + 1);
        const float *v = (const float *)(x + at - half + from);
        const float *h = taps + from;
        float re = 0, im = 0;
        for (size_t i = 0; i < to - from; i++) {
            re += v[2 * i] * h[i];
            im += v[2 * i + 1] * h[i];
        }
        out[k] = CMPLXF(re, im);
    }
}

// `from` is lent; `rate` is how many bit rates of output are wanted at least.
static int lower(const struct phy_lowered *from, double rate, double pass, double stop,
                 struct phy_lowered *out, struct err *err)
{
    size_t step = (size_t)fmax(1, floor(from->per_symbol / rate)), n_taps = 1;
    double lowered = from->per_symbol / (double)step, energy = 1;
    float *taps = NULL;
    stop = stop > 0 ? stop : lowered - pass;
    *out = (struct phy_lowered){.per_symbol = lowered,
                                .origin = from->origin,
                                .pass = fmin(pass, 0.45 * lowered),
                                .n = (from->n + step - 1) / step};
    out->z = malloc(out->n * sizeof *out->z);
    if (!out->z) return err_set(err, ERR_NOMEM, "no memory for %zu samples", out->n);
    if (stop < from->per_symbol / 2) {
        taps = design(pass / from->per_symbol, stop / from->per_symbol, &n_taps, &energy, err);
        if (!taps) return ERR_NOMEM;
    }
    static const float all_pass = 1;
    decimate(from->z, from->n, step, taps ? taps : &all_pass, n_taps, out->z);
    out->noise_width = energy * from->per_symbol;
    free(taps);
    return ERR_OK;
}

int phy_measure_lower(struct phy_measure_state *m, const int16_t *iq, size_t n, struct err *err)
{
    double per_symbol = m->config->rate_hz / m->burst->bit_rate;
    struct phy_lowered mixed = {
        .per_symbol = per_symbol,
        .origin = -m->burst->start_sample / per_symbol,
        .n = n,
        .z = malloc(n * sizeof *mixed.z),
    };
    if (!mixed.z) return err_set(err, ERR_NOMEM, "no memory for %zu samples", n);
    mix(m, iq, n, mixed.z);
    int rc = lower(&mixed, wide_rate, wide_pass, 0, &m->wide, err);
    free(mixed.z);
    if (rc < 0) return rc;
    return lower(&m->wide, narrow_rate, narrow_pass, narrow_stop, &m->narrow, err);
}

size_t phy_lowered_index(const struct phy_lowered *l, double t)
{
    double i = ceil((t - l->origin) * l->per_symbol);
    return i <= 0 ? 0 : i >= (double)l->n ? l->n : (size_t)i;
}

float complex phy_lowered_mean(const struct phy_lowered *l, double a, double b)
{
    // sample i stands for i - 1/2 … i + 1/2
    double x = (a - l->origin) * l->per_symbol + 0.5, y = (b - l->origin) * l->per_symbol + 0.5;
    x = fmax(0, fmin(x, (double)l->n));
    y = fmax(0, fmin(y, (double)l->n));
    if (!(y > x)) return 0;
    size_t i = (size_t)x, k = (size_t)y;
    float re = 0, im = 0;
    for (size_t q = i; q < k; q++) {
        re += crealf(l->z[q]);
        im += cimagf(l->z[q]);
    }
    float complex sum = CMPLXF(re, im) - (float)(x - (double)i) * l->z[i];
    if (k < l->n) sum += (float)(y - (double)k) * l->z[k];
    return sum / (float)(y - x);
}
