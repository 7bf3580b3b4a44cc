// Where the reference device keeps what in its non-volatile memory, and what its pins mean. Tests
// that prepare a device's memory read it too.
//
//     offset  kind  body
//     0x000   'C'   counter u16, epoch u16                                  record.h: two slots
//     0x040   'S'   flags u8, repeat u8, out-of-band period h u8, power dBm u8
#ifndef DUT_FIRMWARE_LAYOUT_H
#define DUT_FIRMWARE_LAYOUT_H

enum {
    LAYOUT_COUNTER_OFFSET = 0x000,
    LAYOUT_COUNTER_KIND = 'C',
    LAYOUT_SETTINGS_OFFSET = 0x040,
    LAYOUT_SETTINGS_KIND = 'S'
};

enum { LAYOUT_PIN_LAB_ENABLE = 0 }; // input: high allows what only a laboratory may do

#endif
