// The device's end of its serial line: bytes in and out, and what a hostile device makes of them.
#ifndef DUT_FIRMWARE_SERIAL_H
#define DUT_FIRMWARE_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct device;

/// One received byte into the line buffer; false when there is none.
bool serial_take(struct device *d);
void serial_write(struct device *d, const void *data, size_t len);
/// When serial_flood wants to be called next; DEVPORT_NEVER for an honest device.
int64_t serial_flood_ns(const struct device *d);
void serial_flood(struct device *d);

#endif
