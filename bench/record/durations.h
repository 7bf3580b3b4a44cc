// How long the cases of one run took: what estimates of later runs are made from. Reads only; any
// thread.
#ifndef BENCH_RECORD_DURATIONS_H
#define BENCH_RECORD_DURATIONS_H

#include "bench/base/err.h"
#include "bench/base/json.h"

/// One object for each attempt that came to an end of its own (new array): `name` ("ID" or
/// "ID/axes"), `wall_s`, `bench_s` (sample time) and `air_s` (in which device or bench were
/// sending). A ledger that cannot be read gives none: only memory can run out here.
FOX_CHECK int durations_read(const char *run_dir, struct jval **out, struct err *err);

#endif
