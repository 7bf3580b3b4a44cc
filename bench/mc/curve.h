// Loss against J/S: many messages, counted, on any number of threads with one result. Pure but for
// the threads it starts and joins.
#ifndef BENCH_MC_CURVE_H
#define BENCH_MC_CURVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/mc/trial.h"

enum { MC_TRIALS_MAX = 100000000 };

struct mc_plan {
    struct mc_config config;
    uint64_t seed;
    unsigned trials; // messages a point
    unsigned threads;
    size_t points;
    double js_db[MC_POINTS_MAX]; // rising
};

struct mc_curves {
    // messages lost at each point; first index: 0 the first receiver, 1 all of them
    unsigned lost[2][MC_WAYS][MC_POINTS_MAX];
};

/// The J/S at which the loss is a given part, with what the counts leave open.
struct mc_crossing {
    bool reached; // else the curve ends before
    bool begun;   // the curve begins below: only then `js_db` says something
    double js_db;
    double low_db; // -INFINITY: before the curve's first point; INFINITY: behind its last
    double high_db;
};

/// ERR_USAGE says what is wrong with the plan.
FOX_CHECK int mc_run(const struct mc_plan *plan, struct mc_curves *out, struct err *err);

/// Between the points by a straight line; low and high where the bounds of the loss (two-sided,
/// Clopper-Pearson, at this confidence) cross instead.
struct mc_crossing mc_crossing_find(const struct mc_plan *plan, const unsigned *lost, double part,
                                    double confidence);

#endif
