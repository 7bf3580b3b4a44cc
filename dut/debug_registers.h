// Registers of an Arm debug port and its memory access port (Arm IHI 0031, version 5), for swd.c
// and jtag.c alone.
#ifndef DUT_DEBUG_REGISTERS_H
#define DUT_DEBUG_REGISTERS_H

enum {
    DP_ABORT = 0,
    DP_CONTROL = 4,
    DP_SELECT = 8,
    DP_RDBUFF = 12,
    AP_CSW = 0,
    AP_TAR = 4,
    AP_DRW = 12
};

enum {
    CLEAR_ALL = 0x1e,      // of ABORT
    STICKY_FLAGS = 0xb2,   // of CTRL/STAT
    WORDS_COUNTING = 0x12, // of CSW: 32 bit, address counts up
    TAR_SPAN = 1024        // the address need not count across a multiple of this
};

#define POWER_UP   0x50000000u // debug and system
#define POWERED_UP 0xa0000000u
#define OVERRUN    0x00000001u // serial wire: every transaction has its data, also a refused one

#endif
