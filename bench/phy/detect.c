#include "bench/phy/detect.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/fft.h"

enum {
    NOISE_BINS = 256, // one noise estimate for so many bins: eight bit rates
    NOISE_PICKS = 64, // how many of them the median looks at
    NOISE_EVERY = 4,  // windows between updates
    SKIP = 64         // bins whose maximum is compared with the threshold at once
};

// Of noise alone, 192 kHz pass this threshold about five times a second.
static const float threshold = 14;
// One line without the other is a carrier, not a preamble.
static const float balance_min = 0.08f;

struct phy_detector {
    double bin_hz;
    size_t n_fft;
    size_t window_len;
    size_t hop;
    int64_t first_bin; // of the searched band
    size_t n_bins;
    size_t line;   // bins between carrier and line
    size_t radius; // a peak is the largest of so many bins on either side
    int64_t frame;
    float *window;
    double window_energy;
    float *magnitude;   // n_bins + 2 * line
    float *score[3];    // of the last three windows, frame % 3
    float *noise_at[3]; // the noise estimates that went with them
    float *noise;       // mean power of a bin, per NOISE_BINS
    size_t n_noise;
    struct phy_fft *fft;
};

int phy_detector_new(struct phy_detector **out, double rate_hz, double bit_rate, double low_hz,
                     double high_hz, struct err *err)
{
    struct phy_detector *d = calloc(1, sizeof *d);
    if (!d) return err_set(err, ERR_NOMEM, "no memory for a detector");

    int rc = ERR_OK;
    double symbol = rate_hz / bit_rate;
    d->n_fft = phy_fft_good_size((size_t)(32 * symbol));
    d->bin_hz = rate_hz / (double)d->n_fft;
    d->window_len = (size_t)(PHY_DETECT_SYMBOLS * symbol);
    d->hop = (size_t)llround(PHY_DETECT_HOP_SYMBOLS * symbol);
    d->first_bin = (int64_t)ceil(low_hz / d->bin_hz);
    d->n_bins = (size_t)((int64_t)floor(high_hz / d->bin_hz) - d->first_bin + 1);
    d->line = (size_t)lround(bit_rate / 4 / d->bin_hz);
    d->radius = (size_t)(0.15 * bit_rate / d->bin_hz);
    d->n_noise = (d->n_bins + NOISE_BINS - 1) / NOISE_BINS;
    if (low_hz >= high_hz || d->n_bins > d->n_fft) {
        rc = err_set(err, ERR_INVALID, "a search from %.0f to %.0f Hz at %.0f S/s finds nothing",
                     low_hz, high_hz, rate_hz);
        goto fail;
    }

    d->window = malloc(d->window_len * sizeof *d->window);
    d->magnitude = calloc(d->n_bins + 2 * d->line, sizeof *d->magnitude);
    d->noise = calloc(d->n_noise, sizeof *d->noise);
    bool memory = d->window && d->magnitude && d->noise;
    for (int i = 0; i < 3; i++) {
        d->score[i] = calloc(d->n_bins, sizeof *d->score[i]);
        d->noise_at[i] = calloc(d->n_noise, sizeof *d->noise_at[i]);
        memory = memory && d->score[i] && d->noise_at[i];
    }
    if (!memory) {
        rc = err_set(err, ERR_NOMEM, "no memory for a detector of %zu bins", d->n_bins);
        goto fail;
    }
    rc = phy_fft_new(&d->fft, d->n_fft, PHY_FFT_FORWARD, err);
    if (rc < 0) goto fail;
    for (size_t i = 0; i < d->window_len; i++) {
        d->window[i] = (float)sin(M_PI * ((double)i + 0.5) / (double)d->window_len);
        d->window_energy += (double)d->window[i] * (double)d->window[i];
    }
    *out = d;
    return ERR_OK;
fail:
    phy_detector_free(d);
    return rc;
}

void phy_detector_free(struct phy_detector *d)
{
    if (!d) return;
    phy_fft_free(d->fft);
    free(d->window);
    free(d->magnitude);
    free(d->noise);
    for (int i = 0; i < 3; i++) {
        free(d->score[i]);
        free(d->noise_at[i]);
    }
    free(d);
}

size_t phy_detector_window(const struct phy_detector *d)
{
    return d->window_len;
}

size_t phy_detector_hop(const struct phy_detector *d)
{
    return d->hop;
}

static void transform(struct phy_detector *d, const float complex *stream)
{
    float *in = (float *)phy_fft_in(d->fft);
    const float *s = (const float *)stream;
    for (size_t i = 0; i < d->window_len; i++) {
        in[2 * i] = s[2 * i] * d->window[i];
        in[2 * i + 1] = s[2 * i + 1] * d->window[i];
    }
    phy_fft_run(d->fft); // the rest of its input stays zero
}

static void take_magnitudes(struct phy_detector *d)
{
    size_t n_fft = d->n_fft;
    int64_t len = (int64_t)n_fft, first = d->first_bin - (int64_t)d->line;
    size_t at = (size_t)((first % len + len) % len), done = 0, left = d->n_bins + 2 * d->line;
    while (left) {
        size_t run = n_fft - at < left ? n_fft - at : left;
        const float *bins = (const float *)(phy_fft_out(d->fft) + at);
        float *to = d->magnitude + done;
        for (size_t i = 0; i < run; i++)
            to[i] = sqrtf(bins[2 * i] * bins[2 * i] + bins[2 * i + 1] * bins[2 * i + 1]);
        at = 0;
        done += run;
        left -= run;
    }
}

static float median(float *v, size_t n)
{
    size_t want = n / 2, low = 0, high = n - 1;
    while (low < high) { // Hoare's selection
        float pivot = v[(low + high) / 2];
        size_t i = low - 1, j = high + 1;
        for (;;) {
            do
                i++;
            while (v[i] < pivot);
            do
                j--;
            while (v[j] > pivot);
            if (i >= j) break;
            float t = v[i];
            v[i] = v[j];
            v[j] = t;
        }
        // now v[low … j] <= pivot <= v[j + 1 … high]
        if (want <= j)
            high = j;
        else
            low = j + 1;
    }
    return v[want];
}

// The median over frequency is blind to bursts, which fill few of its bins. It follows the past, so
// that a jammer does not raise it at once, and its neighbours, so that one wide signal does not.
static void update_noise(struct phy_detector *d)
{
    float picks[NOISE_PICKS];
    for (size_t b = 0; b < d->n_noise; b++) {
        size_t from = b * NOISE_BINS,
               to = from + NOISE_BINS < d->n_bins ? from + NOISE_BINS : d->n_bins;
        if (to - from < NOISE_BINS / 4 && d->n_bins >= NOISE_BINS) from = to - NOISE_BINS / 4;
        size_t stride = (to - from + NOISE_PICKS - 1) / NOISE_PICKS, n = 0;
        for (size_t i = from; i < to && n < NOISE_PICKS; i += stride)
            picks[n++] = d->magnitude[i + d->line];
        float m = median(picks, n);
        float power = m * m / (float)M_LN2; // Rayleigh: median^2 = ln 2 * mean power
        // quantisation to whole units alone makes a variance of 1/6
        float least = (float)(d->window_energy / 6);
        if (power < least) power = least;
        float before = d->noise[b];
        d->noise[b] = before > 0 ? 0.75f * before + 0.25f * fminf(power, 4 * before) : power;
    }
}

static float noise_of(const struct phy_detector *d, size_t b)
{
    float v = d->noise[b];
    if (b == 0 || b + 1 == d->n_noise) return v;
    float p = d->noise[b - 1], q = d->noise[b + 1];
    return fmaxf(fminf(v, fmaxf(p, q)), fminf(p, q));
}

static void score_frame(struct phy_detector *d)
{
    float *score = d->score[d->frame % 3], *noise = d->noise_at[d->frame % 3];
    for (size_t b = 0; b < d->n_noise; b++) {
        noise[b] = noise_of(d, b);
        float scale = 0.5f / noise[b];
        size_t from = b * NOISE_BINS,
               to = from + NOISE_BINS < d->n_bins ? from + NOISE_BINS : d->n_bins;
        const float *lower = d->magnitude, *upper = d->magnitude + 2 * d->line;
        for (size_t i = from; i < to; i++) {
            float sum = lower[i] + upper[i], least = lower[i] < upper[i] ? lower[i] : upper[i];
            score[i] = least < balance_min * sum ? 0 : sum * sum * scale;
        }
    }
}

static int by_score(const void *a, const void *b)
{
    const struct phy_candidate *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? 1 : -1;
    return x->f_hz < y->f_hz ? -1 : x->f_hz > y->f_hz;
}

static size_t add_candidate(struct phy_candidate *out, size_t n, struct phy_candidate c)
{
    if (n < PHY_CANDIDATES_MAX) {
        out[n] = c;
        return n + 1;
    }
    size_t weakest = 0;
    for (size_t i = 1; i < n; i++)
        if (out[i].score < out[weakest].score) weakest = i;
    if (c.score > out[weakest].score) out[weakest] = c;
    return n;
}

// Local maxima of the window before the last, over frequency and over its two neighbours.
static size_t find_peaks(const struct phy_detector *d, struct phy_candidate *out)
{
    int64_t frame = d->frame - 1;
    const float *here = d->score[frame % 3], *after = d->score[(frame + 1) % 3];
    const float *before = d->score[(frame + 2) % 3]; // all zero before the first window
    size_t n = 0;
    for (size_t s = 0; s < d->n_bins; s += SKIP) {
        size_t e = s + SKIP < d->n_bins ? s + SKIP : d->n_bins;
        float top = 0;
        for (size_t i = s; i < e; i++)
            top = here[i] > top ? here[i] : top;
        if (top < threshold) continue;
        for (size_t i = s; i < e; i++) {
            float v = here[i];
            if (v < threshold) continue;
            size_t a = i < d->radius ? 0 : i - d->radius;
            size_t b = i + d->radius < d->n_bins ? i + d->radius : d->n_bins - 1;
            bool peak = true;
            for (size_t j = a; j <= b && peak; j++)
                peak = here[j] <= v && before[j] <= v && after[j] < v;
            if (!peak) continue;
            double noise = (double)d->noise_at[frame % 3][i / NOISE_BINS] / d->window_energy;
            n = add_candidate(out, n,
                              (struct phy_candidate){
                                  .frame = frame,
                                  .f_hz = (double)(d->first_bin + (int64_t)i) * d->bin_hz,
                                  .score = (double)v,
                                  .noise = noise,
                              });
        }
    }
    qsort(out, n, sizeof *out, by_score);
    return n;
}

size_t phy_detector_step(struct phy_detector *d, const float complex *window,
                         struct phy_candidate *out)
{
    transform(d, window);
    take_magnitudes(d);
    if (d->frame % NOISE_EVERY == 0) update_noise(d);
    score_frame(d);
    size_t n = d->frame > 0 ? find_peaks(d, out) : 0;
    d->frame++;
    return n;
}
