// TAP version 13, the only writer of stdout: the plan first, then one point a case at once.
//
// Version 13 because Debian's `prove` refuses 14. A title or a reason can never change what a line
// means: '#' and '\' are escaped, line ends and control characters become spaces, bytes that are
// not UTF-8 become U+FFFD. A tap borrows its streams. One thread.
#ifndef BENCH_RECORD_TAP_H
#define BENCH_RECORD_TAP_H

#include <stddef.h>
#include <stdio.h>

#include "bench/base/err.h"
#include "bench/record/verdict.h"

struct tap {
    FILE *record; // run.tap, or NULL; a failure to write it is an error
    FILE *out;    // stdout, or NULL; a reader that went away is not an error
    size_t planned;
    size_t points;
};

struct tap_point {
    const char *id; // "AUTH-UL-001", "JAM-UL-002/ranks=1+3"
    const char *title;
    enum verdict verdict;
    enum blame blame;
    const char *reason; // may be empty
};

FOX_CHECK int tap_begin(struct tap *t, FILE *record, FILE *out, size_t planned, struct err *err);
/// The same with another version in the head of `out` (14); the record's stays 13. All else is the
/// same in both.
FOX_CHECK int tap_begin_as(struct tap *t, FILE *record, FILE *out, int version, size_t planned,
                           struct err *err);
/// inconclusive, error and notrun are `not ok`, never TODO; na and waived are SKIP with the reason.
FOX_CHECK int tap_point(struct tap *t, const struct tap_point *p, struct err *err);

/// Makes `text` harmless inside a TAP line; cuts it at `size`. Returns out.
char *tap_escape(const char *text, char *out, size_t size);

#endif
