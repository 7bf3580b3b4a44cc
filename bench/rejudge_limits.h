// Other limits for a run's measurements: those of a limits file instead of the ones it was judged
// by.
//
// The caller owns the struct (relimit_open … relimit_deinit). One thread.
#ifndef BENCH_REJUDGE_LIMITS_H
#define BENCH_REJUDGE_LIMITS_H

#include <stddef.h>

#include "bench/base/err.h"
#include "bench/base/json.h"

struct relimit {
    struct jval *limits;
    size_t compared; // measurements that were judged again
    size_t differ;   // of them with another verdict
    size_t without;  // measurements without a limit of this file
};

/// Reads a limits file (fixtures/limits/). ERR_USAGE says what is wrong with it.
FOX_CHECK int relimit_open(struct relimit *r, const char *path, struct err *err);
/// Accepts a zeroed struct.
void relimit_deinit(struct relimit *r);
/// Gives a `measure` event that names a limit of the file the verdict it has by it, with the guard
/// band it was booked with, and prints what changes. ERR_USAGE when the units are not the same.
FOX_CHECK int relimit_event(struct relimit *r, struct jval *event, struct err *err);

#endif
