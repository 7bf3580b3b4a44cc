// The parts of foxbench montecarlo: what was asked, and how the answer is printed.
#ifndef BENCH_CMD_MONTECARLO_H
#define BENCH_CMD_MONTECARLO_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/base/err.h"
#include "bench/mc/curve.h"

struct montecarlo_options {
    bool help;
    bool json;
    double confidence;
    unsigned n_plans;
    struct mc_plan plans[MC_JAMMERS];
};

extern const char montecarlo_help[];

/// ERR_USAGE says what is wrong. A jammer's name goes before or behind the options; those hold for
/// every jammer named.
FOX_CHECK int montecarlo_parse(struct montecarlo_options *out, int argc, char **argv,
                               struct err *err);

/// One table for a jammer.
void montecarlo_print(const struct montecarlo_options *o, const struct mc_plan *plan,
                      const struct mc_curves *curves, FILE *out);
/// All jammers as one JSON value; curves[i] belongs to o->plans[i].
FOX_CHECK int montecarlo_print_json(const struct montecarlo_options *o,
                                    const struct mc_curves *curves, FILE *out, struct err *err);

#endif
