#include "bench/phy/lines.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/extract.h"
#include "bench/phy/fft.h"

enum { LINES_MAX = 3 };

// A line nearer than this (in bit rates) may be the burst's own; one weaker than this part of all
// power does no harm.
static const double nearest = 0.4, least_part = 0.12;

struct phy_lines {
    struct phy_fft *fft;
    size_t n_fft;
};

int phy_lines_new(struct phy_lines **out, size_t n_max, struct err *err)
{
    struct phy_lines *l = calloc(1, sizeof *l);
    if (!l) return err_set(err, ERR_NOMEM, "no memory for a line search");
    l->n_fft = phy_fft_good_size(2 * n_max);
    int rc = phy_fft_new(&l->fft, l->n_fft, PHY_FFT_FORWARD, err);
    if (rc < 0) {
        phy_lines_free(l);
        return rc;
    }
    *out = l;
    return ERR_OK;
}

void phy_lines_free(struct phy_lines *l)
{
    if (!l) return;
    phy_fft_free(l->fft);
    free(l);
}

static double power(float complex v)
{
    return (double)(crealf(v) * crealf(v) + cimagf(v) * cimagf(v));
}

// The strongest line outside the burst's own, in cycles per sample; its bin's power in *peak.
static double find_line(struct phy_lines *l, const float complex *y, size_t n, double *peak)
{
    float complex *in = phy_fft_in(l->fft);
    for (size_t i = 0; i < n; i++) // a window, so that the burst itself does not leak that far
        in[i] = y[i] * (float)(1 - cos(2 * M_PI * ((double)i + 0.5) / (double)n));
    memset(in + n, 0, (l->n_fft - n) * sizeof *in);
    phy_fft_run(l->fft);
    const float complex *bins = phy_fft_out(l->fft);
    size_t own = (size_t)(nearest / PHY_OVERSAMPLE * (double)l->n_fft), best = own;
    for (size_t k = own; k <= l->n_fft - own; k++)
        if (power(bins[k]) > power(bins[best])) best = k;
    double a = sqrt(power(bins[best - 1])), b = sqrt(power(bins[best]));
    double c = sqrt(power(bins[best + 1])), bend = a - 2 * b + c;
    *peak = b * b;
    double at = (double)best + (bend < 0 ? 0.5 * (a - c) / bend : 0);
    if (best > l->n_fft / 2) at -= (double)l->n_fft;
    return at / (double)l->n_fft;
}

static float complex turn(double cycles)
{
    cycles -= floor(cycles);
    return CMPLXF((float)cos(2 * M_PI * cycles), (float)sin(2 * M_PI * cycles));
}

// Amplitude of a line, windowed like the search.
static float complex fit_line(const float complex *y, size_t n, double cycles)
{
    float complex sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += y[i] * turn(-cycles * (double)i) *
               (float)(1 - cos(2 * M_PI * ((double)i + 0.5) / (double)n));
    return sum / (float)n;
}

bool phy_lines_remove(struct phy_lines *l, float complex *y, size_t n)
{
    if (2 * n > l->n_fft || n < PHY_OVERSAMPLE) return false;
    double all = 0;
    for (size_t i = 0; i < n; i++)
        all += power(y[i]);
    for (int round = 0; round < LINES_MAX; round++) {
        double peak, cycles = find_line(l, y, n, &peak);
        if (peak < least_part * all * (double)n) return round > 0;
        float complex amplitude = fit_line(y, n, cycles);
        for (size_t i = 0; i < n; i++)
            y[i] -= amplitude * turn(cycles * (double)i);
        all -= power(amplitude) * (double)n;
    }
    return true;
}
