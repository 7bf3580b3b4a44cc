#include "bench/phy/kernel.h"

#include <string.h>

// Versions for wider vectors are chosen when the program starts. No version fuses a product and a
// sum, and none changes the order of sums (CMakeLists.txt): their bits are the same.
#if defined(__x86_64__) && defined(__gnu_linux__) && !defined(__clang__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

enum { LANES = 8 };
#define VECTOR      __attribute__((vector_size(LANES * sizeof(float)))) float
#define LOAD(v, p)  memcpy(&(v), p, sizeof(v))
#define STORE(p, v) memcpy(p, &(v), sizeof(v))

WIDE void phy_kernel_dot(const float *samples, const float *re, const float *im, size_t n,
                         float out[2])
{
    VECTOR a0 = {0}, a1 = {0}, b0 = {0}, b1 = {0};
    for (size_t i = 0; i < 2 * n; i += 2 * LANES) {
        VECTOR s, t;
        LOAD(s, samples + i);
        LOAD(t, re + i);
        a0 += s * t;
        LOAD(t, im + i);
        b0 += s * t;
        LOAD(s, samples + i + LANES);
        LOAD(t, re + i + LANES);
        a1 += s * t;
        LOAD(t, im + i + LANES);
        b1 += s * t;
    }
    a0 += a1;
    b0 += b1;
    float rr = 0, ir = 0, ri = 0, ii = 0;
    for (int l = 0; l < LANES; l += 2) {
        rr += a0[l];
        ir += a0[l + 1];
        ri += b0[l];
        ii += b0[l + 1];
    }
    out[0] = rr - ii;
    out[1] = ri + ir;
}

WIDE void phy_kernel_preamble(const struct phy_kernel_preamble *p, float *const out[4])
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

WIDE float phy_kernel_types(const float *signs, size_t row, size_t n_types, const float *z_re,
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
