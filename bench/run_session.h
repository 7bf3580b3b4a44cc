// A run from its plan to its last verdict: workers are started, watched and replaced, and every
// planned case is booked.
//
// A session owns its worker and borrows lab and book. One thread.
#ifndef BENCH_RUN_SESSION_H
#define BENCH_RUN_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/json.h"
#include "bench/run_book.h"
#include "bench/run_lab.h"
#include "bench/run_options.h"
#include "bench/run_screen.h"
#include "bench/run_watch.h"
#include "bench/run_worker.h"

struct session {
    const struct run_options *options;
    const char *device; // file
    const char *bench;  // file
    struct lab *lab;    // NULL: a real bench
    struct book *book;
    const struct forecast *forecast; // for the time that is left; may be empty
    struct screen screen;
    struct worker worker;
    int signal_fd;         // SIGINT, SIGTERM and SIGHUP arrive here
    int signal;            // the one that came, 0: none
    unsigned workers;      // how many have been opened or tried
    bool opened;           // the worker has its instruments open
    bool spent;            // it lost them in an attempt that ended all the same
    unsigned in_vain;      // failed attempts to open them, in a row
    int64_t t;             // furthest sample time any worker has reported
    bool dead;             // the bench cannot go on
    char why_dead[480];    // and why
    enum blame dead_blame; // BLAME_NONE: the bench
};

/// Takes over SIGINT, SIGTERM and SIGHUP of the process.
FOX_CHECK int session_init(struct session *s, const struct run_options *options, struct err *err);
void session_deinit(struct session *s);
/// Starts the first worker and asks it for the plan. ERR_USAGE: it was refused. New: plan.json.
FOX_CHECK int session_plan(struct session *s, struct jval **plan, struct err *err);
/// Whether the operator has stopped the run (s->signal then says how).
bool session_interrupted(struct session *s);
/// Runs every case of the book. Fails only when the books cannot be kept (ERR_IO).
FOX_CHECK int session_run(struct session *s, struct book *book, struct err *err);

#endif
