#include "bench/mc/detect.h"

#include <math.h>

void mc_detect_plain(const float *re, const float *im, size_t n_bits, float *soft)
{
    for (size_t i = 0; i < n_bits; i++)
        soft[i] = re[i + 1] * re[i] + im[i + 1] * im[i];
}

bool mc_detect_right(const float *soft, const float *sign, size_t n_bits)
{
    int wrong = 0;
    for (size_t i = 0; i < n_bits; i++)
        wrong |= !(soft[i] * sign[i] > 0);
    return !wrong;
}

static float box_plus(float a, float b)
{
    float x = fabsf(a), y = fabsf(b), m = fminf(x, y);
    m += log1pf(expf(-(x + y))) - log1pf(expf(-fabsf(x - y)));
    return (a < 0) == (b < 0) ? m : -m;
}

// Squared symbols have lost their data: half the phase of their mean is the carrier's, but for a
// half turn, which goes on as it began. Halved by half-angle formulas.
static void track(const float *re, const float *im, size_t n, float *along)
{
    float re2[MC_SYMBOLS_MAX], im2[MC_SYMBOLS_MAX], sum_re = 0, sum_im = 0;
    for (size_t k = 0; k < n; k++) {
        float m = sqrtf(re[k] * re[k] + im[k] * im[k]) + 1e-20f;
        re2[k] = (re[k] * re[k] - im[k] * im[k]) / m;
        im2[k] = 2 * re[k] * im[k] / m;
    }
    for (size_t k = 0; k < MC_TRACK_SIDE && k < n; k++) {
        sum_re += re2[k];
        sum_im += im2[k];
    }
    float cos_before = 1, sin_before = 0;
    for (size_t k = 0; k < n; k++) {
        if (k + MC_TRACK_SIDE < n) {
            sum_re += re2[k + MC_TRACK_SIDE];
            sum_im += im2[k + MC_TRACK_SIDE];
        }
        if (k > MC_TRACK_SIDE) {
            sum_re -= re2[k - MC_TRACK_SIDE - 1];
            sum_im -= im2[k - MC_TRACK_SIDE - 1];
        }
        float m = sqrtf(sum_re * sum_re + sum_im * sum_im) + 1e-20f;
        float c = sqrtf(fmaxf(0, (1 + sum_re / m) / 2)), s = sqrtf(fmaxf(0, (1 - sum_re / m) / 2));
        if (sum_im < 0) s = -s;
        if (c * cos_before + s * sin_before < 0) {
            c = -c;
            s = -s;
        }
        along[k] = re[k] * c + im[k] * s;
        cos_before = c;
        sin_before = s;
    }
}

void mc_detect_tracked(const float *re, const float *im, size_t lead, size_t n_bits, float noise,
                       float *soft)
{
    float along[MC_SYMBOLS_MAX], scale = 4 / noise;
    track(re, im, lead + n_bits + 1, along);
    for (size_t i = 0; i < n_bits; i++)
        soft[i] = box_plus(scale * along[lead + i], scale * along[lead + i + 1]);
}
