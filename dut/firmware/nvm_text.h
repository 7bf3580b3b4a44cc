// What a scenario has to say for a device that does not begin with a blank memory: its `nvm` lines.
#ifndef DUT_FIRMWARE_NVM_TEXT_H
#define DUT_FIRMWARE_NVM_TEXT_H

#include <stdio.h>

#include "bench/base/err.h"

/// `spec` is NAME,counter=N[,epoch=N][,key=missing|there]: the device's name in the scenario,
/// counter and epoch of its newest message, and its encryption key. Writes one line for each
/// record.
FOX_CHECK int nvm_text_print(FILE *out, const char *spec, struct err *err);

#endif
