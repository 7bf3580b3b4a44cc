#include "bench/phy/extract.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/kernel.h"
#include "bench/phy/window.h"

// Shifts of this part of a PHY_OVERSAMPLE of outputs are finer than any burst's timing.
static const double finest = 1.0 / 16384;

enum {
    SHIFTS_MIN = 8,
    SHIFTS_MAX = 512,
    TURNS_MAX = 64 // a phase is turned so often before it is set right
};

// One low-pass centred `shift` samples behind the middle tap.
static void make_taps(float *taps, size_t n, double shift)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++) {
        double r = n > 1 ? 2.0 * ((double)i - shift) / (double)(n - 1) - 1 : 0;
        taps[i] = fabs(r) <= 1 ? (float)phy_window_kaiser(r, 6) : 0;
        sum += (double)taps[i];
    }
    for (size_t i = 0; i < n; i++)
        taps[i] = (float)((double)taps[i] / sum);
}

int phy_extract_init(struct phy_extract *x, double rate_hz, double bit_rate, struct err *err)
{
    double symbol = rate_hz / bit_rate;
    *x = (struct phy_extract){.rate_hz = rate_hz, .bit_rate = bit_rate, .n_shifts = SHIFTS_MIN};
    x->n_taps = (size_t)(3.2 * symbol / PHY_OVERSAMPLE) | 1;
    while (x->n_shifts < SHIFTS_MAX && (double)x->n_shifts * symbol * finest < 1)
        x->n_shifts *= 2;
    size_t n = x->n_taps * x->n_shifts;
    x->taps = malloc(n * sizeof *x->taps);
    x->mixed_re = malloc(2 * n * sizeof *x->mixed_re);
    x->mixed_im = malloc(2 * n * sizeof *x->mixed_im);
    x->mixer = malloc(x->n_taps * sizeof *x->mixer);
    x->is_mixed = malloc(x->n_shifts * sizeof *x->is_mixed);
    for (int i = 0; i < 2; i++)
        x->scratch[i] = malloc(x->n_taps * sizeof *x->scratch[i]);
    if (!x->taps || !x->mixed_re || !x->mixed_im || !x->mixer || !x->is_mixed || !x->scratch[0] ||
        !x->scratch[1]) {
        size_t n_taps = x->n_taps;
        phy_extract_deinit(x);
        return err_set(err, ERR_NOMEM, "no memory for a filter of %zu taps", n_taps);
    }
    for (size_t s = 0; s < x->n_shifts; s++)
        make_taps(x->taps + s * x->n_taps, x->n_taps,
                  ((double)s + 0.5) / (double)x->n_shifts - 0.5);
    const float *middle = x->taps + x->n_shifts / 2 * x->n_taps;
    for (size_t i = 0; i < x->n_taps; i++)
        x->energy += (double)middle[i] * (double)middle[i];
    return ERR_OK;
}

void phy_extract_deinit(struct phy_extract *x)
{
    if (!x) return;
    free(x->taps);
    free(x->mixed_re);
    free(x->mixed_im);
    free(x->mixer);
    free(x->is_mixed);
    free(x->scratch[0]);
    free(x->scratch[1]);
    *x = (struct phy_extract){0};
}

size_t phy_extract_reach(const struct phy_extract *x)
{
    return x->n_taps / 2 + 1;
}

static double complex turn(double cycles)
{
    cycles -= floor(cycles);
    return CMPLX(cos(2 * M_PI * cycles), sin(2 * M_PI * cycles));
}

static void mix_shift(struct phy_extract *x, size_t shift)
{
    const float *taps = x->taps + shift * x->n_taps;
    float *re = x->mixed_re + 2 * shift * x->n_taps, *im = x->mixed_im + 2 * shift * x->n_taps;
    for (size_t i = 0; i < x->n_taps; i++) {
        re[2 * i] = re[2 * i + 1] = taps[i] * crealf(x->mixer[i]);
        im[2 * i] = im[2 * i + 1] = taps[i] * cimagf(x->mixer[i]);
    }
    x->is_mixed[shift] = true;
}

// One side is the other's mirror image.
static void make_mixer(struct phy_extract *x, double f)
{
    size_t half = x->n_taps / 2;
    double complex phase = 1, step = turn(-f);
    for (size_t i = 0; i <= half; i++) {
        if (i % TURNS_MAX == 0) phase = turn(-f * (double)i);
        x->mixer[half + i] = CMPLXF((float)creal(phase), (float)cimag(phase));
        x->mixer[half - i] = conjf(x->mixer[half + i]);
        phase *= step;
    }
}

// One output's place in the stream, and its phase.
struct place {
    int64_t center;
    size_t shift;
    double complex phase;
};

// What the places of a run have in common.
struct course {
    double start, step, f;
    int64_t origin;
    double complex hops[2]; // from one to the next: one of two whole numbers of samples
};

static void find_place(const struct phy_extract *x, const struct course *c, size_t k, bool afresh,
                       struct place *p)
{
    double at = c->start + ((double)k + 0.5) * c->step, whole = floor(at + 0.5);
    int64_t before = p->center;
    p->center = (int64_t)whole;
    size_t shift = (size_t)((at - whole + 0.5) * (double)x->n_shifts);
    p->shift = shift < x->n_shifts ? shift : x->n_shifts - 1;
    if (afresh)
        p->phase = turn(-c->f * (double)(p->center - c->origin));
    else
        p->phase *= c->hops[p->center - before > (int64_t)c->step];
}

void phy_extract_run(struct phy_extract *x, const struct phy_stream *stream, double start,
                     double f_hz, size_t from, size_t to, float complex *out)
{
    double f = f_hz / x->rate_hz, step = x->rate_hz / (x->bit_rate * PHY_OVERSAMPLE);
    const struct course course = {.start = start,
                                  .step = step,
                                  .f = f,
                                  .origin = llround(start),
                                  .hops = {turn(-f * floor(step)), turn(-f * (floor(step) + 1))}};
    make_mixer(x, f);
    memset(x->is_mixed, 0, x->n_shifts * sizeof *x->is_mixed);
    struct place p = {0};
    for (size_t k = from; k < to; k += 2) {
        const float *samples[2] = {NULL};
        struct phy_kernel_taps taps[2] = {{NULL, NULL}};
        float complex phase[2] = {0};
        for (size_t d = 0; d < 2; d++) {
            if (k + d < to) find_place(x, &course, k + d, (k + d - from) % TURNS_MAX == 0, &p);
            if (!x->is_mixed[p.shift]) mix_shift(x, p.shift);
            phase[d] = CMPLXF((float)creal(p.phase), (float)cimag(p.phase));
            taps[d].re = x->mixed_re + 2 * p.shift * x->n_taps;
            taps[d].im = x->mixed_im + 2 * p.shift * x->n_taps;
            samples[d] = (const float *)phy_stream_read(stream, p.center - (int64_t)(x->n_taps / 2),
                                                        x->n_taps, x->scratch[d]);
        }
        float sums[4];
        phy_kernel_dots(samples, taps, x->n_taps, sums);
        for (size_t d = 0; d < 2 && k + d < to; d++)
            out[k + d] = CMPLXF(sums[2 * d], sums[2 * d + 1]) * phase[d];
    }
}
