// The lines of a chained file, one JSON object each, read one after another.
//
// The caller owns the struct (lines_open … lines_close). One thread.
#ifndef BENCH_RECORD_LINES_H
#define BENCH_RECORD_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "bench/base/crypto.h"
#include "bench/base/err.h"
#include "bench/base/json.h"

struct lines {
    FILE *file;
    char *text; // the present line without its newline
    size_t cap;
    size_t len;
    size_t number;      // from 1
    bool torn;          // the present line has no newline
    struct jval *value; // NULL when it is no JSON object
    char sha256[SHA256_HEX_LEN];
};

FOX_CHECK int lines_open(struct lines *l, const char *path, struct err *err);
/// Accepts a zeroed struct; may run twice.
void lines_close(struct lines *l);
/// Reads the next line: 1, 0 at the end, or negative. What is in l is valid until the next call.
FOX_CHECK int lines_next(struct lines *l, struct err *err);

#endif
