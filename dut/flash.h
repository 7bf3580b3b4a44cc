// Serial flash chips on the SPI bus of an FTDI adapter: what they are and what they hold.
//
// Borrows the adapter; one thread. Reads only. A clip that is not seated, or a chip without power,
// is ERR_FORMAT: nothing can be said about the device then.
#ifndef DUT_FLASH_H
#define DUT_FLASH_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/port_ftdi.h"

enum { FLASH_SIZE_MAX = 16 * 1024 * 1024 }; // of 3-byte addresses

struct flash_id {
    uint8_t maker, kind, capacity; // JEDEC
    const char *name;              // of the maker, or "unknown maker"
    size_t size;                   // bytes, by the capacity code
};

/// ERR_FORMAT: no chip answers (all ones, all zeros), or one whose size is unknown.
FOX_CHECK int flash_identify(struct ftdi *f, struct flash_id *out, struct err *err);
/// len bytes from offset, read twice. progress as in ftdi_spi_read. Identify the chip first.
FOX_CHECK int flash_read(struct ftdi *f, const struct flash_id *id, size_t offset, uint8_t *out,
                         size_t len, int (*progress)(void *ctx, size_t done, size_t total),
                         void *ctx, struct err *err);
/// The two halves of it, for who reads again and again: once, and whether a further reading gives
/// the same (ERR_FORMAT: it does not).
FOX_CHECK int flash_read_once(struct ftdi *f, const struct flash_id *id, size_t offset,
                              uint8_t *out, size_t len,
                              int (*progress)(void *ctx, size_t done, size_t total), void *ctx,
                              struct err *err);
FOX_CHECK int flash_compare(struct ftdi *f, const struct flash_id *id, size_t offset,
                            const uint8_t *first, size_t len, struct err *err);

#endif
