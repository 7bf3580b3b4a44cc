// A run from its options to its exit code, be it a new one or the continuation of one that broke
// off: plan, lab, session, books, what is made of them, and the summary for people.
//
// A job owns all of it and borrows its options. One thread.
#ifndef BENCH_RUN_JOB_H
#define BENCH_RUN_JOB_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"
#include "bench/base/json.h"
#include "bench/run_book.h"
#include "bench/run_forecast.h"
#include "bench/run_lab.h"
#include "bench/run_options.h"
#include "bench/run_session.h"

struct run_job {
    const char *command; // "run", "resume": in front of what goes wrong
    const struct run_options *options;
    const char *resume; // run directory to go on with; NULL: a new one
    char device_file[PATH_MAX];
    char bench_file[PATH_MAX];
    char device_name[64]; // as in run.json
    char bench_name[64];
    struct forecast forecast; // of the plan; empty until it is asked for
    char scenario[64];        // of the virtual lab
    char memories[PATH_MAX];  // of an earlier lab's devices; empty: they are new
    struct lab *lab;
    struct session session;
    struct jval *plan;
    struct book *book;
    bool ended;            // its books are closed
    size_t leaks;          // keys found in what was recorded, and searches that failed
    bool unsearched;       // a search failed
    char report[PATH_MAX]; // of the finished run; empty: there is none
};

/// Carries it out and says how it went. Returns an enum cmd_exit. `resume` as above.
int run_job(const char *command, const struct run_options *options, const char *resume);

// ---- run_job_resume.c: what a run that broke off left behind

/// Whether the lab of the run to resume left its folder: r->memories.
bool run_job_find_memories(struct run_job *r);
/// Opens the books of r->resume. ERR_USAGE when `run` (run.json as it would be now) or the plan
/// differ from what was begun.
FOX_CHECK int run_job_reopen(struct run_job *r, const struct jval *run, struct err *err);
/// Notes beside the run directory where the lab's folder is …
void run_job_link_memories(const struct run_job *r);
/// … and keeps that folder only when something is left to resume.
void run_job_settle_memories(const struct run_job *r);

// ---- run_finish.c

/// How the run stands. Precedence where several apply: interrupted, fail, error, open, nothing, ok.
int run_job_judge(const struct run_job *r);
/// Searches what was recorded for keys, before the books are closed, and books what it finds.
FOX_CHECK int run_job_search(struct run_job *r, struct err *err);
/// JUnit, report and PDF, and the search for keys in these.
void run_job_render(struct run_job *r);
void run_job_summarize(const struct run_job *r, int exit_code);

#endif
