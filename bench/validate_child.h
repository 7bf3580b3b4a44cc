// One `foxbench run` as a child of `foxbench validate`: started, awaited, its ledger read.
//
// A runner owns a temporary folder, in which each child's run directory lives only until it is
// read. One thread.
#ifndef BENCH_VALIDATE_CHILD_H
#define BENCH_VALIDATE_CHILD_H

#include <limits.h>

#include "bench/validate_matrix.h"

struct runner {
    char program[PATH_MAX]; // foxbench itself
    char folder[PATH_MAX];  // "" when there is none
    const char *profile;    // NULL: of each case its own level
    int signal_fd;          // SIGINT, SIGTERM and SIGHUP arrive here
};

struct child_request {
    const char *device; // file; NULL: the reference device
    const char *bench;  // file; NULL: the virtual lab
    const char *fault;  // NULL: none
    const bool *cases;  // which cases of the matrix
};

/// Finds foxbench, makes the folder, blocks the signals.
FOX_CHECK int runner_open(struct runner *r, const char *profile, struct err *err);
/// Removes the folder. Accepts a zeroed struct; may run twice.
void runner_close(struct runner *r);

/// Runs the cases and writes how each ended into outcomes[case]; the others stay as they are. One
/// run for each level, the lowest first, unless there is a profile for all. A run
/// that leaves no ledger is an error of every case. ERR_TIMEOUT: a signal came, the child was
/// ended. ERR_USAGE: foxbench run refuses this.
FOX_CHECK int runner_run(struct runner *r, const struct child_request *request,
                         const struct matrix *m, struct matrix_outcome *outcomes, struct err *err);

/// Takes in how the cases of a run directory ended: what the plan says does not apply, every
/// case.end, and what was not run. ERR_FORMAT or ERR_IO name the file.
FOX_CHECK int child_read(const char *run_dir, const struct matrix *m,
                         struct matrix_outcome *outcomes, struct err *err);

#endif
