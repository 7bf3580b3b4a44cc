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

static int gate_power(const struct phy_meter_config *c, const int16_t *iq, int64_t first, size_t n,
                      const struct phy_gate *g, const char *name, double *power, double *looks,
                      struct err *err)
{
    if (g->first < first || g->n > n || g->first - first > (int64_t)(n - g->n))
        return err_set(err, ERR_INVALID,
                       "J/S: the %s gate (%zu samples from %lld) lies outside the capture (%zu "
                       "from %lld)",
                       name, g->n, (long long)g->first, n, (long long)first);
    struct phy_power p;
    int rc = phy_meter_power(c, iq + 2 * (g->first - first), g->n, &p, err);
    if (rc < 0) {
        (void)err_prefix(err, "J/S, %s gate", name);
        return rc;
    }
    if (p.clipped)
        return err_set(err, ERR_INVALID,
                       "J/S: the %s gate holds samples at full scale, so its power is not known; "
                       "lower the receive gain",
                       name);
    *power = pow(10, p.dbfs / 10);
    *looks = p.looks;
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
    double s = 0, j = 0, zs = 0, zj = 0, s_looks = 0, j_looks = 0, zs_looks = 0, zj_looks = 0;
    int rc = gate_power(&narrow, iq, first, n, &g->signal, "signal", &s, &s_looks, err);
    if (rc < 0) return rc;
    rc = gate_power(&narrow, iq, first, n, &g->noise, "noise", &zs, &zs_looks, err);
    if (rc < 0) return rc;
    rc = gate_power(&wide, iq, first, n, &g->noise, "noise", &zj, &zj_looks, err);
    if (rc < 0) return rc;
    rc = gate_power(&wide, iq, first, n, &gate, "jammer", &j, &j_looks, err);
    if (rc < 0) return rc;
    rc = even_power(&wide, iq + 2 * (gate.first - first), gate.n, &j, err);
    if (rc < 0) return rc;
    if (!(s >= 2 * zs && j >= 2 * zj))
        return err_set(err, ERR_CHECK,
                       "J/S: expected signal and jammer 3 dB above their noise of %.1f and %.1f "
                       "dBFS at least, measured %.1f and %.1f dBFS; was either of them there?",
                       10 * log10(zs), 10 * log10(zj), 10 * log10(s), 10 * log10(j));
    // Steady power in noise z over m looks varies by 2 z S / m + z^2 / m, a noise jammer's own by
    // its square over its looks besides.
    double s_only = s - zs, j_only = j - zj;
    double s_var = (2 * zs * s_only + zs * zs) / s_looks + zs * zs / zs_looks;
    double j_var = (2 * zj * j_only + zj * zj) / j_looks + zj * zj / zj_looks;
    if (wave->shape == PHY_JAM_noise)
        j_var += j_only * j_only / fmax(1, wave->band_hz * (double)gate.n / g->rate_hz);
    out->signal_dbfs = 10 * log10(s_only);
    out->jammer_dbfs = 10 * log10(j_only / duty);
    out->noise_dbfs = 10 * log10(zs);
    out->js_db = out->jammer_dbfs - out->signal_dbfs;
    out->u_db = 10 / M_LN10 * sqrt(s_var / (s_only * s_only) + j_var / (j_only * j_only));
    return ERR_OK;
}
