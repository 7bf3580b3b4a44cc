// How long the cases of a plan will take: what they took before, as the index of the runs knows it,
// and a guess where it knows nothing.
//
// The caller owns the struct (forecast_make … forecast_deinit). One thread.
#ifndef BENCH_RUN_FORECAST_H
#define BENCH_RUN_FORECAST_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"
#include "bench/base/json.h"

enum forecast_from {
    FORECAST_HISTORY, // this device, bench and profile
    FORECAST_SIMILAR, // others
    FORECAST_GUESS    // the case's deadline, and how the other cases keep to theirs
};

struct forecast_case {
    enum forecast_from from;
    double wall_s;
    double bench_s; // sample time: what it would take on instruments
    double air_s;   // of it, while device or bench are sending
};

struct forecast {
    struct forecast_case *cases; // as in the plan; what does not apply takes no time
    size_t n;
    struct forecast_case total; // `from` is the weakest of all
};

// Whose history counts as its own: names as in run.json.
struct forecast_query {
    const char *folder; // of the run directories
    const char *device;
    const char *bench;
    const char *profile;
    bool is_virtual; // the bench: wall time and sample time differ
};

/// A folder without runs, or an index that cannot be read, makes everything a guess.
FOX_CHECK int forecast_make(struct forecast *f, const struct forecast_query *q,
                            const struct jval *plan, struct err *err);
/// Accepts a zeroed struct.
void forecast_deinit(struct forecast *f);
/// "", "~" (others), "?" (guess): behind a figure.
const char *forecast_mark(enum forecast_from from);
/// "12 s", "3 min 05 s", "2 h 10 min". Returns out.
char *forecast_text(double seconds, char out[24]);

#endif
