// A plan for people and programs: what would run, in which order, how long, what does not apply,
// and what the level demands that no case covers.
#ifndef BENCH_RUN_PREVIEW_H
#define BENCH_RUN_PREVIEW_H

#include <stdbool.h>

#include "bench/base/err.h"
#include "bench/base/json.h"
#include "bench/run_forecast.h"
#include "bench/run_options.h"

struct preview {
    const struct run_options *options;
    const struct jval *plan;
    const struct forecast *forecast;
    const char *device; // names as in run.json
    const char *bench;
};

/// Prints it on stdout, with options->json as one JSON object.
FOX_CHECK int preview_print(const struct preview *p, struct err *err);

#endif
