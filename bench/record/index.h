// An index of the runs in a folder: index.sqlite beside them. Home of SQLite.
//
// The run directories are the truth: the index is made from them, follows them at every refresh,
// and may be deleted at any time. Where it cannot be written it lives in memory. The caller owns
// the handle (index_open … index_close). One thread; several processes may use one index.
#ifndef BENCH_RECORD_INDEX_H
#define BENCH_RECORD_INDEX_H

#include <stddef.h>

#include "bench/base/err.h"
#include "bench/base/json.h"

enum { INDEX_WORD_MAX = 64 };

struct index;

/// Says what a run amounts to in a word; is asked once for each version of a run. Returns a
/// negative code when it cannot be said.
struct index_judge {
    int (*decide)(void *ctx, const char *run_dir, char word[INDEX_WORD_MAX], struct err *err);
    void *ctx;
};

/// Opens the index of `folder`; one that is damaged, or of another version, is made anew.
/// ERR_NOTFOUND: no such folder.
FOX_CHECK int index_open(struct index **out, const char *folder, struct err *err);
/// Accepts NULL.
void index_close(struct index *ix);
/// Follows the folder: reads runs that are new or have changed, forgets those that are gone.
/// Returns how many were read. A run that cannot be read is listed as such. judge may be NULL.
FOX_CHECK int index_refresh(struct index *ix, const struct index_judge *judge, struct err *err);
/// The runs, oldest first (new): objects with `name state why begun ended device bench profile seed
/// faults counts exit decision signed`; `state` is finished, unfinished or unreadable, and `why`
/// says what a run that is not finished lacks. device NULL: of all; last 0: all, else the newest.
FOX_CHECK int index_runs(struct index *ix, const char *device, int last, struct jval **out,
                         struct err *err);

/// Reads the newest `n` directories alone, without a word of what they amount to, and forgets none:
/// quick enough for the beginning of a run.
FOX_CHECK int index_refresh_newest(struct index *ix, size_t n, struct err *err);
/// How long attempts took that came to an end, of every case that was ever run (new): objects with
/// `name same wall_s bench_s air_s virtual`, ordered by name, those of this very device, bench and
/// profile first (`same`), then the newest. `virtual`: on the virtual bench.
FOX_CHECK int index_durations(struct index *ix, const char *device, const char *bench,
                              const char *profile, struct jval **out, struct err *err);

#endif
