#include "bench/phy/extract.h"

#include <math.h>
#include <stdlib.h>

#include "bench/phy/window.h"

int phy_extract_init(struct phy_extract *x, double rate_hz, double bit_rate, struct err *err)
{
    double step = rate_hz / (bit_rate * PHY_OVERSAMPLE);
    *x = (struct phy_extract){.rate_hz = rate_hz, .bit_rate = bit_rate};
    x->n_taps = (size_t)(3.2 * step) | 1;
    x->taps = malloc(x->n_taps * sizeof *x->taps);
    x->mixed_re = malloc(x->n_taps * sizeof *x->mixed_re);
    x->mixed_im = malloc(x->n_taps * sizeof *x->mixed_im);
    x->scratch = malloc(x->n_taps * sizeof *x->scratch);
    if (!x->taps || !x->mixed_re || !x->mixed_im || !x->scratch) {
        phy_extract_deinit(x);
        return err_set(err, ERR_NOMEM, "no memory for a filter of %zu taps", x->n_taps);
    }

    double sum = 0;
    for (size_t i = 0; i < x->n_taps; i++) {
        double r = x->n_taps > 1 ? 2.0 * (double)i / (double)(x->n_taps - 1) - 1 : 0;
        x->taps[i] = (float)phy_window_kaiser(r, 6);
        sum += (double)x->taps[i];
    }
    for (size_t i = 0; i < x->n_taps; i++) {
        x->taps[i] = (float)((double)x->taps[i] / sum);
        x->energy += (double)x->taps[i] * (double)x->taps[i];
    }
    return ERR_OK;
}

void phy_extract_deinit(struct phy_extract *x)
{
    if (!x) return;
    free(x->taps);
    free(x->mixed_re);
    free(x->mixed_im);
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

void phy_extract_run(struct phy_extract *x, const struct phy_stream *stream, double start,
                     double f_hz, size_t from, size_t to, float complex *out)
{
    size_t n = x->n_taps;
    int64_t half = (int64_t)(n / 2), origin = llround(start);
    double f = f_hz / x->rate_hz, step = x->rate_hz / (x->bit_rate * PHY_OVERSAMPLE);
    for (size_t i = 0; i < n; i++) {
        float complex w = x->taps[i] * turn(-f * (double)((int64_t)i - half));
        x->mixed_re[i] = crealf(w);
        x->mixed_im[i] = cimagf(w);
    }
    const float *re = x->mixed_re, *im = x->mixed_im;
    for (size_t k = from; k < to; k++) {
        int64_t center = llround(start + ((double)k + 0.5) * step);
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
