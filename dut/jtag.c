#include "dut/jtag.h"

#include <stdbool.h>

enum {
    BATCH_BYTES = 256,
    TO_RESET = 0x1f,    // five ones from anywhere
    TO_SHIFT_DR = 0x02, // 0, 1, 0, 0: from reset through idle
    CHAIN_BYTES = 4 * (JTAG_CHAIN_MAX + 1)
};

const char *jtag_outcome_name(enum jtag_outcome outcome)
{
    static const char *const names[] = {"chain", "silent", "stuck"};
    return names[outcome];
}

static unsigned bit_at(const uint8_t *bits, size_t at)
{
    return bits[at / 8] >> at % 8 & 1;
}

static bool all_are(const uint8_t *bits, uint8_t value)
{
    for (size_t i = 0; i < CHAIN_BYTES; i++)
        if (bits[i] != value) return false;
    return true;
}

// After a reset each device has its identity in the data register (which begins with a 1), or one
// bit of bypass, a 0. Behind the last one come the ones that went in.
static int split(const uint8_t *bits, uint32_t ids[JTAG_CHAIN_MAX], size_t *n)
{
    size_t at = 0;
    for (*n = 0; *n < JTAG_CHAIN_MAX; ++*n) {
        uint32_t id = 0;
        if (bit_at(bits, at) == 0) {
            ids[*n] = 0;
            at++;
            continue;
        }
        for (unsigned i = 0; i < 32; i++)
            id |= bit_at(bits, at + i) << i;
        if (id == UINT32_MAX) return *n ? JTAG_CHAIN : JTAG_SILENT;
        ids[*n] = id;
        at += 32;
    }
    return JTAG_STUCK; // no end in sight
}

int jtag_scan(struct ftdi *f, uint32_t ids[JTAG_CHAIN_MAX], size_t *n, struct err *err)
{
    uint8_t bits[CHAIN_BYTES];
    struct ftdi_batch b;
    *n = 0;
    ftdi_batch_init(&b, BATCH_BYTES);
    int rc = ftdi_select(f, FTDI_BUS_JTAG, err);
    ftdi_jtag_mode(&b, TO_RESET, 5);
    ftdi_jtag_mode(&b, TO_SHIFT_DR, 4);
    ftdi_jtag_read(&b, sizeof bits);
    ftdi_jtag_mode(&b, TO_RESET, 5);
    if (rc >= 0) rc = ftdi_batch_run(f, &b, bits, err);
    ftdi_batch_deinit(&b);
    if (rc < 0) return rc;
    if (all_are(bits, 0x00)) return JTAG_STUCK;
    return split(bits, ids, n);
}
