// What the index keeps of one run, read from its directory. Reads only; any thread.
#ifndef BENCH_RECORD_INDEX_READ_H
#define BENCH_RECORD_INDEX_READ_H

#include "bench/base/err.h"
#include "bench/base/json.h"

enum { INDEX_STAMP_MAX = 240 };

/// What changes when a run does: size and time of the files that are read.
void index_stamp(const char *run_dir, char out[INDEX_STAMP_MAX]);
/// An object as index_runs gives it, without `name` and `decision` (new). What cannot be read is
/// told in `state` and `why`: only memory can run out here.
FOX_CHECK int index_read(const char *run_dir, struct jval **out, struct err *err);

#endif
