// The lab's FT232H, or its sister with two of everything, the FT2232H: descriptors, vendor requests
// and the MPSSE, down to single levels on 16 pins a channel.
//
// Owns its buffers. One thread. Clocking data takes no lab time; clocks without data (8E, 8F) that
// last FT232H_WAIT_NS or longer take theirs, and what was sent behind them waits. So a batch can
// switch power on, wait half a millisecond and then read, at an exact time.
#ifndef DUT_LAB_USB_FT232H_H
#define DUT_LAB_USB_FT232H_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

enum {
    FT232H_WAIT_NS = 100000,
    FT232H_FIFO = 1024, // bytes the chip holds in either direction while it cannot go on
    FT232H_DEVICE_LEN = 18,
    FT232H_CONFIG_MAX = 55,
    FT232H_CHANNELS = 2 // at most
};

enum ft232h_kind { FT232H_ONE, FT232H_TWO };

// What is wrong with it on purpose.
enum ft232h_fault {
    FT232H_WHOLE,
    FT232H_SHORT, // every answer lacks its last byte
    FT232H_EMPTY, // nothing but status bytes comes
    FT232H_ECHO   // the next command is not understood: FA and its code come back
};

struct ft232h;

// What hangs on the pins: bit n is AD n, bit 8 + n is AC n. Called at every change with the levels
// of the driven pins; returns the levels that are there. ctx is lent.
struct ft232h_wires {
    void *ctx;
    uint16_t (*change)(void *ctx, uint16_t level, uint16_t driven);
};

/// wires: of each channel (A, then B).
FOX_CHECK int ft232h_new(struct ft232h **out, const char *serial, enum ft232h_kind kind,
                         const struct ft232h_wires wires[FT232H_CHANNELS], struct err *err);
/// Accepts NULL.
void ft232h_free(struct ft232h *c);
/// As if freshly plugged in (or pulled out): nothing is driven, nothing waits.
void ft232h_unplug(struct ft232h *c);
const uint8_t *ft232h_device_descriptor(const struct ft232h *c);
const uint8_t *ft232h_config_descriptor(const struct ft232h *c);
size_t ft232h_config_len(const struct ft232h *c);
void ft232h_set_fault(struct ft232h *c, enum ft232h_fault fault);
/// What hangs on the pins has changed by itself: the levels are taken anew.
void ft232h_look(struct ft232h *c);
/// A control transfer: bytes that come in, or -1 for a stall. in holds at least 256 bytes.
int ft232h_control(struct ft232h *c, const uint8_t setup[8], uint8_t *in, int64_t now_ns);
/// A bulk transfer to the chip: how many bytes it has taken, or -1 for a stall.
int ft232h_out(struct ft232h *c, uint8_t endpoint, const uint8_t *data, size_t len, int64_t now_ns);
/// A bulk transfer from the chip, with its two status bytes in every packet. Bytes, or -1.
int ft232h_in(struct ft232h *c, uint8_t endpoint, uint8_t *data, size_t max, int64_t now_ns);
/// When it goes on by itself; INT64_MAX: never.
int64_t ft232h_next_ns(const struct ft232h *c);
/// Time has come to now_ns.
void ft232h_run(struct ft232h *c, int64_t now_ns);

#endif
