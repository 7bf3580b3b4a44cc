// The word that was probably meant: for errors that say what there is. Pure.
#ifndef BENCH_NEAREST_H
#define BENCH_NEAREST_H

#include <stddef.h>

/// The one of `list` (n words) that differs least from `word`, in no more than a few letters, or
/// that begins with it; NULL: none is like it.
const char *nearest_word(const char *word, const char *const *list, size_t n);

#endif
