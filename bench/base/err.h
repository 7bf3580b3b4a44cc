// Errors as values: a negative code and one line of text.
//
// A call that can fail returns 0 (or a count) or a negative code, takes a `struct err *` last (may
// be NULL) and is marked FOX_CHECK. The text says what was expected, what came and what to do next.
// No state is kept elsewhere.
#ifndef BENCH_BASE_ERR_H
#define BENCH_BASE_ERR_H

#include <stdarg.h>

#define FOX_CHECK             __attribute__((warn_unused_result))
#define FOX_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

enum err_code {
    ERR_OK = 0,
#define ERR(name, value, text) ERR_##name = value,
#include "bench/base/err.def"
#undef ERR
};

struct err {
    int code;
    char text[480];
};

/// Sets code and text (err may be NULL) and returns `code`, so that `return err_set(err, ERR_IO,
/// …)` works.
int err_set(struct err *err, int code, const char *fmt, ...) FOX_PRINTF(3, 4);

/// Puts "what: " before the text that is there; the code stays. Returns the code.
int err_prefix(struct err *err, const char *fmt, ...) FOX_PRINTF(2, 3);

/// Name of a code as written in err.def ("NOMEM"), "OK" for 0, "UNKNOWN" otherwise.
const char *err_name(int code);

#endif
