// The files of one attempt: directory cases/<ID>/<axes>/attempt-N, evidence with digest and size.
//
// A store owns what it writes until store_free; files are never overwritten and are on the disk
// when a call returns. One thread.
#ifndef BENCH_RECORD_STORE_H
#define BENCH_RECORD_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/json.h"

enum {
    STORE_PATH_MAX = 200, // of a name inside the attempt
    STORE_FILES_MAX = 1000,
    STORE_MEDIA_TYPE_MAX = 100,
    STORE_NOTE_MAX = 1000
};
#define STORE_FILE_MAX    ((int64_t)256 << 20) // bytes of one evidence file
#define STORE_ATTEMPT_MAX ((int64_t)2 << 30)   // bytes of all evidence of an attempt

struct store;

/// Whether `path` may name a file inside an attempt: components of [A-Za-z0-9._=,+@-] that do not
/// begin with a dot, at most four deep.
bool store_path_is_safe(const char *path);
/// Writes the attempt's directory, relative to the run directory. ERR_INVALID for names that are
/// not safe. axes "" or "_" is "_".
FOX_CHECK int store_attempt_path(const char *id, const char *axes, int attempt, char *out,
                                 size_t size, struct err *err);

/// Makes the attempt's directory; ERR_IO when it exists.
FOX_CHECK int store_new(struct store **out, const char *run_dir, const char *id, const char *axes,
                        int attempt, struct err *err);
/// Goes on with the directory of an attempt that broke off: what it holds is evidence, hashed as it
/// is now, but for verdict.json and measurements.json, which are removed and follow anew.
FOX_CHECK int store_adopt(struct store **out, const char *run_dir, const char *id, const char *axes,
                          int attempt, struct err *err);
/// Accepts NULL.
void store_free(struct store *s);

/// Copies a regular file from descriptor fd (borrowed; read from its beginning). Refused without
/// a trace: an unsafe or reserved name (ERR_INVALID), a name used before (ERR_SEQUENCE), something
/// that is no regular file (ERR_INVALID), too much (ERR_LIMIT). Anything else is the disk (ERR_IO).
FOX_CHECK int store_put(struct store *s, const char *path, int fd, const char *media_type,
                        const char *note, struct err *err);
/// Writes a JSON document of the bench itself (verdict.json, measurements.json).
FOX_CHECK int store_put_json(struct store *s, const char *name, const struct jval *j,
                             struct err *err);
/// [{path, sha256, size, media_type, note}] in order of path. New.
struct jval *store_files(const struct store *s, struct err *err);

#endif
