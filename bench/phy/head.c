#include "bench/phy/head.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/extract.h"

enum {
    N_SAMPLES = PHY_HEAD_SPAN * PHY_OVERSAMPLE,
    STRIDE = PHY_OVERSAMPLE / 8,                        // timing grid: 1/8 symbol
    N_SUMS = (N_SAMPLES - PHY_OVERSAMPLE) / STRIDE + 1, // one-symbol sums on that grid
    N_STARTS = (PHY_HEAD_SPAN - PHY_HEAD_SYMBOLS - 1) * 8,
    PER_SYMBOL = PHY_OVERSAMPLE / STRIDE,
    FREQUENCIES = 11,
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

struct phy_head_search {
    const struct phy_patterns *patterns;
    size_t n_drifts;
    double drift[DRIFTS_MAX];             // the first is 0
    float complex *bend[DRIFTS_MAX];      // what takes each out, per sample; none for 0
    float complex *level;                 // samples without the hypothesis' drift, as prefix sums
    float complex *sums;                  // mean over one symbol, on the timing grid
    float energy[N_STARTS];               // of the 33 symbols from each start
    float complex *preamble[FREQUENCIES]; // coherent sum of the common symbols, per start
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

    h->level = calloc(N_SAMPLES + 1, sizeof *h->level);
    h->sums = calloc(N_SUMS, sizeof *h->sums);
    int rc = h->level && h->sums ? ERR_OK : ERR_NOMEM;
    for (size_t i = 1; i < h->n_drifts; i++) {
        h->bend[i] = make_bend(h->drift[i]);
        if (!h->bend[i]) rc = ERR_NOMEM;
    }
    for (size_t i = 0; i < FREQUENCIES; i++) {
        h->preamble[i] = calloc(N_STARTS, sizeof *h->preamble[i]);
        if (!h->preamble[i]) rc = ERR_NOMEM;
    }
    if (rc < 0) {
        phy_head_search_free(h);
        return err_set(err, ERR_NOMEM, "no memory for a head search");
    }
    *out = h;
    return ERR_OK;
}

void phy_head_search_free(struct phy_head_search *h)
{
    if (!h) return;
    free(h->level);
    free(h->sums);
    for (size_t i = 0; i < FREQUENCIES; i++)
        free(h->preamble[i]);
    for (size_t i = 0; i < DRIFTS_MAX; i++)
        free(h->bend[i]);
    free(h);
}

static float power(float complex v)
{
    return crealf(v) * crealf(v) + cimagf(v) * cimagf(v);
}

static void make_sums(struct phy_head_search *h, const float complex *y, const float complex *bend)
{
    float complex sum = 0;
    h->level[0] = 0;
    for (size_t i = 0; i < N_SAMPLES; i++) {
        sum += bend ? y[i] * bend[i] : y[i];
        h->level[i + 1] = sum;
    }
    for (size_t i = 0; i < N_SUMS; i++)
        h->sums[i] = (h->level[i * STRIDE + PHY_OVERSAMPLE] - h->level[i * STRIDE]) *
                     (1.0f / PHY_OVERSAMPLE);
    for (size_t i = 0; i < N_STARTS; i++) {
        float energy = 0;
        for (size_t k = 0; k < PHY_HEAD_SYMBOLS; k++)
            energy += power(h->sums[i + k * PER_SYMBOL]);
        h->energy[i] = energy;
    }
}

// Coherent sums of the common symbols for every start and frequency; returns the largest power.
static float sum_preambles(struct phy_head_search *h)
{
    float best = 0;
    for (size_t f = 0; f < FREQUENCIES; f++) {
        double cycles = ((double)f - FREQUENCIES / 2) * frequency_step;
        float *to = (float *)h->preamble[f];
        memset(to, 0, N_STARTS * sizeof *h->preamble[f]);
        for (size_t k = 0; k < h->patterns->common; k++) {
            float complex w = h->patterns->sign[0][k] * turn(-cycles * (double)k);
            float wr = crealf(w), wi = cimagf(w);
            const float *from = (const float *)(h->sums + k * PER_SYMBOL);
            for (size_t i = 0; i < N_STARTS; i++) {
                to[2 * i] += from[2 * i] * wr - from[2 * i + 1] * wi;
                to[2 * i + 1] += from[2 * i] * wi + from[2 * i + 1] * wr;
            }
        }
        for (size_t i = 0; i < N_STARTS; i++) {
            float p = to[2 * i] * to[2 * i] + to[2 * i + 1] * to[2 * i + 1];
            best = p > best ? p : best;
        }
    }
    return best;
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

static size_t try_types(struct phy_head_search *h, double drift, float least, double unit,
                        double *top, struct phy_hypothesis *out, size_t n)
{
    size_t common = h->patterns->common;
    for (size_t f = 0; f < FREQUENCIES; f++) {
        double cycles = ((double)f - FREQUENCIES / 2) * frequency_step;
        float complex w[PHY_HEAD_SYMBOLS];
        for (size_t k = common; k < PHY_HEAD_SYMBOLS; k++)
            w[k] = turn(-cycles * (double)k);
        for (size_t i = 0; i < N_STARTS; i++) {
            if (power(h->preamble[f][i]) < least) continue;
            float complex z[PHY_HEAD_SYMBOLS];
            for (size_t k = common; k < PHY_HEAD_SYMBOLS; k++)
                z[k] = h->sums[i + k * PER_SYMBOL] * w[k];
            for (size_t s = 0; s < h->patterns->n; s++) {
                float complex sum = h->preamble[f][i];
                for (size_t k = common; k < PHY_HEAD_SYMBOLS; k++)
                    sum += h->patterns->sign[s][k] * z[k];
                double p = (double)power(sum) / unit;
                if (p > *top) *top = p;
                double fit = p * unit / (PHY_HEAD_SYMBOLS * (double)h->energy[i]);
                if (p < gate || fit < fit_part) continue;
                double start = (double)(i * STRIDE);
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
        }
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
