// Where the reference device keeps what in its non-volatile memory, and what its pins mean. Tests
// that prepare a device's memory read it too.
//
//     offset  kind  body
//     0x000   'C'   counter u16, epoch u16                                  record.h: two slots
//     0x040   'S'   flags u8, repeat u8, out-of-band period h u8, power dBm u8
//     0x0c0   'E'   encryption key u8: 0 missing, 1 there
//     0x100   'N'   what a deviation of strange.def keeps over restarts; nothing without one
//
// Counter and epoch are those of the newest message; a blank record means that there was none. The
// flags are 1, the ID has fallen back (MUT-AUTH-010), and 2, the public key signs (MUT-AUTH-013).
//
// The data EEPROM that a debugger sees is this memory with the credentials, which the process gets
// when it is started, at 0x080: ID u32, PAC 8 bytes, key 16 bytes. External flash: a table at 0,
// configuration as JSON at 0x10000; the rest is erased. At 0x20000 a deviation of strange.def keeps
// what came of a refused downlink; at 0x30000 LAW-FLASH its messages and the newest downlink.
#ifndef DUT_FIRMWARE_LAYOUT_H
#define DUT_FIRMWARE_LAYOUT_H

enum {
    LAYOUT_COUNTER_OFFSET = 0x000,
    LAYOUT_COUNTER_KIND = 'C',
    LAYOUT_SETTINGS_OFFSET = 0x040,
    LAYOUT_SETTINGS_KIND = 'S',
    LAYOUT_CREDENTIALS_OFFSET = 0x080,
    LAYOUT_ENCRYPTION_OFFSET = 0x0c0,
    LAYOUT_ENCRYPTION_KIND = 'E',
    LAYOUT_NOTES_OFFSET = 0x100,
    LAYOUT_NOTES_KIND = 'N',
    LAYOUT_KEY_LEN = 16,
    LAYOUT_FLASH_CONFIG_OFFSET = 0x10000,
    LAYOUT_FLASH_REFUSED_OFFSET = 0x20000,
    LAYOUT_FLASH_LIFE_OFFSET = 0x30000,
    LAYOUT_FLASH_BACKUP_OFFSET = 0x4a343 // MUT-KEY-008
};

enum {
    LAYOUT_PIN_LAB_ENABLE = 0, // input: high allows what only a laboratory may do
    LAYOUT_PIN_ACTUATOR = 0 // output: what genuine downlinks switch, by this bit of their payload
};
enum { LAYOUT_ACTUATOR_BYTE = 0, LAYOUT_ACTUATOR_BIT = 0x01 };

#endif
