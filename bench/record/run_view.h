// A run directory as other commands look back on it: its documents, its instruments, and where
// every planned case stands after its last attempt, each verdict made anew out of the events.
//
// Reads only and checks no digest: `verify` does. The caller owns the struct (run_view_read …
// run_view_deinit). Any thread.
#ifndef BENCH_RECORD_RUN_VIEW_H
#define BENCH_RECORD_RUN_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"
#include "bench/base/json.h"

struct run_view {
    struct jval *run;         // run.json
    struct jval *plan;        // plan.json
    struct jval *instruments; // object: unit -> the newest of its events
    struct jval *cases;       // [{name, verdict, blame, reason, measurements, attempt, booked}] in
                              // the plan's order: verdict, blame and reason are the fold of the
                              // events, `booked` the case.end as it stands in the ledger or null
    bool ended;               // with run.end
};

// Changes an event (a copy) before it is judged; NULL: none.
struct run_view_lens {
    int (*look)(void *ctx, struct jval *event, struct err *err);
    void *ctx;
};

/// ERR_NOTFOUND when it is no run directory. A torn last line is left out.
FOX_CHECK int run_view_read(struct run_view *v, const char *run_dir, struct err *err);
FOX_CHECK int run_view_read_through(struct run_view *v, const char *run_dir,
                                    const struct run_view_lens *lens, struct err *err);
/// Accepts a zeroed struct.
void run_view_deinit(struct run_view *v);
/// The case "ID" or "ID/axes"; NULL: the plan does not have it. Lent.
const struct jval *run_view_find(const struct run_view *v, const char *name);

#endif
