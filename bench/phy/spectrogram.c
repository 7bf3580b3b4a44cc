#include "bench/phy/spectrogram.h"

#include <math.h>
#include <stdlib.h>

#include "bench/phy/fft.h"
#include "bench/phy/iq.h"

enum { FFT_MAX = 1 << 18, CELLS_MAX = 1 << 24 };

static int check(const struct phy_spectrogram_config *c, size_t n, struct err *err)
{
    if (!(c->rate_hz > 0) || !(c->high_hz > c->low_hz) || c->low_hz < -c->rate_hz / 2 ||
        c->high_hz > c->rate_hz / 2)
        return err_set(err, ERR_INVALID,
                       "spectrogram of %.0f to %.0f Hz at %.0f S/s: expected a band inside half "
                       "the rate on either side",
                       c->low_hz, c->high_hz, c->rate_hz);
    if (c->columns < 1 || c->rows < 1 || c->columns > CELLS_MAX / c->rows)
        return err_set(err, ERR_INVALID,
                       "spectrogram of %zu x %zu cells: expected at least 1 and at most %d in all",
                       c->rows, c->columns, CELLS_MAX);
    if (n < 16)
        return err_set(err, ERR_INVALID, "spectrogram of %zu samples: expected at least 16", n);
    return ERR_OK;
}

// One windowed transform that starts at `start`; its bins' powers are added to their columns.
static void add_transform(const struct phy_spectrogram_config *c, struct phy_fft *fft,
                          const float *window, size_t len, const int16_t *iq, size_t n,
                          int64_t start, double *sum, size_t *count)
{
    float complex *in = phy_fft_in(fft);
    for (size_t i = 0; i < len; i++) {
        int64_t k = start + (int64_t)i;
        in[i] = k >= 0 && k < (int64_t)n
                    ? window[i] * CMPLXF((float)iq[2 * k], (float)iq[2 * k + 1])
                    : 0;
    }
    phy_fft_run(fft);
    const float complex *bins = phy_fft_out(fft);
    double bin_hz = c->rate_hz / (double)len,
           column_hz = (c->high_hz - c->low_hz) / (double)c->columns;
    for (size_t i = 0; i < c->columns; i++) {
        // at least the bin nearest to the column's middle, otherwise all that lie inside
        double from = c->low_hz + (double)i * column_hz;
        int64_t a = (int64_t)ceil(from / bin_hz),
                b = (int64_t)ceil((from + column_hz) / bin_hz) - 1;
        if (b < a) a = b = llround((from + column_hz / 2) / bin_hz);
        for (int64_t k = a; k <= b; k++) {
            float complex v = bins[((k % (int64_t)len) + (int64_t)len) % (int64_t)len];
            sum[i] += (double)(crealf(v) * crealf(v) + cimagf(v) * cimagf(v));
            count[i]++;
        }
    }
}

int phy_spectrogram(const struct phy_spectrogram_config *c, const int16_t *iq, size_t n, float *out,
                    struct err *err)
{
    int rc = check(c, n, err);
    if (rc < 0) return rc;

    // A transform about as fine as the columns, and never much longer than four rows: time and
    // frequency share one uncertainty, and a picture wants both.
    double column_hz = (c->high_hz - c->low_hz) / (double)c->columns;
    double want = 1.5 * c->rate_hz / column_hz, rows_4 = 4.0 * (double)n / (double)c->rows;
    double bounded = fmin(fmin(want, fmax(rows_4, 256)), FFT_MAX);
    size_t len = phy_fft_good_size((size_t)fmax(bounded, 16));

    struct phy_fft *fft = NULL;
    float *window = malloc(len * sizeof *window);
    double *sum = malloc(c->columns * sizeof *sum);
    size_t *count = malloc(c->columns * sizeof *count);
    double window_power = 0;
    if (!window || !sum || !count) {
        rc = err_set(err, ERR_NOMEM, "no memory for a spectrogram");
        goto fail;
    }
    rc = phy_fft_new(&fft, len, PHY_FFT_FORWARD, err);
    if (rc < 0) goto fail;
    for (size_t i = 0; i < len; i++) {
        window[i] = (float)(0.5 - 0.5 * cos(2 * M_PI * ((double)i + 0.5) / (double)len));
        window_power += (double)window[i] * (double)window[i];
    }

    double full = IQ_FULL_SCALE_RX;
    // mean bin power of noise -> power in one column
    double scale = column_hz / (c->rate_hz * window_power * full * full);
    for (size_t row = 0; row < c->rows; row++) {
        double from = (double)n * (double)row / (double)c->rows;
        double to = (double)n * (double)(row + 1) / (double)c->rows;
        size_t steps = (size_t)fmin(fmax(1, ceil(2 * (to - from) / (double)len)), 64);
        for (size_t i = 0; i < c->columns; i++) {
            sum[i] = 0;
            count[i] = 0;
        }
        for (size_t s = 0; s < steps; s++) {
            double middle = from + (to - from) * ((double)s + 0.5) / (double)steps;
            add_transform(c, fft, window, len, iq, n, (int64_t)(middle - (double)len / 2), sum,
                          count);
        }
        for (size_t i = 0; i < c->columns; i++) {
            double p = sum[i] / (double)count[i] * scale;
            out[row * c->columns + i] = (float)(10 * log10(fmax(p, 1e-20)));
        }
    }
    rc = ERR_OK;
fail:
    phy_fft_free(fft);
    free(window);
    free(sum);
    free(count);
    return rc;
}
