// The command line of `foxbench run`. The strings are lent from argv.
#ifndef BENCH_RUN_OPTIONS_H
#define BENCH_RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct run_options {
    char **select; // patterns: case ids, globs, suite names
    size_t n_select;
    const char *bench;  // file, or NULL: the virtual lab
    const char *device; // file, or NULL: the reference device
    const char *profile;
    const char *parent; // folder of the run directories
    const char *fault;  // seeded fault, or NULL
    int64_t seed;
    bool arm_interference; // the operator allows cases that disturb …
    bool arm_destructive;  // … and cases that destroy
    bool dry_run;
    bool help;
};

/// Permutes argv so that the patterns stand together. ERR_USAGE says what was expected.
FOX_CHECK int run_options_parse(struct run_options *o, int argc, char **argv, struct err *err);
extern const char run_options_help[];

#endif
