// The device's output pins: line 0 is an actuator, which genuine downlinks switch. The seam of what
// deviations do to it.
//
// layout.h has the bit. One thread.
#ifndef DUT_FIRMWARE_PINS_H
#define DUT_FIRMWARE_PINS_H

#include <stdint.h>

struct device;

/// After a restart: off.
void pins_boot(struct device *d);
/// A downlink was taken: its payload says whether the actuator is on.
void pins_taken(struct device *d, const uint8_t payload[]);
/// One with a wrong tag was refused; only a deviation heeds it.
void pins_refused(struct device *d, const uint8_t payload[]);
/// A message was sent; only LAW-BLINK shows it.
void pins_sent(struct device *d);

#endif
