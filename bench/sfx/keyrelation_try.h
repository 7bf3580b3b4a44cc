// Inside of the search for related keys: the list of recipes by which a maker may have made one
// key out of another, and the patterns that two keys may share.
#ifndef BENCH_SFX_KEYRELATION_TRY_H
#define BENCH_SFX_KEYRELATION_TRY_H

#include "bench/sfx/keyrelation.h"

// What is known of the device whose key is looked for, and of the other one.
struct keyrelation_pair {
    const struct keyrelation_device *device, *other;
};

/// Makes every candidate out of the other device's key and calls `fn` with it; the candidate is
/// wiped afterwards. Ends when fn gives non-zero, and returns that; 0 after the last.
int keyrelation_candidates(const struct keyrelation_pair *pair,
                           int (*fn)(void *ctx, const struct secret *candidate, const char *recipe),
                           void *ctx);

/// The first pattern that two different keys share, with the chance that two random keys have
/// some pattern as good; false when there is none.
bool keyrelation_pattern(const struct secret *a, const struct secret *b,
                         char recipe[KEYRELATION_RECIPE_MAX], double *false_alarm);

/// The same of three different keys: a constant step from the first to the second and on to the
/// third.
bool keyrelation_step(const struct secret *a, const struct secret *b, const struct secret *c,
                      char recipe[KEYRELATION_RECIPE_MAX], double *false_alarm);

#endif
