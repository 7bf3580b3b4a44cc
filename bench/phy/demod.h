// Demodulates one burst whose beginning is known: exact frequency, drift and timing, then soft bits
// by two paths, phase-tracked and plain differential.
//
// Works in symbols like head.h. Frequency and drift are fitted on the known head first, and then on
// ever longer parts of the burst, each time with the drift taken out before symbols are summed: at
// 30 Hz/s a burst ends more than half a bit rate from where it began. One thread.
#ifndef BENCH_PHY_DEMOD_H
#define BENCH_PHY_DEMOD_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/phy/head.h"

enum {
    PHY_SYMBOLS_MAX = PHY_HEAD_SYMBOLS + PHY_BODY_BITS_MAX,
    PHY_DEMOD_TAIL = 2 // symbols of samples needed after the last symbol
};

struct phy_demodulated {
    double start;     // sample of the reference symbol's beginning
    double frequency; // cycles per symbol at `start`
    double drift;     // cycles per symbol squared
    double ebn0;      // linear
    double power;     // mean square of the samples, noise included
    unsigned head_errors;
    unsigned head_doubts; // of them, those that an erased symbol explains
    size_t n_erased; // of the body's symbols: struck by something else, their signs are guesses
    size_t body_bits;
    float soft[PHY_BODY_BITS_MAX];       // log likelihood ratios, tracked
    float soft_plain[PHY_BODY_BITS_MAX]; // the same, differential
    float state[PHY_BODY_BITS_MAX + 1];  // as in phy_burst
    float weak[PHY_BODY_BITS_MAX + 1];   // |amplitude| of each symbol that the body's bits
                                         // depend on; 0 is the head's last one
    bool erased[PHY_BODY_BITS_MAX + 1];  // those of them that something else has struck
};

struct phy_demod;

FOX_CHECK int phy_demod_new(struct phy_demod **out, const struct phy_patterns *patterns,
                            struct err *err);
/// Accepts NULL.
void phy_demod_free(struct phy_demod *d);
/// False when the head turns out not to be there. y: n samples, of which the burst needs those up
/// to PHY_DEMOD_TAIL symbols after its end.
bool phy_demod_run(struct phy_demod *d, const float complex *y, size_t n,
                   const struct phy_hypothesis *hypothesis, size_t body_bits,
                   struct phy_demodulated *out);

#endif
