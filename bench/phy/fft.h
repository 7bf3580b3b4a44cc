// Complex Fourier transforms of one length; the only home of FFTW.
//
// A phy_fft owns its plan and its two buffers; one thread runs it. Planning is not thread safe in
// FFTW, so making and freeing take a lock that lives in fft.c (the only global here). Plans are
// estimated, never measured: the same input gives the same bits in every run.
#ifndef BENCH_PHY_FFT_H
#define BENCH_PHY_FFT_H

#include <complex.h>
#include <stddef.h>

#include "bench/base/err.h"

enum phy_fft_direction { PHY_FFT_FORWARD, PHY_FFT_BACKWARD };

struct phy_fft;

FOX_CHECK int phy_fft_new(struct phy_fft **out, size_t n, enum phy_fft_direction direction,
                          struct err *err);
/// Accepts NULL.
void phy_fft_free(struct phy_fft *f);
/// n values to fill before phy_fft_run, which leaves them as they are.
float complex *phy_fft_in(struct phy_fft *f);
/// n values, unscaled; bin k stands for k * rate / n, bins above n / 2 for negative frequencies.
const float complex *phy_fft_out(const struct phy_fft *f);
void phy_fft_run(struct phy_fft *f);
/// The smallest length >= n for which an estimated plan is quick.
size_t phy_fft_good_size(size_t n);

#endif
