// The device port, version 2: what a device process and the virtual lab say to each other over the
// inherited socket whose descriptor stands in the environment variable FOXPORT_FD.
// docs/DEVICE_PORT.md explains it; this file is the authority.
//
// A message is a header of 8 bytes and a body, all integers little-endian:
//
//     0        2        4                 8
//     | type   | zero   | body length     | body …
//
// Times are int64 nanoseconds since the lab began. The lab owns time: between two grants it stands
// still for the device.
//
// Versions: the lab's HELLO names the latest one that it speaks. The device takes what it knows of
// that and answers with the version that it was written for, which may be an earlier one; from then
// on the lab keeps to it. Version 2 added PORT_TEMPERATURE.
//
// 1. Lab: HELLO, then device: READY (or REFUSE, and it exits). Until READY the lab waits.
//    READY says the same as IDLE(now): only LOG, IMAGE and PROTECT may follow before the first
//    GRANT, which may be GRANT(now).
// 2. Lab: GRANT(until). The device does everything it has to do up to and including `until`,
//    sending messages whose times never decrease and never lie beyond `until`, and ends with
//    IDLE(next): the time of its next own event, or PORT_NEVER. Messages from the lab may come
//    before a grant; they carry times not beyond that grant.
// 3. A device that waits inside a call (an NVM write, say) answers IDLE(time at which the wait
//    ends) and goes on when a grant reaches it. NVM_READ and NVM_WRITE are answered at once,
//    within the same grant, even when the access ends later.
// 4. A power cut or a reset is a kill: nothing is said before it. What happens at that time or
//    later does not happen, and of a burst only the part before it is sent.
// 5. NVM belongs to the lab: a write takes PORT_NVM_NS_PER_BYTE a byte from its lowest address
//    up, and a cut keeps exactly the bytes written by then.
#ifndef DUT_PORT_PORT_WIRE_H
#define DUT_PORT_PORT_WIRE_H

#include <stdint.h>

enum { PORT_VERSION = 2, PORT_BODY_MAX = 16 * 1024 * 1024, PORT_NVM_SIZE = 4096 };

#define PORT_NEVER           INT64_MAX
#define PORT_NVM_NS_PER_BYTE 100000 // 0.1 ms to write a byte; reading takes no time

enum port_boot_cause { PORT_BOOT_POWER = 0, PORT_BOOT_RESET = 1 };

// Message types and bodies. i64 time first wherever there is one. "…" = the rest of the body.
enum port_message {
    // lab to device
    PORT_HELLO = 1,       // u32 version, u32 boot cause, i64 now, u64 seed, u32 supply mV,
                          // u32 NVM size, … unit name (no NUL)
    PORT_GRANT = 2,       // i64 until
    PORT_UART_RX = 3,     // i64 t, … bytes for the device
    PORT_GPIO_IN = 4,     // i64 t, u32 line, u32 level (line numbers: the scenario's)
    PORT_SUPPLY = 5,      // i64 t, u32 mV
    PORT_NVM_DONE = 6,    // i64 t at which the access ends, u32 status (0 or errno), u32 zero,
                          // … bytes (of a read)
    PORT_RF_SAMPLES = 7,  // i64 t of the first sample, f64 carrier Hz, f64 rate S/s,
                          // … complex float32 pairs, sqrt(mW)
    PORT_TEMPERATURE = 8, // i64 t, i32 thousandths of a degree Celsius, u32 zero (version 2)

    // device to lab
    PORT_READY = 65,     // u32 version, u32 zero, … name and version of the device program
    PORT_REFUSE = 66,    // … why (one line): wrong version, unknown fault, bad argument
    PORT_IDLE = 67,      // i64 next
    PORT_UART_TX = 68,   // i64 t, … bytes
    PORT_GPIO_OUT = 69,  // i64 t, u32 line, u32 level
    PORT_NVM_READ = 70,  // i64 t, u32 offset, u32 length; answered by NVM_DONE at once
    PORT_NVM_WRITE = 71, // i64 t, u32 offset, u32 length, … bytes; answered by NVM_DONE at once
                         // (t = when it will be done)
    PORT_RF_TX = 72,     // i64 t of the first sample, f64 carrier Hz, f64 rate S/s,
                         // … complex float32 pairs, sqrt(mW); the burst may last beyond the grant
    PORT_RF_LISTEN = 73, // i64 from (>= now), i64 to, f64 carrier Hz, f64 rate S/s: RF_SAMPLES
                         // come before the first GRANT that the lab gives for `to` or later
    PORT_LOG = 74,       // i64 t, … a line for the lab's log
    PORT_IMAGE = 75,     // u32 image (enum port_image), u32 offset, … bytes the debug port or
                         // flash reader would see from now on
    PORT_PROTECT = 76    // i64 t, u32 image (| PORT_PROTECT_VOLATILE), u32 readable (0, 1): what
                         // the debug port may read from now on
};

// Memories that somebody with a probe can reach. They belong to the lab and outlive the process;
// PORT_IMAGE_RAM is cleared when power comes. What was never written reads FF.
enum port_image {
    PORT_IMAGE_CODE = 0,  // code flash, at 0x08000000 on the debug port
    PORT_IMAGE_DATA = 1,  // data EEPROM, at 0x08080000
    PORT_IMAGE_RAM = 2,   // at 0x20000000; never written: 00
    PORT_IMAGE_FLASH = 3, // external SPI flash; everybody at its pins can read it
    PORT_IMAGE_DEBUG = 4, // no memory: whether the debug port answers at all, for PROTECT
    PORT_IMAGES = 4
};

#define PORT_IMAGE_CODE_SIZE  (256 * 1024)
#define PORT_IMAGE_DATA_SIZE  (8 * 1024)
#define PORT_IMAGE_RAM_SIZE   (64 * 1024)
#define PORT_IMAGE_FLASH_SIZE (1024 * 1024)

// Protection is kept over resets and power cuts, as option bytes are, and a new device is open.
// With this bit the message is a register instead: it holds until the power goes.
#define PORT_PROTECT_VOLATILE 0x80000000u

#endif
