#include "dut/flash.h"

enum { READ = 0x03, READ_ID = 0x9f, AGAIN = 24 * 1024 };

static const struct {
    uint8_t code;
    const char *name;
} makers[] = {
    {0x01, "Spansion"}, {0x1f, "Adesto"},   {0x20, "Micron"},     {0x9d, "ISSI"},
    {0xbf, "SST"},      {0xc2, "Macronix"}, {0xc8, "GigaDevice"}, {0xef, "Winbond"},
};

int flash_identify(struct ftdi *f, struct flash_id *out, struct err *err)
{
    const uint8_t command = READ_ID;
    uint8_t id[3];
    int rc = ftdi_spi_read(f, &command, 1, id, sizeof id, NULL, NULL, err);
    if (rc < 0) return rc;
    *out = (struct flash_id){id[0], id[1], id[2], "unknown maker", 0};
    if (id[0] == id[1] && id[1] == id[2] && (id[0] == 0xff || id[0] == 0x00))
        return err_set(err, ERR_FORMAT,
                       "flash behind FTDI adapter %s: expected a JEDEC id, got all %s; check that "
                       "the device has power and the clip sits right",
                       ftdi_serial(f), id[0] ? "ones" : "zeros");
    if (id[2] < 10 || id[2] > 24)
        return err_set(err, ERR_FORMAT,
                       "flash behind FTDI adapter %s: JEDEC id %02X %02X %02X, expected a capacity "
                       "code from 0A (1 KiB) to 18 (16 MiB) as the third byte; check the clip, or "
                       "read this chip with another tool",
                       ftdi_serial(f), id[0], id[1], id[2]);
    out->size = (size_t)1 << id[2];
    for (size_t i = 0; i < sizeof makers / sizeof *makers; i++)
        if (makers[i].code == id[0]) out->name = makers[i].name;
    return ERR_OK;
}

// Reads it all once more, in other pieces: a wire that disturbs single bits does it elsewhere.
int flash_compare(struct ftdi *f, const struct flash_id *id, size_t offset, const uint8_t *first,
                  size_t len, struct err *err)
{
    uint8_t again[AGAIN];
    for (size_t at = 0; at < len;) {
        size_t part = len - at < AGAIN ? len - at : AGAIN, from = offset + at;
        const uint8_t command[] = {READ, (uint8_t)(from >> 16), (uint8_t)(from >> 8),
                                   (uint8_t)from};
        int rc = ftdi_spi_read(f, command, sizeof command, again, part, NULL, NULL, err);
        if (rc < 0) return rc;
        for (size_t i = 0; i < part; i++)
            if (again[i] != first[at + i])
                return err_set(
                    err, ERR_FORMAT,
                    "flash behind FTDI adapter %s (JEDEC id %02X %02X %02X): two reads "
                    "of 0x%zx differ, %02X and %02X; the wires disturb each other or the "
                    "device still speaks: shorten them, hold it in reset, and read again",
                    ftdi_serial(f), id->maker, id->kind, id->capacity, from + i, first[at + i],
                    again[i]);
        at += part;
    }
    return ERR_OK;
}

int flash_read_once(struct ftdi *f, const struct flash_id *id, size_t offset, uint8_t *out,
                    size_t len, int (*progress)(void *ctx, size_t done, size_t total), void *ctx,
                    struct err *err)
{
    if (offset > id->size || len > id->size - offset)
        return err_set(err, ERR_INVALID,
                       "flash: %zu bytes at %zu were asked for; the chip has %zu (JEDEC id %02X "
                       "%02X %02X)",
                       len, offset, id->size, id->maker, id->kind, id->capacity);
    const uint8_t command[] = {READ, (uint8_t)(offset >> 16), (uint8_t)(offset >> 8),
                               (uint8_t)offset};
    return ftdi_spi_read(f, command, sizeof command, out, len, progress, ctx, err);
}

int flash_read(struct ftdi *f, const struct flash_id *id, size_t offset, uint8_t *out, size_t len,
               int (*progress)(void *ctx, size_t done, size_t total), void *ctx, struct err *err)
{
    int rc = flash_read_once(f, id, offset, out, len, progress, ctx, err);
    return rc < 0 ? rc : flash_compare(f, id, offset, out, len, err);
}
