// Whether a run directory is what the bench wrote: both chains, every digest in the ledger, every
// verdict recomputed from its events.
//
// Reads only. Any thread may call. The caller owns the result (verify_result_deinit).
#ifndef BENCH_RECORD_VERIFY_H
#define BENCH_RECORD_VERIFY_H

#include <stddef.h>

#include "bench/base/err.h"
#include "bench/base/json.h"

enum verify_state {
    VERIFY_INTACT,
    VERIFY_UNFINISHED, // what is there is intact, but the run has no end
    VERIFY_ALTERED
};

struct verify_result {
    enum verify_state state;
    char where[512]; // first altered file, and line where it has lines: "events.jsonl line 12"
    char why[512];   // what was expected and what came; or why it is unfinished
    size_t events;
    size_t files;           // whose digests were checked
    struct jval *uncovered; // [path] of files that the ledger does not cover, sorted
};

/// ERR_NOTFOUND when the directory is no run directory, ERR_IO when a file cannot be read; else 0
/// and the result says the rest.
FOX_CHECK int verify_run(struct verify_result *out, const char *run_dir, struct err *err);
/// The same, where some files were read a moment ago: `digests` (path -> SHA-256 in hex, lent, may
/// be NULL) spares reading them again.
FOX_CHECK int verify_run_read(struct verify_result *out, const char *run_dir,
                              const struct jval *digests, struct err *err);
void verify_result_deinit(struct verify_result *r);

#endif
