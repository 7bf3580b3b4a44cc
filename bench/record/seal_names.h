// The names of a seal, for the two halves of seal.h.
#ifndef BENCH_RECORD_SEAL_NAMES_H
#define BENCH_RECORD_SEAL_NAMES_H

#include <stdbool.h>

#define SEAL_ROOT "root.json"
#define SEAL_SIG  "root.sig"

/// Whether a path of the run is root.json or root.sig.
bool seal_is_own(const char *path);
/// Whether there is anything with this name in the folder.
bool seal_exists(const char *dir, const char *name);
/// A relative path that means the same to a shell, to sha256sum and inside JSON, and stays inside.
bool seal_is_plain(const char *path);

#endif
