#include "bench/phy/demod.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/extract.h"
#include "bench/phy/fft.h"

enum {
    N_FIT = 1024,        // zero-padded transform of at most PHY_SYMBOLS_MAX symbols
    HEAD_ERRORS_MAX = 8, // differential; more is not a head
    PHASE_SIDE = 12,     // symbols on either side that the phase is smoothed over
    HEAD_STATE = 12,     // symbols of the head that tell the state behind it
    SAMPLES_MAX = (PHY_SYMBOLS_MAX + PHY_DEMOD_TAIL + 32) * PHY_OVERSAMPLE
};

struct phy_demod {
    const struct phy_patterns *patterns;
    struct phy_fft *fft;
    float complex *level; // prefix sums of the samples without their motion
    size_t n_level;
    float complex symbol[PHY_SYMBOLS_MAX];
    float complex squared[PHY_SYMBOLS_MAX];
    float complex carrier[PHY_SYMBOLS_MAX]; // unit phase of the carrier, sign unknown
    float amplitude[PHY_SYMBOLS_MAX];       // along the carrier
    float scratch[PHY_SYMBOLS_MAX];
    bool erased[PHY_SYMBOLS_MAX]; // hit by something that is not noise
};

// A symbol that sticks out by this many medians counts no more than so much, where all are summed.
static const float loud = 2.2f;
// An erased symbol lies so far from where it must: standard deviations of noise squared,
// amplitudes.
static const float erased_noise2 = 22, erased_apart = 0.5f;
// More than this part of all are no rare hits, but the signal itself or a jammer that stays.
static const double erased_most = 0.08;

int phy_demod_new(struct phy_demod **out, const struct phy_patterns *patterns, struct err *err)
{
    struct phy_demod *d = calloc(1, sizeof *d);
    if (!d) return err_set(err, ERR_NOMEM, "no memory for a demodulator");
    d->patterns = patterns;
    d->level = calloc(SAMPLES_MAX + 1, sizeof *d->level);
    int rc = d->level ? phy_fft_new(&d->fft, N_FIT, PHY_FFT_FORWARD, err)
                      : err_set(err, ERR_NOMEM, "no memory for a demodulator");
    if (rc < 0) {
        phy_demod_free(d);
        return rc;
    }
    *out = d;
    return ERR_OK;
}

void phy_demod_free(struct phy_demod *d)
{
    if (!d) return;
    phy_fft_free(d->fft);
    free(d->level);
    free(d);
}

// Takes frequency and drift out of the samples and leaves prefix sums, of which any symbol at any
// (fractional) place is one difference.
static void make_level(struct phy_demod *d, const float complex *y, size_t n, double start,
                       double frequency, double drift, size_t symbols)
{
    size_t need = (size_t)fmax(0, start) + (symbols + PHY_DEMOD_TAIL) * PHY_OVERSAMPLE;
    n = n < need ? n : need;
    // one step of the phase per sample, itself turning slowly
    double u = 1.0 / PHY_OVERSAMPLE, t = (0.5 - start) * u;
    double complex phase = cexp(-2 * M_PI * I * (frequency * t + 0.5 * drift * t * t));
    double complex step = cexp(-2 * M_PI * I * (frequency * u + drift * (t * u + 0.5 * u * u)));
    double complex bend = cexp(-2 * M_PI * I * drift * u * u);
    float complex sum = 0;
    n = n < SAMPLES_MAX ? n : SAMPLES_MAX;
    d->level[0] = 0;
    for (size_t i = 0; i < n; i++) {
        sum += y[i] * (float complex)phase;
        d->level[i + 1] = sum;
        phase *= step;
        step *= bend;
    }
    d->n_level = n;
}

// By a cubic through four prefix sums: by a straight line, the transitions' course between two
// samples would move a strong burst's start.
static float complex level_at(const struct phy_demod *d, double at)
{
    if (at <= 0) return 0;
    if (at >= (double)d->n_level) return d->level[d->n_level];
    size_t i = (size_t)at;
    float u = (float)(at - (double)i);
    const float complex *l = d->level + i;
    if (i < 1 || i + 2 > d->n_level) return l[0] + u * (l[1] - l[0]);
    float complex before = l[0] - l[-1], here = l[1] - l[0], after = l[2] - l[1];
    return l[0] + u * here +
           (u * (u - 1) / 6) * ((u + 1) * (after - here) - (u - 2) * (here - before));
}

static void make_symbols(struct phy_demod *d, double start, size_t n)
{
    float complex before = level_at(d, start);
    for (size_t k = 0; k < n; k++) {
        float complex after = level_at(d, start + (double)(k + 1) * PHY_OVERSAMPLE);
        d->symbol[k] = (after - before) * (1.0f / PHY_OVERSAMPLE);
        before = after;
    }
}

static int by_size(const void *a, const void *b)
{
    float x = *(const float *)a, y = *(const float *)b;
    return x < y ? -1 : x > y;
}

// Of the first n in scratch, which are sorted by it.
static float median(struct phy_demod *d, size_t n)
{
    qsort(d->scratch, n, sizeof *d->scratch, by_size);
    return d->scratch[n / 2];
}

// What a pulse hits is louder than all else; it must not turn the phase of everything around it.
static float loudness_limit(struct phy_demod *d, size_t n)
{
    for (size_t k = 0; k < n; k++)
        d->scratch[k] = cabsf(d->symbol[k]);
    return loud * median(d, n);
}

static void square_symbols(struct phy_demod *d, size_t n)
{
    float most = loudness_limit(d, n);
    for (size_t k = 0; k < n; k++) {
        float m = cabsf(d->symbol[k]);
        d->squared[k] = m > 0 ? d->symbol[k] * d->symbol[k] * (fminf(m, most) / (m * m)) : 0;
    }
}

static double peak_offset(double left, double middle, double right)
{
    double bend = left - 2 * middle + right;
    return bend < 0 ? 0.5 * (left - right) / bend : 0;
}

static double power_at(const float complex *bins, ptrdiff_t m)
{
    float complex v = bins[(m + N_FIT) % N_FIT];
    return (double)(crealf(v) * crealf(v) + cimagf(v) * cimagf(v));
}

// Largest power over frequency for one drift, with the peak interpolated between bins.
static double fit_frequency(struct phy_demod *d, const float complex *z, size_t n, double drift,
                            ptrdiff_t reach, double *frequency)
{
    float complex *in = phy_fft_in(d->fft);
    double middle = ((double)n - 1) / 2;
    double complex phase = cexp(-M_PI * I * drift * middle * middle);
    double complex step = cexp(-M_PI * I * drift * (1 - 2 * middle));
    double complex bend = cexp(-2 * M_PI * I * drift);
    for (size_t k = 0; k < n; k++) {
        in[k] = z[k] * (float complex)phase;
        phase *= step;
        step *= bend;
    }
    phy_fft_run(d->fft); // what follows z is zero
    const float complex *bins = phy_fft_out(d->fft);
    double best = -1;
    ptrdiff_t at = 0;
    for (ptrdiff_t m = -reach; m <= reach; m++) {
        double p = power_at(bins, m);
        if (p > best) {
            best = p;
            at = m;
        }
    }
    *frequency =
        ((double)at + peak_offset(power_at(bins, at - 1), best, power_at(bins, at + 1))) / N_FIT;
    return best;
}

// Finds the frequency (at the middle of z) and drift that make z most coherent; `fold` is 2 when z
// is squared. Adds them to what was taken out already.
static void fit_motion(struct phy_demod *d, const float complex *z, size_t n, int fold,
                       double frequency_max, double drift_max, double *frequency, double *drift)
{
    // Drifts half a radian apart at the ends of z.
    double half = (double)n / 2, step = 0.5 / (M_PI * half * half);
    int side = (int)ceil(drift_max * fold / step);
    side = side < 1 ? 1 : side > 24 ? 24 : side;
    ptrdiff_t reach = (ptrdiff_t)ceil(frequency_max * fold * N_FIT);
    reach = reach < N_FIT / 2 - 1 ? reach : N_FIT / 2 - 1;
    memset(phy_fft_in(d->fft) + n, 0, (N_FIT - n) * sizeof *z);
    double power[49], at[49];
    int best = 0;
    for (int i = 0; i <= 2 * side; i++) {
        power[i] = fit_frequency(d, z, n, (i - side) * step, reach, &at[i]);
        if (power[i] > power[best]) best = i;
    }
    double offset = best > 0 && best < 2 * side
                        ? peak_offset(power[best - 1], power[best], power[best + 1])
                        : 0;
    double found_drift = (best - side + offset) * step / fold, found_f = at[best] / fold;
    // from the middle of z back to its beginning (the middle of the first symbol is 0.5)
    *frequency += found_f - found_drift * half;
    *drift += found_drift;
}

// The carrier's phase at each symbol: half the phase of the squared symbols around it.
static void track_carrier(struct phy_demod *d, size_t n)
{
    float complex sum = 0;
    for (size_t k = 0; k < PHASE_SIDE && k < n; k++)
        sum += d->squared[k];
    double before = 0;
    for (size_t k = 0; k < n; k++) {
        if (k + PHASE_SIDE < n) sum += d->squared[k + PHASE_SIDE];
        if (k > PHASE_SIDE) sum -= d->squared[k - PHASE_SIDE - 1];
        double phase = (double)cargf(sum) / 2;
        if (k) phase = before + remainder(phase - before, M_PI);
        before = phase;
        d->carrier[k] = CMPLXF((float)cos(phase), (float)sin(phase));
        d->amplitude[k] = crealf(d->symbol[k] * conjf(d->carrier[k]));
    }
}

// Energy along the carrier with the decided signs, when symbols begin `shift` samples later.
static double aligned_sum(const struct phy_demod *d, double start, double shift, size_t n)
{
    double sum = 0;
    float complex before = level_at(d, start + shift);
    for (size_t k = 0; k < n; k++) {
        float complex after = level_at(d, start + shift + (double)(k + 1) * PHY_OVERSAMPLE);
        float a = crealf((after - before) * conjf(d->carrier[k]));
        sum += (double)(d->amplitude[k] < 0 ? -a : a);
        before = after;
    }
    return sum;
}

static double late_over_early(const struct phy_demod *d, double start, double shift, double apart,
                              size_t n)
{
    return aligned_sum(d, start, shift + apart, n) - aligned_sum(d, start, shift - apart, n);
}

// Where the sum is as large `apart` before as after. The difference is close to linear there, over
// a triangle (hard keying) and a parabola (shaped transitions) alike: by secants.
static double balance(const struct phy_demod *d, double start, double shift, double apart, size_t n)
{
    double excess = late_over_early(d, start, shift, apart, n);
    double move = excess > 0 ? 0.5 : -0.5;
    for (int round = 0; round < 3; round++) {
        double next = late_over_early(d, start, shift + move, apart, n);
        double slope = (next - excess) / move;
        shift += move;
        excess = next;
        if (slope >= 0) break;
        move = fmax(-1, fmin(1, -excess / slope));
        if (fabs(move) < 1e-4) break;
    }
    return shift + move;
}

// Early against late: a quarter symbol apart, and then an eighth, because further from the
// transitions there is only noise.
static double refine_start(const struct phy_demod *d, double start, size_t n)
{
    double shift = balance(d, start, 0, PHY_OVERSAMPLE / 4.0, n);
    shift = balance(d, start, shift, PHY_OVERSAMPLE / 8.0, n);
    return fabs(shift) < PHY_OVERSAMPLE / 2.0 ? start + shift : start;
}

// With the signs decided, phase is linear regression: one Newton step on frequency and drift.
static void polish_motion(struct phy_demod *d, size_t n, double *frequency, double *drift)
{
    float most = loudness_limit(d, n);
    for (size_t k = 0; k < n; k++) {
        float m = cabsf(d->symbol[k]), weight = m > most ? most / m : 1;
        d->squared[k] = d->symbol[k] * (d->amplitude[k] < 0 ? -weight : weight);
    }
    double f = 0, a = 0;
    fit_motion(d, d->squared, n, 1, 1.0 / N_FIT, 0.5 / (double)(n * n), &f, &a);
    *frequency += f;
    *drift += a;
}

// Finds the symbols that something else has struck: rare, and far from where noise puts them.
static void find_erased(struct phy_demod *d, size_t n)
{
    for (size_t k = 0; k < n; k++)
        d->scratch[k] = fabsf(d->amplitude[k]);
    float amplitude = median(d, n);
    for (size_t k = 0; k < n; k++) {
        float q = cimagf(d->symbol[k] * conjf(d->carrier[k]));
        d->scratch[k] = q * q;
    }
    float noise = median(d, n) / 0.455f; // of a normal variable's square
    size_t count = 0;
    for (size_t k = 0; k < n; k++) {
        float q = cimagf(d->symbol[k] * conjf(d->carrier[k]));
        float along = fabsf(d->amplitude[k]) - amplitude, apart = along * along + q * q;
        d->erased[k] = apart > erased_noise2 * noise &&
                       apart > erased_apart * erased_apart * amplitude * amplitude;
        count += d->erased[k];
    }
    if ((double)count > erased_most * (double)n) memset(d->erased, 0, sizeof d->erased);
}

static float box_plus(float a, float b)
{
    float x = fabsf(a), y = fabsf(b), m = fminf(x, y);
    m += log1pf(expf(-(x + y))) - log1pf(expf(-fabsf(x - y)));
    m = fmaxf(m, 1e-12f); // rounding must not take the sign of what is next to nothing
    return (a < 0) == (b < 0) ? m : -m;
}

// Differential, so that it needs no carrier and counts bits as they are sent.
static unsigned count_head_errors(const struct phy_demod *d, size_t sync, unsigned *doubts)
{
    const float *sign = d->patterns->sign[sync];
    unsigned errors = 0;
    if (doubts) *doubts = 0;
    for (size_t k = 1; k < PHY_HEAD_SYMBOLS; k++) {
        bool same = crealf(d->symbol[k] * conjf(d->symbol[k - 1])) > 0;
        if (same == (sign[k] == sign[k - 1])) continue;
        errors++;
        if (doubts) *doubts += d->erased[k] || d->erased[k - 1];
    }
    return errors;
}

// The state before the body is known from the head's last symbols; all others count from it.
static void make_states(const struct phy_demod *d, size_t sync, float scale,
                        struct phy_demodulated *out)
{
    const float *sign = d->patterns->sign[sync];
    float head = 0;
    for (size_t k = PHY_HEAD_SYMBOLS - HEAD_STATE; k < PHY_HEAD_SYMBOLS; k++)
        head += d->amplitude[k] * sign[k];
    float turn = sign[PHY_HEAD_SYMBOLS - 1] * (head < 0 ? -scale : scale);
    out->state[0] = scale * fabsf(head);
    for (size_t i = 1; i <= out->body_bits; i++)
        out->state[i] = turn * d->amplitude[PHY_HEAD_SYMBOLS - 1 + i];
}

static void make_bits(struct phy_demod *d, size_t sync, size_t n, struct phy_demodulated *out)
{
    double sum = 0, across = 0;
    size_t used = 0;
    find_erased(d, n);
    for (size_t k = 0; k < n; k++) {
        if (d->erased[k]) continue;
        used++;
        float q = cimagf(d->symbol[k] * conjf(d->carrier[k]));
        float m = cabsf(d->symbol[k]);
        sum += (double)(m * m);
        across += (double)(q * q);
    }
    // the smoothed phase follows a little of each symbol's own noise
    double noise = 2 * across / (double)used * (1 + 1.0 / (2 * PHASE_SIDE + 1));
    double energy = sum / (double)used - noise;
    if (noise < 1e-12) noise = 1e-12;
    if (energy < 1e-12) energy = 1e-12;
    out->ebn0 = energy / noise;

    out->head_errors = count_head_errors(d, sync, &out->head_doubts);
    for (size_t i = 0; i <= out->body_bits; i++) {
        size_t k = PHY_HEAD_SYMBOLS - 1 + i;
        out->weak[i] = fabsf(d->amplitude[k]);
        out->erased[i] = d->erased[k];
        out->n_erased += d->erased[k];
    }
    for (size_t k = 0; k < n; k++) // the sign stays, as a guess
        if (d->erased[k]) d->amplitude[k] *= 1e-6f;
    float scale = (float)(4 * sqrt(energy) / noise), scale_plain = (float)(2 / noise);
    for (size_t i = 0; i < out->body_bits; i++) {
        size_t k = PHY_HEAD_SYMBOLS + i;
        out->soft[i] = box_plus(scale * d->amplitude[k], scale * d->amplitude[k - 1]);
        out->soft_plain[i] = scale_plain * crealf(d->symbol[k] * conjf(d->symbol[k - 1]));
    }
    make_states(d, sync, scale, out);
}

bool phy_demod_run(struct phy_demod *d, const float complex *y, size_t n,
                   const struct phy_hypothesis *hypothesis, size_t body_bits,
                   struct phy_demodulated *out)
{
    size_t symbols = PHY_HEAD_SYMBOLS + body_bits;
    double f = hypothesis->frequency, drift = hypothesis->drift, start = hypothesis->start;

    // the head: its signs are known
    make_level(d, y, n, start, f, drift, PHY_HEAD_SYMBOLS);
    make_symbols(d, start, PHY_HEAD_SYMBOLS);
    for (size_t k = 0; k < PHY_HEAD_SYMBOLS; k++)
        d->squared[k] = d->symbol[k] * d->patterns->sign[hypothesis->sync][k];
    fit_motion(d, d->squared, PHY_HEAD_SYMBOLS, 1, 0.04, 0.0025, &f, &drift);
    make_level(d, y, n, start, f, drift, PHY_HEAD_SYMBOLS);
    make_symbols(d, start, PHY_HEAD_SYMBOLS);
    if (count_head_errors(d, hypothesis->sync, NULL) > HEAD_ERRORS_MAX) return false;

    // twice, four times as long, and all of it; what is left to find shrinks each time
    double frequency_max = 0.05, drift_max = 0.0012;
    for (size_t part = 2 * PHY_HEAD_SYMBOLS;; part *= 2) {
        size_t m = part < symbols ? part : symbols;
        make_level(d, y, n, start, f, drift, m);
        make_symbols(d, start, m);
        square_symbols(d, m);
        fit_motion(d, d->squared, m, 2, frequency_max, drift_max, &f, &drift);
        frequency_max /= 2;
        drift_max /= 5;
        if (m == symbols) break;
    }

    for (int round = 0; round < 2; round++) {
        make_level(d, y, n, start, f, drift, symbols);
        make_symbols(d, start, symbols);
        square_symbols(d, symbols);
        track_carrier(d, symbols);
        if (round == 0) {
            double better = refine_start(d, start, symbols);
            f += drift * (better - start) / PHY_OVERSAMPLE;
            start = better;
            make_symbols(d, start, symbols);
            polish_motion(d, symbols, &f, &drift);
        }
    }

    *out = (struct phy_demodulated){
        .start = start, .frequency = f, .drift = drift, .body_bits = body_bits};
    make_bits(d, hypothesis->sync, symbols, out);

    size_t first = (size_t)fmax(0, start), past = first + symbols * PHY_OVERSAMPLE;
    double sum = 0;
    past = past < n ? past : n;
    for (size_t i = first; i < past; i++)
        sum += (double)(crealf(y[i]) * crealf(y[i]) + cimagf(y[i]) * cimagf(y[i]));
    out->power = past > first ? sum / (double)(past - first) : 0;
    return true;
}
