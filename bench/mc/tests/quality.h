// Frames whose symbols' phases are wrong by a known amount, received and measured: for benchmarks.
#ifndef BENCH_MC_TESTS_QUALITY_H
#define BENCH_MC_TESTS_QUALITY_H

#include "bench/base/err.h"

struct quality_tally {
    unsigned sent, measured;
    // sums over frames of mean squares, degrees and per cent
    double sent_phase2, found_phase2;
    double sent_evm2, found_evm2;
};

/// Adds frames of class C at 100 bit/s and 48 kS/s at this Eb/N0, each symbol's phase off by a
/// normal error of that many degrees rms.
FOX_CHECK int quality_frames(double ebn0_db, double error_deg, unsigned frames,
                             struct quality_tally *t, struct err *err);

#endif
