// The options of an earlier run, read from its run.json: for what repeats or continues it.
//
// The caller owns the struct (run_again_read … run_again_deinit); its options lend from it. One
// thread.
#ifndef BENCH_RUN_AGAIN_H
#define BENCH_RUN_AGAIN_H

#include <limits.h>

#include "bench/base/json.h"
#include "bench/run_options.h"

struct run_again {
    char dir[PATH_MAX]; // the run directory, links resolved
    struct jval *run;   // run.json
    char device[PATH_MAX];
    char **select;
    struct run_options options;
};

/// `device` and `bench` are files named by the operator, or NULL: then the device is looked for
/// under its name in fixtures/devices. ERR_USAGE when there is no run directory, or a file has to
/// be named.
FOX_CHECK int run_again_read(struct run_again *a, const char *run_dir, const char *device,
                             const char *bench, struct err *err);
/// Accepts a zeroed struct.
void run_again_deinit(struct run_again *a);

#endif
