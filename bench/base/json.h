// JSON values: jansson behind an opaque type, so that it has one home.
//
// A `struct jval *` is reference counted: what a function returns as "new" is freed by jval_free;
// what it "lends" lives as long as its container. Every output is sorted by key, compact, ASCII,
// and doubles round-trip, so equal values give equal bytes. Not shared between threads.
#ifndef BENCH_BASE_JSON_H
#define BENCH_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct jval;

enum jval_type { JVAL_NULL, JVAL_BOOL, JVAL_INT, JVAL_REAL, JVAL_STRING, JVAL_ARRAY, JVAL_OBJECT };

/// Builds a value from a jansson pack format: {s:s, s:I, s:f, s:b, s:o} with I = json_int_t (pass
/// (long long)), o = takes a struct jval *. New. NULL with err set on NaN, invalid UTF-8 or no
/// memory.
struct jval *jval_make(struct err *err, const char *format, ...);
/// Reads parts of a value with a jansson unpack format ("{s:s, s:I, s?b}", strings are lent; add
/// "!" to refuse unknown keys). ERR_FORMAT says which key was expected.
FOX_CHECK int jval_read(const struct jval *j, struct err *err, const char *format, ...);

struct jval *jval_object(void);
struct jval *jval_array(void);
/// Puts `value` (taken, also on failure) under key. A NULL value is ERR_FORMAT: it is what
/// jval_make gives when it failed.
FOX_CHECK int jval_set(struct jval *object, const char *key, struct jval *value, struct err *err);
FOX_CHECK int jval_append(struct jval *array, struct jval *value, struct err *err);
void jval_remove(struct jval *object, const char *key);

/// JVAL_NULL for an absent value too.
enum jval_type jval_kind(const struct jval *j);
/// Lent; NULL when absent or not an object.
struct jval *jval_get(const struct jval *object, const char *key);
/// Lent; NULL beyond the end.
struct jval *jval_at(const struct jval *array, size_t index);
/// Number of elements or keys.
size_t jval_len(const struct jval *j);
/// Text of a string, or `otherwise` when absent or of another type. Lent.
const char *jval_text(const struct jval *j, const char *otherwise);
int64_t jval_int(const struct jval *j, int64_t otherwise);
/// Ints count as numbers too.
double jval_number(const struct jval *j, double otherwise);
bool jval_bool(const struct jval *j, bool otherwise);
bool jval_equal(const struct jval *a, const struct jval *b);

/// Calls fn for every key in sorted order until it returns non-zero, which is returned.
int jval_each(const struct jval *object, int (*fn)(void *ctx, const char *key, struct jval *value),
              void *ctx);

struct jval *jval_ref(struct jval *j);
void jval_free(struct jval *j);

/// Parses exactly one value; duplicate keys and trailing text are ERR_FORMAT with line and column.
/// New.
FOX_CHECK int jval_parse(struct jval **out, const char *text, size_t len, struct err *err);
FOX_CHECK int jval_load(struct jval **out, const char *path, struct err *err);
/// Compact text, NUL-terminated; free() it. NULL with err set when it cannot be written.
char *jval_dump(const struct jval *j, struct err *err);
/// The same with two-space indent and a final newline, into a file (written beside it and renamed).
FOX_CHECK int jval_save(const struct jval *j, const char *path, struct err *err);

#endif
