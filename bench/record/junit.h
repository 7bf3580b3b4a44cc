// junit.xml of a run, made from the run directory alone. Pure but for the files it reads and
// writes; any thread may call.
#ifndef BENCH_RECORD_JUNIT_H
#define BENCH_RECORD_JUNIT_H

#include "bench/base/err.h"

/// Writes RUN/junit.xml, replacing an older one: one testsuite per suite of the catalogue. fail is
/// a failure; error, inconclusive and notrun are errors; na and waived are skipped; warn is told in
/// system-out. Times are wall times. An unfinished run is written too.
FOX_CHECK int junit_write(const char *run_dir, struct err *err);

#endif
