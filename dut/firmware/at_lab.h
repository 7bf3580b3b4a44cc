// What both dialects allow in a laboratory only: the lab-enable line must be high at that moment.
// Everything set here falls back at the next reset, but for what belongs to the non-volatile
// memory.
#ifndef DUT_FIRMWARE_AT_LAB_H
#define DUT_FIRMWARE_AT_LAB_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/sfx/zone.h"

struct device;

enum at_lab_result {
    AT_LAB_DONE,
    AT_LAB_SYNTAX,    // cannot be understood
    AT_LAB_LOCKED,    // the line is low
    AT_LAB_NOT_STORED // memory error
};

/// Which key signs, as asked for: 0 the own, 1 the public one.
enum at_lab_result at_lab_select_key(struct device *d, bool public_key);
/// Whether payloads are encrypted; a device without a profile cannot.
enum at_lab_result at_lab_set_encryption(struct device *d, bool on);
/// "1", "2", "4", "6" or "7": this device cannot sense a carrier. NULL when it is none of them.
const struct sfx_zone *at_lab_find_zone(const char *text, size_t len);
enum at_lab_result at_lab_set_zone(struct device *d, const char *text);
/// "n[,epoch]": makes n the counter of the newest message, stored, and resets the device. Without
/// an epoch, the roll-over counter stays as it is.
enum at_lab_result at_lab_preset(struct device *d, const char *text);
/// "0": forgets the encryption key, as if it had never been written; "1": writes it. Kept over
/// resets.
enum at_lab_result at_lab_set_encryption_key(struct device *d, const char *text);

#endif
