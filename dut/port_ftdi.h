// An FT232H adapter at the device's pins: power relay, reset and lab enable as outputs, SPI and the
// serial wire of a debug port through its MPSSE.
//
// One thread. Every call but ftdi_batch_start ends when the adapter has answered, which does not
// depend on the sample clock. A pin drives nothing until it is set, and nothing again after
// ftdi_close. A negative code ERR_GONE means that the adapter was pulled: close it.
//
//     AD0 SCK, SWCLK   AD1 DI (MOSI), SWDIO out   AD2 DO (MISO), SWDIO in   AD3 CS#
//     AC3 selects what hangs on them: 0 the flash, 1 the debug port
//     JTAG: AD0 TCK, AD1 TDI, AD2 TDO, AD3 TMS; on an FT2232H by its second channel, else behind
//     AC3
#ifndef DUT_PORT_FTDI_H
#define DUT_PORT_FTDI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/bytes.h"
#include "bench/base/err.h"

enum ftdi_bus { FTDI_BUS_SPI = 0, FTDI_BUS_SWD = 1, FTDI_BUS_JTAG = 2 };

enum {
    FTDI_PINS = 16,         // AD0 … AD7 = 0 … 7, AC0 … AC7 = 8 … 15
    FTDI_FIRST_FREE = 4,    // AD0 … AD3 belong to the buses
    FTDI_PIN_SELECT = 8 + 3 // and AC3 chooses one
};

struct ftdi;

// An adapter on USB; not opened for use.
struct ftdi_found {
    char serial[64]; // empty: it has none, or this user may not ask
    char description[128];
    bool is_double; // an FT2232H
};

/// FT232H and FT2232H adapters on USB. Returns how many, at most max.
FOX_CHECK int ftdi_find(struct ftdi_found *out, size_t max, struct err *err);

/// The adapter with this serial number. ERR_NOTFOUND: not there (the text lists those that are);
/// ERR_BUSY: another program has it.
FOX_CHECK int ftdi_open(struct ftdi **out, const char *serial, struct err *err);
/// The second channel of an FT2232H, an adapter of its own; ERR_NOTFOUND for an FT232H.
FOX_CHECK int ftdi_open_second(struct ftdi **out, const char *serial, struct err *err);
bool ftdi_is_double(const struct ftdi *f);
/// Lets every pin float. Accepts NULL; works on an adapter that is gone.
void ftdi_close(struct ftdi *f);
const char *ftdi_serial(const struct ftdi *f);

/// "AD5" or "AC0" to a pin number. ERR_INVALID: no such pin, or one that belongs to the buses.
FOX_CHECK int ftdi_pin_parse(const char *name, unsigned *pin, struct err *err);
FOX_CHECK int ftdi_pin_set(struct ftdi *f, unsigned pin, bool high, struct err *err);
FOX_CHECK int ftdi_pin_float(struct ftdi *f, unsigned pin, struct err *err);
/// The level that is on the pin, whoever drives it.
FOX_CHECK int ftdi_pin_get(struct ftdi *f, unsigned pin, bool *high, struct err *err);
/// The levels that are on all pins, pin n in bit n, in one question to the adapter.
FOX_CHECK int ftdi_pins_get(struct ftdi *f, uint16_t *levels, struct err *err);

/// SPI mode 0 at 6 MHz, chip select low around it: n bytes each way at once. tx NULL: zeros; rx
/// NULL: forget what comes.
FOX_CHECK int ftdi_spi(struct ftdi *f, const uint8_t *tx, uint8_t *rx, size_t n, struct err *err);
/// The same for a command of head_len bytes and an answer of n bytes after it; n may be large.
/// progress (may be NULL) is called with the bytes so far; a non-zero return ends it with that
/// code.
FOX_CHECK int ftdi_spi_read(struct ftdi *f, const uint8_t *head, size_t head_len, uint8_t *rx,
                            size_t n, int (*progress)(void *ctx, size_t done, size_t total),
                            void *ctx, struct err *err);

// A batch: MPSSE commands that the adapter carries out by itself, at its own pace, as one. It must
// fit the chip's buffer when it contains a delay. It holds the level of every output as of when it
// was made: set no pin between making and starting it.
struct ftdi_batch {
    struct bytes commands; // appending fails at the size of the chip's buffer
    size_t answers;        // bytes that it will give
    int failed;            // code of the first failure to append
};

enum { FTDI_BATCH_MAX = 1000, FTDI_DELAY_STEP_US = 100 };

void ftdi_batch_init(struct ftdi_batch *b, size_t max);
void ftdi_batch_deinit(struct ftdi_batch *b);
void ftdi_batch_put(struct ftdi_batch *b, const uint8_t *commands, size_t len, size_t answers);
/// Sets a pin at this place of the batch.
void ftdi_batch_pin(struct ftdi *f, struct ftdi_batch *b, unsigned pin, bool high);
/// The adapter waits, in steps of FTDI_DELAY_STEP_US (rounded down), at most 50 s.
void ftdi_batch_delay(struct ftdi_batch *b, unsigned us);
/// Sends it. Until it is collected everything else is ERR_SEQUENCE; to give it up, close the
/// adapter.
FOX_CHECK int ftdi_batch_start(struct ftdi *f, const struct ftdi_batch *b, struct err *err);
/// Takes what has been answered; true (1) when all `answers` bytes are in rx, 0: not yet. With a
/// delay in the batch, pull samples meanwhile.
FOX_CHECK int ftdi_batch_collect(struct ftdi *f, uint8_t *rx, struct err *err);
/// Both, for a batch without a delay.
FOX_CHECK int ftdi_batch_run(struct ftdi *f, const struct ftdi_batch *b, uint8_t *rx,
                             struct err *err);

// The serial wire, as parts of a batch. The bus must have been selected.
/// Line reset, the way over from JTAG, line reset, and reading DPIDR: FTDI_SWD_READ_LEN bytes.
void ftdi_swd_wake(struct ftdi *f, struct ftdi_batch *b);
/// One transaction: `ap` or debug port, register address (0, 4, 8, 12).
void ftdi_swd_read(struct ftdi *f, struct ftdi_batch *b, bool ap, unsigned address);
void ftdi_swd_write(struct ftdi *f, struct ftdi_batch *b, bool ap, unsigned address,
                    uint32_t value);

enum { FTDI_SWD_READ_LEN = 6, FTDI_SWD_WRITE_LEN = 1 };
enum ftdi_swd_ack { FTDI_SWD_OK = 1, FTDI_SWD_WAIT = 2, FTDI_SWD_FAULT = 4, FTDI_SWD_SILENT = 7 };

/// What a transaction answered: one of enum ftdi_swd_ack, or something else when the line is
/// disturbed.
unsigned ftdi_swd_ack(const uint8_t *answer);
/// The word of a read; false: its parity is wrong.
bool ftdi_swd_word(const uint8_t *answer, uint32_t *word);

// JTAG, as parts of a batch. The bus must have been selected.
/// Clocks n bits (1 to 7) of `mode` into TMS, the lowest first.
void ftdi_jtag_mode(struct ftdi_batch *b, uint8_t mode, unsigned n);
/// Shifts n bytes through the data register, ones going in: n bytes of answer, the lowest bit
/// first.
void ftdi_jtag_read(struct ftdi_batch *b, size_t n);
/// From idle and back to it: `bits` (2 to 64) bits through the instruction register, or through the
/// data register and then 8 clocks for each of `rests`; ftdi_jtag_len(bits) bytes of answer.
void ftdi_jtag_instruction(struct ftdi_batch *b, uint64_t value, unsigned bits);
void ftdi_jtag_data(struct ftdi_batch *b, uint64_t value, unsigned bits, unsigned rests);
size_t ftdi_jtag_len(unsigned bits);
uint64_t ftdi_jtag_value(const uint8_t *answer, unsigned bits);

/// Drives the buses' pins and lets them reach one side.
FOX_CHECK int ftdi_select(struct ftdi *f, enum ftdi_bus bus, struct err *err);
/// Lets the buses' pins float, so that they do not feed a device that is switched off.
FOX_CHECK int ftdi_release(struct ftdi *f, struct err *err);

#endif
