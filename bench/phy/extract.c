#include "bench/phy/extract.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/window.h"

// Shifts of this part of a PHY_OVERSAMPLE of outputs are finer than any burst's timing.
static const double finest = 1.0 / 16384;

enum { SHIFTS_MIN = 8, SHIFTS_MAX = 512 };

// One low-pass centred `shift` samples behind the middle tap.
static void make_taps(float *taps, size_t n, double shift)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double r = n > 1 ? 2.0 * ((double)i - shift) / (double)(n - 1) - 1 : 0;
        taps[i] = fabs(r) <= 1 ? (float)phy_window_kaiser(r, 6) : 0;
        sum += (double)taps[i];
    }
    for (size_t i = 0; i < n; i++)
        taps[i] = (float)((double)taps[i] / sum);
}

int phy_extract_init(struct phy_extract *x, double rate_hz, double bit_rate, struct err *err)
{
    double symbol = rate_hz / bit_rate;
    *x = (struct phy_extract){.rate_hz = rate_hz, .bit_rate = bit_rate, .n_shifts = SHIFTS_MIN};
    x->n_taps = (size_t)(3.2 * symbol / PHY_OVERSAMPLE) | 1;
    while (x->n_shifts < SHIFTS_MAX && (double)x->n_shifts * symbol * finest < 1)
        x->n_shifts *= 2;
    size_t n = x->n_taps * x->n_shifts;
    x->taps = malloc(n * sizeof *x->taps);
    x->mixed_re = malloc(n * sizeof *x->mixed_re);
    x->mixed_im = malloc(n * sizeof *x->mixed_im);
    x->mixer = malloc(x->n_taps * sizeof *x->mixer);
    x->is_mixed = malloc(x->n_shifts * sizeof *x->is_mixed);
    x->scratch = malloc(x->n_taps * sizeof *x->scratch);
    if (!x->taps || !x->mixed_re || !x->mixed_im || !x->mixer || !x->is_mixed || !x->scratch) {
        size_t n_taps = x->n_taps;
        phy_extract_deinit(x);
        return err_set(err, ERR_NOMEM, "no memory for a filter of %zu taps", n_taps);
    }
    for (size_t s = 0; s < x->n_shifts; s++)
        make_taps(x->taps + s * x->n_taps, x->n_taps,
                  ((double)s + 0.5) / (double)x->n_shifts - 0.5);
    const float *middle = x->taps + x->n_shifts / 2 * x->n_taps;
    for (size_t i = 0; i < x->n_taps; i++)
        x->energy += (double)middle[i] * (double)middle[i];
    return ERR_OK;
}

void phy_extract_deinit(struct phy_extract *x)
{
    if (!x) return;
    free(x->taps);
    free(x->mixed_re);
    free(x->mixed_im);
    free(x->mixer);
    free(x->is_mixed);
    free(x->scratch);
    *x = (struct phy_extract){0};
}

size_t phy_extract_reach(const struct phy_extract *x)
{
    return x->n_taps / 2 + 1;
}

static float complex turn(double cycles)
{
    cycles -= floor(cycles);
    return CMPLXF((float)cos(2 * M_PI * cycles), (float)sin(2 * M_PI * cycles));
}

static void mix_shift(struct phy_extract *x, size_t shift)
{
    const float *taps = x->taps + shift * x->n_taps;
    float *re = x->mixed_re + shift * x->n_taps, *im = x->mixed_im + shift * x->n_taps;
    for (size_t i = 0; i < x->n_taps; i++) {
        re[i] = taps[i] * crealf(x->mixer[i]);
        im[i] = taps[i] * cimagf(x->mixer[i]);
    }
    x->is_mixed[shift] = true;
}

void phy_extract_run(struct phy_extract *x, const struct phy_stream *stream, double start,
                     double f_hz, size_t from, size_t to, float complex *out)
{
    size_t n = x->n_taps;
    int64_t half = (int64_t)(n / 2), origin = llround(start);
    double f = f_hz / x->rate_hz, step = x->rate_hz / (x->bit_rate * PHY_OVERSAMPLE);
    for (size_t i = 0; i < n; i++)
        x->mixer[i] = turn(-f * (double)((int64_t)i - half));
    memset(x->is_mixed, 0, x->n_shifts * sizeof *x->is_mixed);
    for (size_t k = from; k < to; k++) {
        double at = start + ((double)k + 0.5) * step, whole = floor(at + 0.5);
        int64_t center = (int64_t)whole;
        size_t shift = (size_t)((at - whole + 0.5) * (double)x->n_shifts);
        shift = shift < x->n_shifts ? shift : x->n_shifts - 1;
        if (!x->is_mixed[shift]) mix_shift(x, shift);
        const float *re = x->mixed_re + shift * n, *im = x->mixed_im + shift * n;
        const float *s = (const float *)phy_stream_read(stream, center - half, n, x->scratch);
        float rr = 0, ri = 0, ir = 0, ii = 0;
        for (size_t i = 0; i < n; i++) {
            rr += s[2 * i] * re[i];
            ii += s[2 * i + 1] * im[i];
            ri += s[2 * i] * im[i];
            ir += s[2 * i + 1] * re[i];
        }
        out[k] = CMPLXF(rr - ii, ri + ir) * turn(-f * (double)(center - origin));
    }
}
