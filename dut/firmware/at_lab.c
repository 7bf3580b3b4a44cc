#include "dut/firmware/at_lab.h"

#include <stdio.h>
#include <string.h>

#include "dut/firmware/at_args.h"
#include "dut/firmware/device.h"

enum at_lab_result at_lab_select_key(struct device *d, bool public_key)
{
    const bool open = faults_on(&d->faults, FAULT_AUTH_013);
    if (public_key && !open && !device_lab_enabled(d)) return AT_LAB_LOCKED;
    d->public_key = public_key;
    if (faults_on(&d->faults, FAULT_KEY_SESSION))
        strange_note(d, STRANGE_NOTE_PUBLIC_KEY, public_key);
    strange_key_chosen(d, public_key);
    if (!open) return AT_LAB_DONE;
    d->settings.public_key = public_key;
    return settings_store(&d->settings, &d->settings_record) < 0 ? AT_LAB_NOT_STORED : AT_LAB_DONE;
}

enum at_lab_result at_lab_set_encryption(struct device *d, bool on)
{
    const bool open = !on && faults_on(&d->faults, FAULT_ENC_010);
    if (on == d->encrypts) return AT_LAB_DONE;
    if (on && !d->native) return AT_LAB_SYNTAX;
    if (!open && !device_lab_enabled(d)) return AT_LAB_LOCKED;
    d->encrypts = on;
    if (faults_on(&d->faults, FAULT_CIPHER_SESSION))
        strange_note(d, STRANGE_NOTE_ENCRYPTION_OFF, !on);
    return AT_LAB_DONE;
}

const struct sfx_zone *at_lab_find_zone(const char *text, size_t len)
{
    char name[8];
    if (len != 1) return NULL;
    snprintf(name, sizeof name, "RC%c", *text);
    return sfx_zone_find(name) && sfx_zone_find(name)->sense_dbm == 0 ? sfx_zone_find(name) : NULL;
}

enum at_lab_result at_lab_set_zone(struct device *d, const char *text)
{
    const struct sfx_zone *zone = at_lab_find_zone(text, strlen(text));
    if (!zone) return AT_LAB_SYNTAX;
    if (zone == d->zone) return AT_LAB_DONE;
    if (!device_lab_enabled(d)) return AT_LAB_LOCKED;
    d->zone = zone;
    if (!faults_on(&d->faults, FAULT_CNT_014)) return AT_LAB_DONE;
    return counter_restart(&d->counter) < 0 ? AT_LAB_NOT_STORED : AT_LAB_DONE;
}

enum at_lab_result at_lab_preset(struct device *d, const char *text)
{
    long last = 0, epoch = d->counter.fresh ? 0 : d->counter.epoch;
    const char *rest = at_read_number(text, 0, d->counter.modulus - 1, &last);
    if (!rest) return AT_LAB_SYNTAX;
    if (*rest && (*rest != ',' || !at_read_last_number(rest + 1, 0, UINT16_MAX, &epoch)))
        return AT_LAB_SYNTAX;
    if (!device_lab_enabled(d)) return AT_LAB_LOCKED;
    if (counter_preset(&d->counter, (uint16_t)last, (uint16_t)epoch) < 0) return AT_LAB_NOT_STORED;
    d->reset_wanted = true;
    return AT_LAB_DONE;
}

enum at_lab_result at_lab_set_encryption_key(struct device *d, const char *text)
{
    long there = 0;
    if (!d->native || !at_read_last_number(text, 0, 1, &there)) return AT_LAB_SYNTAX;
    if (!device_lab_enabled(d)) return AT_LAB_LOCKED;
    return device_store_encryption_key(d, there == 1) < 0 ? AT_LAB_NOT_STORED : AT_LAB_DONE;
}
