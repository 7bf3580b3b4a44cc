// Several devices, each in a run of its own: a process with its worker, its laboratory, its ledger
// and its run directory, so that what befalls one cannot touch another.
#ifndef BENCH_RUN_FLEET_H
#define BENCH_RUN_FLEET_H

#include "bench/run_options.h"

/// Runs options->devices, options->jobs of them at a time. stdout gets one TAP stream: a point for
/// each device in the order of the command line, its own TAP indented before it. Returns an enum
/// cmd_exit, of all runs the one that comes first in the order of precedence. With options->dry_run
/// the plans, one after another. `command` stands in front of what goes wrong.
int run_fleet(const char *command, const struct run_options *options);

#endif
