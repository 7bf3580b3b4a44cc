#include "bench/phy/jam_meter.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "bench/phy/fft.h"
#include "bench/phy/iq.h"

// The mean of all samples' power in the band, each weighed alike, as pulses need it: Parseval over
// one transform.
static int even_power(const struct phy_meter_config *c, const int16_t *iq, size_t n, double *power,
                      struct err *err)
{
    size_t len = phy_fft_good_size(n);
    struct phy_fft *fft = NULL;
    int rc = phy_fft_new(&fft, len, PHY_FFT_FORWARD, err);
    if (rc < 0) return rc;
    float complex *in = phy_fft_in(fft);
    memset(in, 0, len * sizeof *in);
    for (size_t i = 0; i < n; i++)
        in[i] = ((float)iq[2 * i] + I * (float)iq[2 * i + 1]) / (float)IQ_FULL_SCALE_RX;
    phy_fft_run(fft);
    const float complex *out = phy_fft_out(fft);
    double sum = 0;
    for (size_t i = 0; i < len; i++) {
        double f = ((double)i - (i < (len + 1) / 2 ? 0 : (double)len)) * c->rate_hz / (double)len;
        if (f < c->low_hz || f > c->high_hz) continue;
        sum += (double)(crealf(out[i]) * crealf(out[i]) + cimagf(out[i]) * cimagf(out[i]));
    }
    phy_fft_free(fft);
    *power = sum / (double)len / (double)n;
    return ERR_OK;
}

int phy_jam_js(const struct phy_jam_wave *wave, const struct phy_jam_gates *g, const int16_t *iq,
               int64_t first, size_t n, struct phy_js *out, struct err *err)
{
    const double half_hz = phy_jam_wave_bandwidth_hz(wave) / 2;
    const struct phy_meter_config narrow = {g->rate_hz, g->f_hz - g->signal_half_hz,
                                            g->f_hz + g->signal_half_hz};
    const struct phy_meter_config wide = {g->rate_hz, g->f_hz - half_hz, g->f_hz + half_hz};
    const double duty = phy_jam_wave_duty(wave);
    struct phy_gate gate = g->jammer;
    if (duty < 1) { // as many whole periods as there are
        double period = wave->period_s * g->rate_hz;
        gate.n = (size_t)(floor((double)gate.n / period) * period);
    }
    struct phy_power signal, jammer, narrow_noise, wide_noise;
    double j = 0;
    int rc = phy_meter_gate(&narrow, iq, first, n, &g->signal, "signal", &signal, err);
    if (rc < 0) return rc;
    rc = phy_meter_gate(&narrow, iq, first, n, &g->noise, "noise", &narrow_noise, err);
    if (rc < 0) return rc;
    rc = phy_meter_gate(&wide, iq, first, n, &g->noise, "noise", &wide_noise, err);
    if (rc < 0) return rc;
    rc = phy_meter_gate(&wide, iq, first, n, &gate, "jammer", &jammer, err);
    if (rc < 0) return rc;
    rc = even_power(&wide, iq + 2 * (gate.first - first), gate.n, &j, err);
    if (rc < 0) return rc;
    double s = pow(10, signal.dbfs / 10), zs = pow(10, narrow_noise.dbfs / 10);
    double zj = pow(10, wide_noise.dbfs / 10);
    if (!(s >= 2 * zs && j >= 2 * zj))
        return err_set(err, ERR_CHECK,
                       "J/S: expected signal and jammer 3 dB above their noise of %.1f and %.1f "
                       "dBFS at least, measured %.1f and %.1f dBFS; was either of them there?",
                       10 * log10(zs), 10 * log10(zj), 10 * log10(s), 10 * log10(j));
    // Steady power in noise z over m looks varies by 2 z S / m + z^2 / m, a noise jammer's own by
    // its square over its looks besides.
    double s_only = s - zs, j_only = j - zj;
    double s_var = (2 * zs * s_only + zs * zs) / signal.looks + zs * zs / narrow_noise.looks;
    double j_var = (2 * zj * j_only + zj * zj) / jammer.looks + zj * zj / wide_noise.looks;
    if (wave->shape == PHY_JAM_noise)
        j_var += j_only * j_only / fmax(1, wave->band_hz * (double)gate.n / g->rate_hz);
    out->signal_dbfs = 10 * log10(s_only);
    out->jammer_dbfs = 10 * log10(j_only / duty);
    out->noise_dbfs = 10 * log10(zs);
    out->js_db = out->jammer_dbfs - out->signal_dbfs;
    out->u_db = 10 / M_LN10 * sqrt(s_var / (s_only * s_only) + j_var / (j_only * j_only));
    return ERR_OK;
}
