// What a scenario puts into a device's memory before it is switched on for the first time.
//
// Pure but for reading the file that is named. One thread.
#ifndef DUT_LAB_SCENARIO_NVM_H
#define DUT_LAB_SCENARIO_NVM_H

#include <stdint.h>

#include "bench/base/err.h"

/// Words behind `nvm NAME`: [offset=N] and either file=PATH or hex=BYTES. *nvm is the image of
/// PORT_NVM_SIZE bytes so far; NULL: it is made, erased. Owned by the caller, also on failure.
FOX_CHECK int scenario_nvm_put(uint8_t **nvm, const char *const *words, int n, struct err *err);

#endif
