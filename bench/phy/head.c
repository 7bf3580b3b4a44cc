#include "bench/phy/head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/extract.h"
#include "bench/phy/kernel.h"

enum {
    N_SAMPLES = PHY_HEAD_SPAN * PHY_OVERSAMPLE,
    STRIDE = PHY_OVERSAMPLE / 8,                        // timing grid: 1/8 symbol
    N_SUMS = (N_SAMPLES - PHY_OVERSAMPLE) / STRIDE + 1, // one-symbol sums on that grid
    N_STARTS = (PHY_HEAD_SPAN - PHY_HEAD_SYMBOLS - 1) * 8,
    PER_SYMBOL = PHY_OVERSAMPLE / STRIDE,
    SIDE = 5, // frequencies on either side of 0
    FREQUENCIES = 2 * SIDE + 1,
    DRIFTS_MAX = 5
};

static const double frequency_step = 0.0125;
// A coherent sum of noise alone exceeds this many times its mean by chance e^-22 of the time.
static const double gate = 22;
// A burst reaches this part of the gate even with the wrong drift; noise seldom does.
static const double first_part = 0.6;
// Of the energy in the head's symbols, the part that must fit the hypothesis: g / (1 + g) at Eb/N0
// g. A strong burst's sidelobes pass the gate above, but do not fit.
static const double fit_part = 0.3;
// Starts whose preamble alone is weaker than this part of the best are not worth the types.
static const float preamble_part = 0.45f;
// Bounds leave room for what single precision rounds.
static const double rounding = 1 - 1e-4;

struct phy_head_search {
    const struct phy_patterns *patterns;
    size_t n_drifts;
    double drift[DRIFTS_MAX];           // the first is 0
    float complex *bend[DRIFTS_MAX];    // what takes each out, per sample; none for 0
    float complex level[N_SAMPLES + 1]; // samples without the hypothesis' drift, as prefix sums
    float re[N_SUMS], im[N_SUMS];       // mean over one symbol, on the timing grid
    float size[N_SUMS];                 // its amplitude
    float energy[N_STARTS];             // of the 33 symbols from each start
    float reach[N_STARTS];              // what its type's symbols can add to an amplitude at most
    float least[N_STARTS];              // a preamble of less power leads to nothing
    // Turns of the symbols, one row a frequency from 0 on; the common symbols' signs are in them.
    float cosine[SIDE + 1][PHY_HEAD_SYMBOLS], sine[SIDE + 1][PHY_HEAD_SYMBOLS];
    // Coherent sum of the common symbols, and its power, per start.
    float preamble[FREQUENCIES][2][N_STARTS], power[FREQUENCIES][N_STARTS];
    float signs[PHY_HEAD_SYMBOLS][PHY_SYNC_MAX]; // per symbol; no type repeats the first one
};

void phy_patterns_init(struct phy_patterns *p, const struct phy_sync *syncs, size_t n)
{
    memset(p, 0, sizeof *p);
    p->n = n;
    for (size_t s = 0; s < n; s++) {
        float sign = 1;
        p->sign[s][0] = sign;
        for (size_t k = 1; k < PHY_HEAD_SYMBOLS; k++) {
            if (!(syncs[s].head >> (PHY_HEAD_SYMBOLS - 1 - k) & 1)) sign = -sign; // 0 flips
            p->sign[s][k] = sign;
        }
    }
    p->common = PHY_HEAD_SYMBOLS;
    for (size_t s = 1; s < n; s++) {
        size_t same = 0;
        while (same < p->common && p->sign[s][same] == p->sign[0][same])
            same++;
        p->common = same;
    }
}

static float complex turn(double cycles)
{
    cycles -= floor(cycles);
    return CMPLXF((float)cos(2 * M_PI * cycles), (float)sin(2 * M_PI * cycles));
}

// Time from which a hypothesis' drift counts, so that drift and frequency are independent there.
static double pivot(void)
{
    return PHY_HEAD_LEAD * PHY_OVERSAMPLE + PHY_HEAD_SYMBOLS * PHY_OVERSAMPLE / 2.0;
}

static float complex *make_bend(double drift)
{
    float complex *bend = malloc(N_SAMPLES * sizeof *bend);
    for (size_t i = 0; bend && i < N_SAMPLES; i++) {
        double t = ((double)i + 0.5 - pivot()) / PHY_OVERSAMPLE;
        bend[i] = turn(-0.5 * drift * t * t);
    }
    return bend;
}

static void make_turns(struct phy_head_search *h)
{
    const struct phy_patterns *p = h->patterns;
    for (size_t f = 0; f <= SIDE; f++)
        for (size_t k = 0; k < PHY_HEAD_SYMBOLS; k++) {
            float complex w = turn((double)f * frequency_step * (double)k);
            float sign = k < p->common ? p->sign[0][k] : 1;
            h->cosine[f][k] = sign * crealf(w);
            h->sine[f][k] = sign * cimagf(w);
        }
    for (size_t k = 0; k < PHY_HEAD_SYMBOLS; k++)
        for (size_t s = 0; s < PHY_SYNC_MAX; s++)
            h->signs[k][s] = p->sign[s < p->n ? s : 0][k];
}

int phy_head_search_new(struct phy_head_search **out, const struct phy_patterns *patterns,
                        double drift_max, struct err *err)
{
    struct phy_head_search *h = calloc(1, sizeof *h);
    if (!h) return err_set(err, ERR_NOMEM, "no memory for a head search");
    h->patterns = patterns;
    // At most a tenth of a cycle squared-phase error at the head's ends between two grid points.
    double half = PHY_HEAD_SYMBOLS / 2.0, step = 2 * 0.14 * 2 / (half * half);
    size_t side = (size_t)fmin(ceil(fmax(0, drift_max - step / 2) / step), DRIFTS_MAX / 2);
    h->n_drifts = 2 * side + 1;
    for (size_t i = 0; i < h->n_drifts; i++)
        h->drift[i] = (i % 2 ? 1 : -1) * drift_max * (double)((i + 1) / 2) / ((double)side + 0.5);

    int rc = ERR_OK;
    for (size_t i = 1; i < h->n_drifts; i++) {
        h->bend[i] = make_bend(h->drift[i]);
        if (!h->bend[i]) rc = ERR_NOMEM;
    }
    if (rc < 0) {
        phy_head_search_free(h);
        return err_set(err, ERR_NOMEM, "no memory for a head search");
    }
    make_turns(h);
    *out = h;
    return ERR_OK;
}

void phy_head_search_free(struct phy_head_search *h)
{
    if (!h) return;
    for (size_t i = 0; i < DRIFTS_MAX; i++)
        free(h->bend[i]);
    free(h);
}

static void make_sums(struct phy_head_search *h, const float complex *y, const float complex *bend)
{
    float complex sum = 0;
    h->level[0] = 0;
    for (size_t i = 0; i < N_SAMPLES; i++) {
        sum += bend ? y[i] * bend[i] : y[i];
        h->level[i + 1] = sum;
    }
    for (size_t i = 0; i < N_SUMS; i++) {
        float complex v = (h->level[i * STRIDE + PHY_OVERSAMPLE] - h->level[i * STRIDE]) *
                          (1.0f / PHY_OVERSAMPLE);
        h->re[i] = crealf(v);
        h->im[i] = cimagf(v);
    }
    float power[N_SUMS];
    for (size_t i = 0; i < N_SUMS; i++) {
        power[i] = h->re[i] * h->re[i] + h->im[i] * h->im[i];
        h->size[i] = sqrtf(power[i]);
    }
    memset(h->energy, 0, sizeof h->energy);
    memset(h->reach, 0, sizeof h->reach);
    for (size_t k = 0; k < PHY_HEAD_SYMBOLS; k++)
        for (size_t i = 0; i < N_STARTS; i++)
            h->energy[i] += power[i + k * PER_SYMBOL];
    for (size_t k = h->patterns->common; k < PHY_HEAD_SYMBOLS; k++)
        for (size_t i = 0; i < N_STARTS; i++)
            h->reach[i] += h->size[i + k * PER_SYMBOL];
}

// Coherent sums of the common symbols for every start and frequency; returns the largest power.
static float sum_preambles(struct phy_head_search *h)
{
    struct phy_kernel_preamble p = {
        .re = h->re, .im = h->im, .stride = PER_SYMBOL, .n_k = h->patterns->common, .n = N_STARTS};
    for (size_t f = 0; f <= SIDE; f++) {
        p.cosine = h->cosine[f];
        p.sine = h->sine[f];
        float *const out[4] = {h->preamble[SIDE + f][0], h->preamble[SIDE + f][1],
                               h->preamble[SIDE - f][0], h->preamble[SIDE - f][1]};
        phy_kernel_preamble(&p, out);
    }
    float best = 0;
    for (size_t f = 0; f < FREQUENCIES; f++)
        for (size_t i = 0; i < N_STARTS; i++) {
            float re = h->preamble[f][0][i], im = h->preamble[f][1][i];
            h->power[f][i] = re * re + im * im;
            best = h->power[f][i] > best ? h->power[f][i] : best;
        }
    return best;
}

// What a preamble must have at least, so that the whole head can become a hypothesis, or, as long
// as none has been proven, `first` times the unit.
static void make_least(struct phy_head_search *h, float least, double unit, bool proven)
{
    for (size_t i = 0; i < N_STARTS; i++) {
        double whole = fmax(gate * unit, fit_part * PHY_HEAD_SYMBOLS * (double)h->energy[i]);
        if (!proven) whole = first_part * gate * unit;
        double lacks = sqrt(whole) - (double)h->reach[i];
        float floor = lacks > 0 ? (float)(lacks * lacks * rounding) : 0;
        h->least[i] = floor > least ? floor : least;
    }
}

// Keeps the best of each type and start (within a symbol), the best few of all.
static size_t keep_hypothesis(struct phy_hypothesis *out, size_t n, const struct phy_hypothesis *c)
{
    size_t at = n;
    for (size_t i = 0; i < n; i++)
        if (out[i].sync == c->sync && fabs(out[i].start - c->start) < PHY_OVERSAMPLE) at = i;
    if (at == n) {
        if (n < PHY_HEAD_HYPOTHESES) {
            out[n] = *c;
            return n + 1;
        }
        at = 0;
        for (size_t i = 1; i < n; i++)
            if (out[i].power < out[at].power) at = i;
    }
    if (c->power > out[at].power) out[at] = *c;
    return n;
}

// All types at one start and frequency.
static size_t try_start(struct phy_head_search *h, size_t f, size_t i, double drift, double unit,
                        double *top, struct phy_hypothesis *out, size_t n)
{
    size_t common = h->patterns->common, n_k = PHY_HEAD_SYMBOLS - common;
    size_t side = f < SIDE ? SIDE - f : f - SIDE;
    float z_re[PHY_HEAD_SYMBOLS], z_im[PHY_HEAD_SYMBOLS], power[PHY_SYNC_MAX];
    for (size_t k = common; k < PHY_HEAD_SYMBOLS; k++) {
        float re = h->re[i + k * PER_SYMBOL], im = h->im[i + k * PER_SYMBOL];
        float c = h->cosine[side][k], s = f < SIDE ? -h->sine[side][k] : h->sine[side][k];
        z_re[k - common] = re * c + im * s;
        z_im[k - common] = im * c - re * s;
    }
    const float first[2] = {h->preamble[f][0][i], h->preamble[f][1][i]};
    size_t lanes = (h->patterns->n + PHY_KERNEL_LANES - 1) / PHY_KERNEL_LANES * PHY_KERNEL_LANES;
    const float *signs = n_k ? h->signs[common] : h->signs[0];
    double best =
        (double)phy_kernel_types(signs, PHY_SYNC_MAX, lanes, z_re, z_im, n_k, first, power) / unit;
    if (best > *top) *top = best;
    double energy = PHY_HEAD_SYMBOLS * (double)h->energy[i];
    if (best < gate || best * unit < fit_part * energy * rounding) return n;
    for (size_t s = 0; s < h->patterns->n; s++) {
        double p = (double)power[s] / unit, fit = p * unit / energy;
        if (p < gate || fit < fit_part) continue;
        double start = (double)(i * STRIDE), cycles = ((double)f - SIDE) * frequency_step;
        struct phy_hypothesis c = {
            .power = p,
            .start = start,
            .frequency = cycles + drift * (start - pivot()) / PHY_OVERSAMPLE,
            .drift = drift,
            .fit = fit,
            .sync = s,
        };
        n = keep_hypothesis(out, n, &c);
    }
    return n;
}

static size_t try_types(struct phy_head_search *h, double drift, float least, double unit,
                        double *top, struct phy_hypothesis *out, size_t n)
{
    bool proven = *top >= first_part * gate;
    make_least(h, least, unit, proven);
    for (size_t f = 0; f < FREQUENCIES; f++) {
        for (size_t i = 0; i < N_STARTS; i++)
            if (h->power[f][i] >= h->least[i]) n = try_start(h, f, i, drift, unit, top, out, n);
        if (proven || *top < first_part * gate) continue;
        proven = true;
        make_least(h, least, unit, proven);
    }
    return n;
}

static int by_power(const void *a, const void *b)
{
    const struct phy_hypothesis *x = a, *y = b;
    return x->power < y->power ? 1 : x->power > y->power ? -1 : 0;
}

size_t phy_head_search_run(struct phy_head_search *h, const float complex *y, double noise,
                           struct phy_hypothesis *out)
{
    size_t n = 0;
    double unit = PHY_HEAD_SYMBOLS * noise, top = 0;
    for (size_t i = 0; i < h->n_drifts; i++) {
        make_sums(h, y, h->bend[i]);
        float best = sum_preambles(h);
        // noise alone reaches this in the preamble; the whole head could not pass the gate
        if ((double)best < 0.2 * gate * unit) continue;
        n = try_types(h, h->drift[i], preamble_part * best, unit, &top, out, n);
        if (top < first_part * gate) break;
    }
    qsort(out, n, sizeof *out, by_power);
    return n;
}
