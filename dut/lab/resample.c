#include "dut/lab/resample.h"

#include <math.h>
#include <stdlib.h>

// Reach in units of 1 / band, width of the Kaiser window, places between two samples of the band.
static const double reach_bands = 12, window_beta = 7, cutoff = 0.43;
enum { PHASES_MAX = 64, LANES = 8 };

struct resampler {
    size_t reach;
    size_t row; // floats of a row: every coefficient twice, for I and Q; whole lanes
    size_t phases;
    float *rows; // phases + 1
};

static double bessel_i0(double x)
{
    double sum = 1, term = 1;
    for (int k = 1; term > 1e-12 * sum; k++) {
        term *= (x / (2 * k)) * (x / (2 * k));
        sum += term;
    }
    return sum;
}

static double kernel(double x, double band, double reach)
{
    if (fabs(x) >= reach) return 0;
    double w = x / reach, turn = 2 * M_PI * cutoff * band * x;
    double sinc = turn == 0 ? 1 : sin(turn) / turn;
    return sinc * bessel_i0(window_beta * sqrt(1 - w * w));
}

int resampler_new(struct resampler **out, double band, struct err *err)
{
    struct resampler *r = calloc(1, sizeof *r);
    if (!r) return err_set(err, ERR_NOMEM, "a resampler");
    r->reach = (size_t)ceil(reach_bands / band);
    r->row = (4 * r->reach + LANES - 1) / LANES * LANES;
    r->phases = (size_t)ceil(PHASES_MAX * band) + 1;
    r->rows = calloc((r->phases + 1) * r->row, sizeof *r->rows);
    if (!r->rows) {
        int rc = err_set(err, ERR_NOMEM, "a resampler with %zu taps", 2 * r->reach);
        resampler_free(r);
        return rc;
    }
    for (size_t p = 0; p <= r->phases; p++) {
        float *row = r->rows + p * r->row;
        double first = (double)p / (double)r->phases + (double)r->reach - 1, sum = 0;
        for (size_t k = 0; k < 2 * r->reach; k++)
            sum += kernel(first - (double)k, band, (double)r->reach);
        for (size_t k = 0; k < 2 * r->reach; k++)
            row[2 * k] = row[2 * k + 1] =
                (float)(kernel(first - (double)k, band, (double)r->reach) / sum);
    }
    *out = r;
    return ERR_OK;
}

void resampler_free(struct resampler *r)
{
    if (!r) return;
    free(r->rows);
    free(r);
}

size_t resampler_reach(const struct resampler *r)
{
    return r->reach;
}

void resampler_value(const struct resampler *r, const float *in, ptrdiff_t at, uint32_t part,
                     float out[2])
{
    float place = (float)part * 0x1p-32f * (float)r->phases;
    size_t phase = (size_t)place; // a part just below one rounds up to the last row
    if (phase >= r->phases) phase = r->phases - 1;
    float f = place - (float)phase;
    const float *restrict low = r->rows + phase * r->row, *restrict high = low + r->row;
    const float *restrict x = in + 2 * (at - (ptrdiff_t)r->reach + 1);
    float sum[LANES] = {0};
    for (size_t k = 0; k < r->row; k += LANES)
        for (int l = 0; l < LANES; l++)
            sum[l] += (low[k + l] + f * (high[k + l] - low[k + l])) * x[k + l];
    out[0] = (sum[0] + sum[4]) + (sum[2] + sum[6]);
    out[1] = (sum[1] + sum[5]) + (sum[3] + sum[7]);
}
