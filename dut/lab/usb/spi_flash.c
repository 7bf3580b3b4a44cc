#include "dut/lab/usb/spi_flash.h"

enum { READ = 0x03, FAST_READ = 0x0b, READ_STATUS = 0x05, READ_ID = 0x9f, NOTHING = 0x00 };

// Winbond, SPI, 8 Mbit.
static const uint8_t jedec_id[3] = {0xef, 0x40, 0x14};

void spi_flash_init(struct spi_flash *f, const uint8_t *image, size_t size)
{
    *f = (struct spi_flash){.image = image, .size = size, .out = true};
}

static void deselect(struct spi_flash *f)
{
    f->out = true;
    f->bits = 0;
    f->bytes = 0;
    f->sends = 0xff;
    f->command = NOTHING;
    f->address = 0;
}

// A byte has come in; decides which one goes out next.
static void take_byte(struct spi_flash *f)
{
    f->sends = 0xff;
    if (f->bytes++ == 0) {
        f->command = f->in;
        if (f->command == READ_ID) f->sends = jedec_id[0];
        if (f->command == READ_STATUS) f->sends = 0x00; // never busy, nothing protected
        return;
    }
    size_t head = f->command == FAST_READ ? 5 : 4; // opcode, address, and one byte of waiting
    switch (f->command) {
    case READ_ID:
        if (f->bytes - 1 < sizeof jedec_id) f->sends = jedec_id[f->bytes - 1];
        break;
    case READ_STATUS:
        f->sends = 0x00;
        break;
    case READ:
    case FAST_READ:
        if (f->bytes <= 4) f->address = f->address << 8 | f->in;
        if (f->bytes >= head) f->sends = f->image[f->address++ % f->size]; // rolls over at the end
        break;
    default: // everything else changes the chip; the lab's does not change
        break;
    }
}

bool spi_flash_pins(struct spi_flash *f, bool clock, bool data, bool select_low)
{
    bool rising = clock && !f->clock, falling = !clock && f->clock;
    f->clock = clock;
    if (!select_low) {
        deselect(f);
    } else if (rising) {
        f->in = (uint8_t)(f->in << 1 | data);
        if (++f->bits == 8) take_byte(f);
    } else if (falling) {
        if (f->bits == 8) f->bits = 0;
        f->out = f->sends >> (7 - f->bits) & 1;
    }
    return f->out;
}
