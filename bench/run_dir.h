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
/// Room that the file system of `path` must keep so that a run can close its books and its report.
enum { RUN_DIR_ROOM_KIB = 2048 };
/// Whether `need` bytes more leave that room. ERR_IO when they do not.
FOX_CHECK int run_dir_room(const char *path, int64_t need, struct err *err);
/// Points PARENT/latest to it, as well as it can be done.
void run_dir_link_latest(const char *dir, const char *parent);

#endif
