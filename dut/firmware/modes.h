// Certification test modes. protocol.md 10.
#ifndef DUT_FIRMWARE_MODES_H
#define DUT_FIRMWARE_MODES_H

#include "dut/firmware/uplink.h"

/// Mode J: one message of every kind with three frames, one per 18 s. Stops at the first that
/// cannot be sent.
enum uplink_result modes_run_j(struct device *d);

#endif
