// The receiver's inner loops, in vectors of eight numbers. In which order numbers are added is
// written down, so a machine with wider vectors is faster and gives the same bits.
//
// Pure; any thread may call.
#ifndef BENCH_PHY_KERNEL_H
#define BENCH_PHY_KERNEL_H

#include <stddef.h>

enum { PHY_KERNEL_LANES = 8 }; // starts of a preamble, and types, come in eights

// Complex taps, each part of them twice: re[2 k] = re[2 k + 1].
struct phy_kernel_taps {
    const float *re, *im;
};

/// Scalar products of n complex samples and n complex taps, two at once: out[2 i] + j out[2 i + 1].
void phy_kernel_dots(const float *const samples[2], const struct phy_kernel_taps taps[2], size_t n,
                     float out[4]);

// Sums of n_k values `stride` apart, from each of n starts (a multiple of PHY_KERNEL_LANES).
struct phy_kernel_preamble {
    const float *re, *im;
    size_t stride, n_k, n;
    const float *cosine, *sine; // of value k: its sign included
};

/// Value k turned by (cosine - i sine) into out[0], out[1]; turned the other way into out[2],
/// out[3].
void phy_kernel_preamble(const struct phy_kernel_preamble *p, float *const out[4]);

/// Powers of first + sum over k of signs[k * row + s] * z[k], for s = 0 … n_types - 1, which is a
/// multiple of PHY_KERNEL_LANES; returns the largest.
float phy_kernel_types(const float *signs, size_t row, size_t n_types, const float *z_re,
                       const float *z_im, size_t n_k, const float first[2], float *power);

#endif
