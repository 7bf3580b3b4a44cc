// Where a run directory lies and what it is called.
#ifndef BENCH_RUN_DIR_H
#define BENCH_RUN_DIR_H

#include <limits.h>
#include <stdint.h>

#include "bench/base/err.h"

/// Makes the folder `path` and those above it.
FOX_CHECK int run_dir_parents(const char *path, struct err *err);
/// Makes PARENT/<UTC time>-<first 8 of hash>-<device>, which did not exist; dir gets its path.
FOX_CHECK int run_dir_make(char dir[PATH_MAX], const char *parent, const char *hash,
                           const char *device, struct err *err);
enum { RUN_DIR_KEPT = 2048 * 1024 }; // bytes

/// Whether the file system of `path` takes `need` bytes more and a little. ERR_IO when it does not.
FOX_CHECK int run_dir_room(const char *path, int64_t need, struct err *err);
/// Keeps room in the run directory in which its books and its report can be closed when the disk
/// fills up, and gives it back (both may run twice).
FOX_CHECK int run_dir_keep_room(const char *dir, struct err *err);
void run_dir_give_room(const char *dir);
/// Points PARENT/latest to it, as well as it can be done.
void run_dir_link_latest(const char *dir, const char *parent);

#endif
