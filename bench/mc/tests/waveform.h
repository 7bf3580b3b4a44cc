// The same jammers as the simulation's, made sample by sample and heard by the real receiver: what
// the simulation is tied to. Shares nothing with bench/mc but its configuration.
#ifndef BENCH_MC_TESTS_WAVEFORM_H
#define BENCH_MC_TESTS_WAVEFORM_H

#include "bench/base/err.h"
#include "bench/mc/config.h"

/// Lost parts of frames (rank 1 alone) by the receiver's two paths.
struct waveform_loss {
    unsigned frames;
    double found, plain, tracked;
};

/// One frame at this J/S; at least `frames` of them, at 48 kS/s: bands up to 40 kHz.
FOX_CHECK int waveform_measure(const struct mc_config *config, double js_db, unsigned frames,
                               struct waveform_loss *out, struct err *err);
/// The J/S at which the plain path loses half of the frames: from steps of half a dB on both sides
/// of it, by a straight line. ERR_LIMIT: none within 4 dB of `near_db`.
FOX_CHECK int waveform_half_point(const struct mc_config *config, double near_db, unsigned frames,
                                  double *js_db, struct err *err);
/// The same point by simulation.
FOX_CHECK int waveform_simulated(const struct mc_config *config, unsigned trials, double *js_db,
                                 struct err *err);
/// A jammer as it is compared: default, in a band that 48 kS/s hold.
struct mc_config waveform_config(enum mc_jammer jammer);

#endif
