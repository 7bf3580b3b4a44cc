// Every file below a folder, in order of name.
//
// Reads only. Any thread.
#ifndef BENCH_RECORD_TREE_H
#define BENCH_RECORD_TREE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"

struct tree_file {
    char *path; // relative to the folder
    bool is_regular;
};

struct tree {
    struct tree_file *files; // sorted by path, byte by byte
    size_t n, cap;
};

/// Links are not followed: they are listed as files that are not regular. ERR_LIMIT below 16
/// folders or beyond a million files.
FOX_CHECK int tree_read(struct tree *t, const char *dir, struct err *err);
/// Accepts a zeroed struct; may run twice.
void tree_deinit(struct tree *t);

#endif
