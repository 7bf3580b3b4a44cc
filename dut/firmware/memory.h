// What a probe on the device's board finds: code flash, data EEPROM, RAM and the external flash,
// and which of them the debug port gives away. The seam of every fault in how the key is kept.
//
// The lab keeps these images; the device tells it what is in them. layout.h has the places.
#ifndef DUT_FIRMWARE_MEMORY_H
#define DUT_FIRMWARE_MEMORY_H

#include <stddef.h>
#include <stdint.h>

struct device;

/// Tells the lab all images and what is protected, as after a reset. Time passes only under
/// MUT-KEY-002.
void memory_boot(struct device *d);
/// Reads the data EEPROM as a debugger would: non-volatile memory and credentials. 0, or a negative
/// errno when offset + len lies outside of it.
int memory_read_data(struct device *d, uint32_t offset, uint8_t *out, size_t len);
/// What deviations leave in the external flash: a downlink with a wrong tag was refused; and what
/// an honest device may leave there: a message was sent, a downlink was taken.
void memory_refused(struct device *d, const uint8_t payload[]);
void memory_sent(struct device *d);
void memory_taken(struct device *d, const uint8_t payload[]);

#endif
