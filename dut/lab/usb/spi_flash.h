// The lab's serial flash chip at the level of its pins: a W25Q80 (1 MiB), read only.
//
// A pure state machine over a lent image. Mode 0: it samples at rising edges of the clock and
// changes its output at falling ones.
#ifndef DUT_LAB_USB_SPI_FLASH_H
#define DUT_LAB_USB_SPI_FLASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spi_flash {
    const uint8_t *image; // lent
    size_t size;
    bool clock;    // last level
    bool out;      // level of its output
    unsigned bits; // received of the present byte
    uint8_t in;    // what was received of it
    uint8_t sends; // the byte on its way out
    size_t bytes;  // of this access so far
    uint8_t command;
    uint32_t address;
};

void spi_flash_init(struct spi_flash *f, const uint8_t *image, size_t size);
/// The levels at its pins now; returns its output, high when it is not selected.
bool spi_flash_pins(struct spi_flash *f, bool clock, bool data, bool select_low);

#endif
