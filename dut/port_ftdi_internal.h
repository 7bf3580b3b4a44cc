// What port_ftdi.c and port_ftdi_batch.c share, and nobody else includes: the adapter's state and
// the MPSSE's commands (FTDI AN_108).
#ifndef DUT_PORT_FTDI_INTERNAL_H
#define DUT_PORT_FTDI_INTERNAL_H

#include "dut/port_ftdi.h"

struct ftdi_context; // of libftdi

struct ftdi {
    struct ftdi_context *context;
    char serial[64];
    bool open;
    uint16_t value, direction;  // bit n: pin n
    size_t expected, collected; // of the batch under way, with its mark
    uint8_t mark[2];            // what came behind its answers
    bool is_double;             // an FT2232H
    bool second;                // its second channel
};

enum { PIN_SCK = 1 << 0, PIN_OUT = 1 << 1, PIN_IN = 1 << 2, PIN_CS = 1 << 3 };

enum mpsse {
    SET_LOW = 0x80,
    GET_LOW = 0x81,
    SET_HIGH = 0x82,
    GET_HIGH = 0x83,
    LOOPBACK_OFF = 0x85,
    SET_DIVISOR = 0x86,
    FLUSH = 0x87,
    BASE_60_MHZ = 0x8a,
    PHASES_2 = 0x8d,
    CLOCK_BITS = 0x8e,
    CLOCK_BYTES = 0x8f,
    ADAPTIVE_OFF = 0x97,
    BAD_COMMAND = 0xaa,
    SPI_WRITE = 0x11,
    SPI_READ = 0x20,
    SPI_BOTH = 0x31,
    JTAG_MODE_BITS = 0x4b,
    JTAG_MODE_BOTH_BITS = 0x6b,
    JTAG_BOTH_BYTES = 0x39,
    JTAG_BOTH_BITS = 0x3b,
    SWD_WRITE_BYTES = 0x19,
    SWD_WRITE_BITS = 0x1b,
    SWD_READ_BYTES = 0x28,
    SWD_READ_BITS = 0x2a
};

// Clock dividers: 60 MHz / (2 (1 + d)).
enum { DIVIDE_6_MHZ = 4, DIVIDE_10_KHZ = 2999 };

/// What the adapter is to drive from the next ftdi_put_half on.
void ftdi_change_pin(struct ftdi *f, unsigned pin, bool driven, bool high);
/// The command that puts the outputs of one half (AD, or AC: high) into effect.
void ftdi_put_half(const struct ftdi *f, bool high, uint8_t out[3]);

#endif
