#include "bench/phy/meter.h"

#include <complex.h>
#include <math.h>

#include "bench/phy/fft.h"
#include "bench/phy/iq.h"

enum { FFT_MIN = 256, FFT_MAX = 1 << 16 };

// The mean over all whole windows of the stretch, which overlap by half; each is a transform under
// a Hann window, whose bins inside the band are summed. The window's tails reach two bins.
static double band_power(struct phy_fft *fft, size_t len, const struct phy_meter_config *c,
                         const int16_t *iq, size_t n, size_t *windows)
{
    float complex *in = phy_fft_in(fft);
    double weight = 0, sum = 0;
    for (size_t i = 0; i < len; i++) {
        double w = sin(M_PI * ((double)i + 0.5) / (double)len);
        weight += w * w * w * w;
    }
    *windows = 0;
    for (size_t k = 0; k + len <= n; k += len / 2, ++*windows) {
        for (size_t i = 0; i < len; i++) {
            double w = sin(M_PI * ((double)i + 0.5) / (double)len);
            const int16_t *x = iq + 2 * (k + i);
            in[i] = (float)(w * w / IQ_FULL_SCALE_RX) * ((float)x[0] + I * (float)x[1]);
        }
        phy_fft_run(fft);
        const float complex *out = phy_fft_out(fft);
        for (size_t i = 0; i < len; i++) {
            double f =
                ((double)i - (i < (len + 1) / 2 ? 0 : (double)len)) * c->rate_hz / (double)len;
            if (f < c->low_hz || f > c->high_hz) continue;
            sum += (double)(crealf(out[i]) * crealf(out[i]) + cimagf(out[i]) * cimagf(out[i]));
        }
    }
    return sum / ((double)len * weight * (double)*windows);
}

int phy_meter_power(const struct phy_meter_config *c, const int16_t *iq, size_t n,
                    struct phy_power *out, struct err *err)
{
    double band_hz = c->high_hz - c->low_hz;
    if (!(c->rate_hz > 0 && band_hz > 0 && c->low_hz >= -c->rate_hz / 2 &&
          c->high_hz <= c->rate_hz / 2))
        return err_set(err, ERR_INVALID,
                       "power meter: expected a band inside +-%.0f Hz, got %+.0f to %+.0f Hz",
                       c->rate_hz / 2, c->low_hz, c->high_hz);
    // Fine enough for eight bins in the band, so that the window's tails hardly matter.
    double bins = fmax(FFT_MIN, 8 * c->rate_hz / band_hz);
    if (!(bins <= (double)n && bins <= FFT_MAX))
        return err_set(err, ERR_INVALID,
                       "power meter: a band of %.0f Hz needs %.0f samples at least (%d at most), "
                       "got %zu; widen the band or the gate",
                       band_hz, bins, FFT_MAX, n);
    size_t len = (size_t)ceil(bins);
    while (2 * len <= n && 2 * len <= FFT_MAX / 4)
        len *= 2;
    struct phy_fft *fft = NULL;
    int rc = phy_fft_new(&fft, len, PHY_FFT_FORWARD, err);
    if (rc < 0) return rc;
    size_t windows = 0;
    double power = band_power(fft, len, c, iq, n, &windows);
    phy_fft_free(fft);
    out->dbfs = 10 * log10(fmax(power, 1e-20));
    out->looks = fmax(1, band_hz * (double)n / c->rate_hz);
    int hit = 0;
    for (size_t i = 0; i < 2 * n; i++)
        hit |= (iq[i] >= IQ_FULL_SCALE_RX) | (iq[i] <= -IQ_FULL_SCALE_RX);
    out->clipped = hit != 0;
    return ERR_OK;
}

int phy_meter_gate(const struct phy_meter_config *c, const int16_t *iq, int64_t first, size_t n,
                   const struct phy_gate *g, const char *name, struct phy_power *out,
                   struct err *err)
{
    if (g->first < first || g->n > n || g->first - first > (int64_t)(n - g->n))
        return err_set(
            err, ERR_INVALID,
            "J/S: the %s gate (%zu samples from %lld) lies outside the capture (%zu from "
            "%lld)",
            name, g->n, (long long)g->first, n, (long long)first);
    int rc = phy_meter_power(c, iq + 2 * (g->first - first), g->n, out, err);
    if (rc < 0) {
        (void)err_prefix(err, "J/S, %s gate", name);
        return rc;
    }
    if (out->clipped)
        return err_set(err, ERR_INVALID,
                       "J/S: the %s gate holds samples at full scale, so its power is not known; "
                       "lower the receive gain",
                       name);
    return ERR_OK;
}
