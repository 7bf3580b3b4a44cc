// The AT dialect of the SFM10R family (protocol.md 9.1), with two extensions of this project:
// AT$TM=1,n (test mode J) and AT$RFS (factory reset).
#ifndef DUT_FIRMWARE_AT_H
#define DUT_FIRMWARE_AT_H

#include <stddef.h>
#include <stdint.h>

#include "bench/sfx/downlink.h"

struct device;

/// Executes one command line and writes its answer. `line` NULL: a line came that was too long.
void at_execute(struct device *d, const char *line, size_t len);
/// Hands the payload of a downlink to the host.
void at_tell_downlink(struct device *d, const uint8_t payload[SFX_DL_PAYLOAD]);

#endif
