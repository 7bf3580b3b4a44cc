// A worker as the supervisor sees it: a process and a link.
//
// A worker owns both until worker_end. One thread.
#ifndef BENCH_RUN_WORKER_H
#define BENCH_RUN_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"
#include "bench/base/json.h"
#include "bench/record/link.h"
#include "bench/run_process.h"

struct worker {
    struct process process;
    struct link *link;
};

/// Starts `foxbench worker` with `env` added to the environment. FOXBENCH_WORKER names another
/// program, for tests of the supervisor only: run.json says so.
FOX_CHECK int worker_start(struct worker *w, const char *const *env, struct err *err);
/// Sends a request (taken). ERR_TIMEOUT when the worker does not read it within 5 s.
FOX_CHECK int worker_ask(struct worker *w, struct jval *request, struct err *err);
/// Ends it: politely for grace_ms when asked to quit or closing by itself, then by SIGKILL. `how`
/// gets how it ended (may be NULL). Accepts a zeroed struct and may run twice.
void worker_end(struct worker *w, int grace_ms, char *how, size_t size);

#endif
