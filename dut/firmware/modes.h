// Certification test modes A to L under their numbers. protocol.md 10.
//
// Each blocks, in the lab's time, until it is over, and stops at the first message that cannot be
// sent. Whether they may run at all is the caller's question.
#ifndef DUT_FIRMWARE_MODES_H
#define DUT_FIRMWARE_MODES_H

#include <stdbool.h>

#include "dut/firmware/uplink.h"

enum { MODES_MAX = 13, MODE_J = 1 };

/// 0 … 6 and 11 … 13; 7 … 10 belong to zone beacons, which this device does not hear.
bool modes_known(unsigned number);
enum uplink_result modes_run(struct device *d, unsigned number);

#endif
