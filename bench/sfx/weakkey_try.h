// Inside of the weak-key search: the place where a candidate is tried, shared by the families.
#ifndef BENCH_SFX_WEAKKEY_TRY_H
#define BENCH_SFX_WEAKKEY_TRY_H

#include "bench/sfx/weakkey.h"

enum { WEAKKEY_LEN = 16, WEAKKEY_FOUND = 1 };

struct weakkey_search; // captures, cipher and count of one search

/// Tries one key. WEAKKEY_FOUND ends the search: family and recipe (printf style) say what it was.
/// Negative on an error, 0 to go on.
FOX_CHECK int weakkey_try(struct weakkey_search *s, const uint8_t key[WEAKKEY_LEN],
                          const char *family, struct err *err, const char *recipe, ...)
    FOX_PRINTF(5, 6);

// The families, in the order in which they are tried. Each returns 0, WEAKKEY_FOUND or an error.
FOX_CHECK int weakkey_try_public(struct weakkey_search *s, struct err *err);
FOX_CHECK int weakkey_try_label(struct weakkey_search *s, const struct weakkey_subject *subject,
                                struct err *err);
FOX_CHECK int weakkey_try_derived(struct weakkey_search *s, const struct weakkey_subject *subject,
                                  struct err *err);
FOX_CHECK int weakkey_try_patterns(struct weakkey_search *s, uint32_t id, struct err *err);
FOX_CHECK int weakkey_try_low_entropy(struct weakkey_search *s, struct err *err);

#endif
