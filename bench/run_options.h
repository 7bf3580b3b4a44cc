// The command line of `foxbench run` and `plan`. The strings are lent from argv.
#ifndef BENCH_RUN_OPTIONS_H
#define BENCH_RUN_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/arguments.h"
#include "bench/base/err.h"

struct run_options {
    char **select; // patterns: case ids, globs, suite names
    size_t n_select;
    const char *include; // expression over tags, or NULL: cases that match are kept …
    const char *exclude; // … and those that match this one removed
    unsigned shard;      // which part of the plan, from 1 …
    unsigned shards;     // … of how many; 0: the plan is whole
    const char *bench;   // file, or NULL: the virtual lab
    const char *device;  // file, or NULL: the reference device
    const char *profile;
    const char *parent; // folder of the run directories
    const char *fault;  // seeded fault, or NULL
    const char *chaos;  // faults that the virtual lab draws, or NULL
    int64_t seed;
    unsigned retry;        // further attempts for a case that the bench broke off
    int tap_version;       // 13 or 14
    bool arm_interference; // the operator allows cases that disturb …
    bool arm_destructive;  // … and cases that destroy
    bool dry_run;
    bool json; // of the plan
    // Several devices: each is a run of its own, with its bench file where there are any.
    struct values devices, benches;
    unsigned jobs; // how many of them at a time
};

/// Permutes argv so that the patterns stand together. `plan`: what only `plan` takes is taken, and
/// dry_run set. ARGUMENTS_HELP as of arguments_parse; ERR_USAGE says what was expected.
FOX_CHECK int run_options_parse(struct run_options *o, bool plan, int argc, char **argv,
                                struct err *err);

#endif
