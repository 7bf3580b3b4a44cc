// The search for keys in a run directory: nothing in it may hold a key of the device or of its
// samples, in whatever form.
//
// Reads the keys that the device file refers to (a key in a token cannot be read, and never comes
// here) and wipes them before it returns. No text names more of a key than its fingerprint. One
// thread.
#ifndef BENCH_RUN_SECRETS_H
#define BENCH_RUN_SECRETS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"

enum { RUN_SECRETS_FOUND_MAX = 16, RUN_SECRETS_TEXT_MAX = 440 };

struct run_secrets_found {
    bool said_by_device; // it stands in a serial log
    char text[RUN_SECRETS_TEXT_MAX];
};

struct run_secrets {
    struct run_secrets_found found[RUN_SECRETS_FOUND_MAX]; // one for each file, key and form
    size_t n;                                              // may be more than are kept
    size_t keys, files;                                    // searched
    bool pdf_unread; // the report's text could not be had: pdftotext is missing
};

/// Searches every file below run_dir whose path begins with one of the NULL-terminated `prefixes`
/// ("" is every file), the text of a PDF too. ERR_USAGE when a key cannot be read, ERR_IO for a
/// file.
FOX_CHECK int run_secrets_search(struct run_secrets *out, const char *run_dir,
                                 const char *device_file, const char *const *prefixes,
                                 struct err *err);

#endif
