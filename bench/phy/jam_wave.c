#include "bench/phy/jam_wave.h"

#include <complex.h>
#include <math.h>
#include <string.h>

#include "bench/base/rng.h"
#include "bench/phy/fft.h"
#include "bench/phy/shape.h"

static const double edge_s = 0.002;     // of the whole burst
static const double noise_rms = 0.4;    // of full scale: 0.2 % of the samples are limited
static const double turn_share = 0.25;  // of a symbol, in which its phase turns
static const double pulse_edge = 0.125; // of a pulse, 2 ms at most

static const char *const names[PHY_JAM_SHAPES] = {
#define SHAPE(name, text) #name,
#include "bench/phy/jam.def"
#undef SHAPE
};

const char *phy_jam_shape_name(enum phy_jam_shape shape)
{
    return names[shape];
}

bool phy_jam_shape_find(const char *name, enum phy_jam_shape *out)
{
    for (int i = 0; i < PHY_JAM_SHAPES; i++)
        if (strcmp(names[i], name) == 0) {
            *out = (enum phy_jam_shape)i;
            return true;
        }
    return false;
}

struct phy_jam_wave phy_jam_wave_default(enum phy_jam_shape shape)
{
    return (struct phy_jam_wave){
        .shape = shape,
        .band_hz = shape == PHY_JAM_noise ? 100 : 80e3,
        .step_hz = 1000,
        .dwell_s = 0.001,
        .period_s = 0.05,
        .on_s = 0.01,
        .bit_rate = 100,
        .seed = 1,
    };
}

struct limit {
    const char *name;
    double value, least, most;
    const char *unit;
};

int phy_jam_wave_check(const struct phy_jam_wave *w, struct err *err)
{
    bool banded = w->shape == PHY_JAM_steps || w->shape == PHY_JAM_sweep;
    bool noise = w->shape == PHY_JAM_noise, steps = w->shape == PHY_JAM_steps;
    bool keyed = w->shape == PHY_JAM_bpsk || w->shape == PHY_JAM_flood;
    bool pulse = w->shape == PHY_JAM_pulse;
    const struct limit limits[] = {
        {"band_hz", banded || noise ? w->band_hz : 1000, noise ? 50 : 1000, 160e3, "Hz"},
        {"step_hz", steps ? w->step_hz : 10, 10, w->band_hz, "Hz"},
        {"dwell_s", steps ? w->dwell_s : 0.001, 0.0005, 0.1, "s"},
        {"period_s", w->shape == PHY_JAM_sweep ? w->period_s : 0.01, 0.005, 1, "s"},
        {"period_s", pulse ? w->period_s : 0.01, 0.002, 0.1, "s"},
        {"on_s", pulse ? w->on_s : 0.001, 0.001, w->period_s, "s"},
        {"bit_rate", keyed ? w->bit_rate : 100, 50, 1000, "bit/s"},
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const struct limit *l = &limits[i];
        bool used = i == 1 ? steps : i == 5 ? pulse : true;
        if (!used || (l->value >= l->least && l->value <= l->most)) continue;
        return err_set(err, ERR_INVALID, "jammer %s: %s: expected %g … %g %s, got %g",
                       names[w->shape], l->name, l->least, l->most, l->unit, l->value);
    }
    return ERR_OK;
}

double phy_jam_wave_duty(const struct phy_jam_wave *w)
{
    return w->shape == PHY_JAM_pulse ? w->on_s / w->period_s : 1;
}

static double pulse_edge_s(const struct phy_jam_wave *w)
{
    return fmin(edge_s, pulse_edge * w->on_s);
}

double phy_jam_wave_bandwidth_hz(const struct phy_jam_wave *w)
{
    const double carrier_hz = 2000; // and its edges
    switch (w->shape) {
    case PHY_JAM_steps:
        return carrier_hz + w->band_hz + 10 / w->dwell_s;
    case PHY_JAM_sweep:
        return carrier_hz + w->band_hz + 4 * sqrt(w->band_hz / w->period_s);
    case PHY_JAM_noise:
        return carrier_hz + w->band_hz;
    case PHY_JAM_bpsk:
    case PHY_JAM_flood:
        return carrier_hz + 8 * w->bit_rate;
    case PHY_JAM_pulse:
        return carrier_hz + 1 / pulse_edge_s(w);
    case PHY_JAM_cw:
    case PHY_JAM_SHAPES:
        break;
    }
    return carrier_hz;
}

// ---- the shapes: what sample k is

struct maker {
    const struct phy_jam_wave *wave;
    double rate_hz;
    uint64_t key;
    double cycles; // phase that a tone has come to
    const float complex *noise;
    double complex (*at)(struct maker *m, size_t k);
    int sign;      // of the last symbol
    size_t symbol; // the last one
};

static double complex turned(double cycles)
{
    return cexp(2 * M_PI * I * (cycles - floor(cycles)));
}

static double complex cw_at(struct maker *m, size_t k)
{
    (void)m;
    (void)k;
    return 1;
}

static double complex tone(struct maker *m, double f_hz)
{
    double complex x = turned(m->cycles);
    m->cycles += f_hz / m->rate_hz;
    m->cycles -= floor(m->cycles);
    return x;
}

static double complex step_at(struct maker *m, size_t k)
{
    const struct phy_jam_wave *w = m->wave;
    double steps = floor(w->band_hz / w->step_hz + 1e-9) + 1;
    double step = fmod(floor((double)k / m->rate_hz / w->dwell_s), steps);
    return tone(m, (step - (steps - 1) / 2) * w->step_hz);
}

static double complex sweep_at(struct maker *m, size_t k)
{
    const struct phy_jam_wave *w = m->wave;
    double periods = (double)k / m->rate_hz / w->period_s;
    return tone(m, w->band_hz * (periods - floor(periods) - 0.5));
}

static double complex noise_at(struct maker *m, size_t k)
{
    double complex x = noise_rms * (double complex)m->noise[k];
    double size = cabs(x);
    return size > 1 ? x / size : x;
}

static bool turns(const struct maker *m, size_t symbol)
{
    const struct phy_jam_wave *w = m->wave;
    if (w->shape == PHY_JAM_flood) return !w->bits[symbol % w->n_bits];
    return rng_u64(m->key, symbol) & 1;
}

// A half cosine from one symbol's value to the next one's, round the time between them.
static double complex keyed_at(struct maker *m, size_t k)
{
    double t = (double)k / m->rate_hz * m->wave->bit_rate;
    for (; m->symbol < (size_t)t; m->symbol++)
        if (turns(m, m->symbol)) m->sign = -m->sign;
    double in = t - floor(t), half = turn_share / 2;
    if (in < half && m->symbol > 0 && turns(m, m->symbol - 1))
        return m->sign * sin(M_PI / 2 * in / half);
    if (in > 1 - half && turns(m, m->symbol)) return m->sign * sin(M_PI / 2 * (1 - in) / half);
    return m->sign;
}

static double complex pulse_at(struct maker *m, size_t k)
{
    const struct phy_jam_wave *w = m->wave;
    double t = (double)k / m->rate_hz;
    double in = t - floor(t / w->period_s) * w->period_s;
    return phy_shape_envelope(in, w->on_s, pulse_edge_s(w));
}

// ---- all of them

// Noise with equal power at every frequency of the band and none outside: a transform of random
// bins. Of unit power; *fft owns it.
static int make_noise(struct maker *m, size_t n, struct phy_fft **fft, struct err *err)
{
    size_t len = phy_fft_good_size(n);
    int rc = phy_fft_new(fft, len, PHY_FFT_BACKWARD, err);
    if (rc < 0) return rc;
    float complex *in = phy_fft_in(*fft);
    memset(in, 0, len * sizeof *in);
    long reach = (long)floor(m->wave->band_hz / 2 / m->rate_hz * (double)len);
    double rms = sqrt(0.5 / (double)(2 * reach + 1));
    for (long b = -reach; b <= reach; b++) {
        uint64_t index = 2 * (uint64_t)(b + reach);
        in[b < 0 ? b + (long)len : b] =
            (float complex)(rms * (rng_normal(m->key, index) + I * rng_normal(m->key, index + 1)));
    }
    phy_fft_run(*fft);
    m->noise = phy_fft_out(*fft);
    return ERR_OK;
}

int phy_jam_wave_make(const struct phy_jam_wave *w, double rate_hz, size_t n, struct bytes *out_iq,
                      double *power, struct err *err)
{
    enum { CHUNK = 1024 };
    static double complex (*const shapes[PHY_JAM_SHAPES])(struct maker *, size_t) = {
        [PHY_JAM_cw] = cw_at,       [PHY_JAM_steps] = step_at, [PHY_JAM_sweep] = sweep_at,
        [PHY_JAM_noise] = noise_at, [PHY_JAM_bpsk] = keyed_at, [PHY_JAM_flood] = keyed_at,
        [PHY_JAM_pulse] = pulse_at};
    int rc = phy_jam_wave_check(w, err);
    if (rc < 0) return rc;
    if (w->shape == PHY_JAM_flood && (!w->bits || w->n_bits == 0))
        return err_set(err, ERR_INVALID, "jammer flood: expected bits to repeat, got none");
    if (!(phy_jam_wave_bandwidth_hz(w) <= rate_hz && 2 * edge_s * rate_hz <= (double)n))
        return err_set(err, ERR_INVALID,
                       "jammer %s: expected samples of %.0f Hz at least, and %.0f of them for its "
                       "edges, got %.0f Hz and %zu",
                       names[w->shape], phy_jam_wave_bandwidth_hz(w), ceil(2 * edge_s * rate_hz),
                       rate_hz, n);
    struct maker m = {.wave = w,
                      .rate_hz = rate_hz,
                      .key = rng_key(w->seed, "jammer"),
                      .at = shapes[w->shape],
                      .sign = 1};
    struct phy_fft *fft = NULL;
    if (w->shape == PHY_JAM_noise) rc = make_noise(&m, n, &fft, err);
    double sum = 0, edges = edge_s * rate_hz;
    int16_t iq[2 * CHUNK];
    for (size_t k = 0; rc == ERR_OK && k < n;) {
        size_t here = 0;
        for (; here < CHUNK && k < n; here++, k++) {
            double complex x = m.at(&m, k);
            sum += creal(x) * creal(x) + cimag(x) * cimag(x);
            phy_shape_put(iq + 2 * here, x * phy_shape_envelope((double)k, (double)(n - 1), edges));
        }
        rc = bytes_append(out_iq, iq, 2 * here * sizeof *iq, err);
    }
    phy_fft_free(fft);
    if (rc == ERR_OK && power) *power = sum / (double)n / phy_jam_wave_duty(w);
    return rc;
}
