// What the host can set and AT$WR keeps. A plain value beside its record; the caller owns both.
#ifndef DUT_FIRMWARE_SETTINGS_H
#define DUT_FIRMWARE_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "dut/firmware/record.h"

enum { SETTINGS_REPEAT_MAX = 2, SETTINGS_OOB_MAX_H = 24, SETTINGS_POWER_MAX_DBM = 15 };

struct settings {
    uint8_t repeat;       // frames after the first
    uint8_t oob_period_h; // keep-alive every so many hours, 0: never
    uint8_t power_dbm;
    bool fallen_id;  // the ID has fallen back to the library's test ID (MUT-AUTH-010)
    bool public_key; // sign with the public key (MUT-AUTH-013)
};

struct settings settings_defaults(void);
/// Prepares the record and reads it; defaults where there is none.
void settings_load(struct settings *s, struct record *record, struct devport *port);
/// 0, or a negative errno of the memory.
int settings_store(const struct settings *s, struct record *record);

#endif
