#include "bench/phy/kernel.h"

#include <string.h>

#include "bench/base/wide.h"

// Nothing here changes the order of sums (CMakeLists.txt): every version's bits are the same.
enum { LANES = 8 };
#define VECTOR      __attribute__((vector_size(LANES * sizeof(float)))) float
#define LOAD(v, p)  memcpy(&(v), p, sizeof(v))
#define STORE(p, v) memcpy(p, &(v), sizeof(v))

// Every fourth sample goes into one sum, of its real part and of its imaginary part with one part
// of the tap; the four are added crosswise, the last few samples one by one.
FOX_WIDE void phy_kernel_dots(const float *const samples[2], const struct phy_kernel_taps taps[2],
                              size_t n, float out[4])
{
    VECTOR re[2] = {{0}}, im[2] = {{0}};
    size_t whole = 2 * n / LANES * LANES;
    for (size_t i = 0; i < whole; i += LANES)
        for (int d = 0; d < 2; d++) {
            VECTOR s, t;
            LOAD(s, samples[d] + i);
            LOAD(t, taps[d].re + i);
            re[d] += s * t;
            LOAD(t, taps[d].im + i);
            im[d] += s * t;
        }
    for (int d = 0; d < 2; d++) {
        float rr = (re[d][0] + re[d][4]) + (re[d][2] + re[d][6]);
        float ir = (re[d][1] + re[d][5]) + (re[d][3] + re[d][7]);
        float ri = (im[d][0] + im[d][4]) + (im[d][2] + im[d][6]);
        float ii = (im[d][1] + im[d][5]) + (im[d][3] + im[d][7]);
        for (size_t i = whole; i < 2 * n; i += 2) {
            rr += samples[d][i] * taps[d].re[i];
            ii += samples[d][i + 1] * taps[d].im[i];
            ri += samples[d][i] * taps[d].im[i];
            ir += samples[d][i + 1] * taps[d].re[i];
        }
        out[2 * d] = rr - ii;
        out[2 * d + 1] = ri + ir;
    }
}

FOX_WIDE void phy_kernel_preamble(const struct phy_kernel_preamble *p, float *const out[4])
{
    for (size_t i = 0; i < p->n; i += LANES) {
        VECTOR c_re = {0}, c_im = {0}, s_re = {0}, s_im = {0};
        for (size_t k = 0; k < p->n_k; k++) {
            VECTOR re, im;
            LOAD(re, p->re + i + k * p->stride);
            LOAD(im, p->im + i + k * p->stride);
            c_re += re * p->cosine[k];
            c_im += im * p->cosine[k];
            s_re += re * p->sine[k];
            s_im += im * p->sine[k];
        }
        VECTOR plus_re = c_re + s_im, plus_im = c_im - s_re;
        VECTOR minus_re = c_re - s_im, minus_im = c_im + s_re;
        STORE(out[0] + i, plus_re);
        STORE(out[1] + i, plus_im);
        STORE(out[2] + i, minus_re);
        STORE(out[3] + i, minus_im);
    }
}

FOX_WIDE float phy_kernel_types(const float *signs, size_t row, size_t n_types, const float *z_re,
                                const float *z_im, size_t n_k, const float first[2], float *power)
{
    float top = 0;
    for (size_t s = 0; s < n_types; s += LANES) {
        const VECTOR zero = {0};
        VECTOR re = zero + first[0], im = zero + first[1];
        for (size_t k = 0; k < n_k; k++) {
            VECTOR sign;
            LOAD(sign, signs + k * row + s);
            re += sign * z_re[k];
            im += sign * z_im[k];
        }
        VECTOR p = re * re + im * im;
        STORE(power + s, p);
        for (int l = 0; l < LANES; l++)
            top = power[s + l] > top ? power[s + l] : top;
    }
    return top;
}
