// Looks for a known beginning (preamble and frame type) in a burst's samples: joint search of
// timing, frequency, drift and type over all 33 known symbols.
//
// Works in symbols: samples come PHY_OVERSAMPLE a symbol, frequencies are cycles per symbol, drifts
// cycles per symbol squared. One thread.
#ifndef BENCH_PHY_HEAD_H
#define BENCH_PHY_HEAD_H

#include <complex.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/phy/receive.h"

enum {
    PHY_HEAD_SYMBOLS = PHY_HEAD_BITS + 1, // with the reference symbol
    PHY_HEAD_LEAD = 9,                    // symbols of samples before the detector's window
    PHY_HEAD_SPAN = 54,                   // symbols of samples in all
    PHY_HEAD_HYPOTHESES = 3
};

// What a burst may begin with, as signs of its symbols.
struct phy_patterns {
    size_t n;
    size_t common;                              // leading symbols that all have in common
    float sign[PHY_SYNC_MAX][PHY_HEAD_SYMBOLS]; // +1 or -1, the reference symbol is +1
};

struct phy_hypothesis {
    double power;     // of the coherent sum over the head, in noise powers of one symbol / 33
    double start;     // sample of the reference symbol's beginning
    double frequency; // at `start`
    double drift;
    double fit; // part of the energy in the head's symbols that belongs to it: g / (1 + g)
    size_t sync;
};

struct phy_head_search;

void phy_patterns_init(struct phy_patterns *p, const struct phy_sync *syncs, size_t n);

/// drift_max: largest drift to look for. patterns: lent for as long as the search lives.
FOX_CHECK int phy_head_search_new(struct phy_head_search **out, const struct phy_patterns *patterns,
                                  double drift_max, struct err *err);
/// Accepts NULL.
void phy_head_search_free(struct phy_head_search *h);
/// y: PHY_HEAD_SPAN * PHY_OVERSAMPLE samples; noise: variance of one symbol's mean. Hypotheses that
/// pass the gate go to out[PHY_HEAD_HYPOTHESES], best first; returns how many.
size_t phy_head_search_run(struct phy_head_search *h, const float complex *y, double noise,
                           struct phy_hypothesis *out);

#endif
