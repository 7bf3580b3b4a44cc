// One message through the air, symbol by symbol, at every J/S of a curve. Pure.
//
// A symbol is one complex number: the mean over its time of frame, jammer and noise. The receiver
// knows where symbols begin and which carrier they have: what synchronisation adds is not in here
// (it costs some tenths of a dB; tests/test_mc_waveform.c ties the two). Every J/S meets the same
// messages, noise and jammer waves, so curves fall smoothly and points are not independent.
//
// A mc_model is made once and then only read, by any number of threads. A mc_workspace belongs to
// one thread.
#ifndef BENCH_MC_TRIAL_H
#define BENCH_MC_TRIAL_H

#include <stddef.h>
#include <stdint.h>

#include "bench/mc/config.h"
#include "bench/mc/random.h"
#include "bench/mc/wave.h"

// Who hears the message, and by what.
enum mc_way {
    MC_WAY_FRAME,    // its first frame alone
    MC_WAY_RANKS,    // any one of its frames
    MC_WAY_COMBINED, // any one, or all of them joined
    MC_WAYS
};

struct mc_model {
    struct mc_config config;
    struct mc_wave wave;
    struct mc_ziggurat ziggurat;
    uint64_t key;
    size_t bits; // of a frame's body
    size_t lead; // symbols before the body's reference that tracking needs
    float noise; // standard deviation of each component
    size_t points;
    double js_db[MC_POINTS_MAX];
};

// Bit p of heard[who][way]: the message came through at point p; who: 0 the first receiver, 1 any
// of them.
struct mc_outcome {
    uint64_t heard[2][MC_WAYS];
};

struct mc_workspace;

/// `config` has been checked. js_db: at most MC_POINTS_MAX.
void mc_model_init(struct mc_model *m, const struct mc_config *config, uint64_t seed,
                   const double *js_db, size_t points);

FOX_CHECK int mc_workspace_new(struct mc_workspace **out, struct err *err);
/// Accepts NULL.
void mc_workspace_free(struct mc_workspace *w);

/// Message number `trial` of the model: depends on nothing else.
struct mc_outcome mc_trial(const struct mc_model *m, uint64_t trial, struct mc_workspace *w);

#endif
