#include "dut/jtag.h"

#include <stdbool.h>

#include "dut/debug_registers.h"

enum {
    BATCH_BYTES = 4096,
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

// --- the debug port: instructions of 4 bits, accesses of 35

enum { IR_BITS = 4, IR_LEN = 2, IR_CAPTURED = 1, ABORT = 0x8, DPACC = 0xa, APACC = 0xb };
enum { SCAN_BITS = 35, SCAN_LEN = 6, ACK_TAKEN = 2, ACK_WAIT = 1, ACK_OPEN = 7 };
enum { BLOCK_WORDS = 64, BLOCK_EXTRA = 5, RESTS_MAX = 64, WAITED = SWD_GARBLED + 1 };

static void put_instruction(struct ftdi_batch *b, unsigned instruction)
{
    ftdi_jtag_instruction(b, instruction, IR_BITS);
}

// Each access is answered by the next one.
static void put_access(struct ftdi_batch *b, bool read, unsigned address, uint32_t value,
                       unsigned rests)
{
    uint64_t bits = (uint64_t)value << 3 | (address >> 2) << 1 | (unsigned)read;
    ftdi_jtag_data(b, bits, SCAN_BITS, rests);
}

// Whether the chain is whole shows in what every instruction brings out.
static int take_instruction(const uint8_t **p)
{
    uint64_t came = ftdi_jtag_value(*p, IR_BITS);
    *p += IR_LEN;
    if (came == 0xf) return SWD_SILENT;
    return (came & 3) == IR_CAPTURED ? SWD_WORDS : SWD_GARBLED;
}

static int take_access(const uint8_t **p, uint32_t *value)
{
    uint64_t came = ftdi_jtag_value(*p, SCAN_BITS);
    *p += SCAN_LEN;
    *value = (uint32_t)(came >> 3);
    switch (came & 7) {
    case ACK_TAKEN:
        return SWD_WORDS;
    case ACK_WAIT:
        return WAITED;
    case ACK_OPEN:
        return SWD_SILENT;
    default:
        return SWD_GARBLED;
    }
}

// CTRL/STAT and the access that fetches it.
static int judge_control(uint32_t control)
{
    return (control & POWERED_UP) == POWERED_UP && !(control & STICKY_FLAGS) ? SWD_WORDS
                                                                             : SWD_REFUSED;
}

static int wake(struct ftdi *f, struct err *err)
{
    enum { ACCESSES = 4 };
    uint8_t answers[2 * IR_LEN + (1 + ACCESSES) * SCAN_LEN];
    const uint8_t *p = answers;
    struct ftdi_batch b;
    uint32_t value = 0;
    ftdi_batch_init(&b, BATCH_BYTES);
    ftdi_jtag_mode(&b, TO_RESET, 5);
    ftdi_jtag_mode(&b, 0, 1);
    put_instruction(&b, ABORT);
    put_access(&b, false, 0, 1, 1); // an access that hangs
    put_instruction(&b, DPACC);
    put_access(&b, false, DP_SELECT, 0, 1);
    put_access(&b, false, DP_CONTROL, POWER_UP | STICKY_FLAGS, 1);
    put_access(&b, true, DP_CONTROL, 0, 1);
    put_access(&b, true, DP_RDBUFF, 0, 1);
    int rc = ftdi_batch_run(f, &b, answers, err);
    ftdi_batch_deinit(&b);
    if (rc < 0) return rc;
    rc = take_instruction(&p);
    p += SCAN_LEN; // ABORT has no acknowledge
    if (rc == SWD_WORDS) rc = take_instruction(&p);
    for (int i = 0; i < ACCESSES && rc == SWD_WORDS; i++)
        rc = take_access(&p, &value);
    if (rc == WAITED) return SWD_GARBLED;
    return rc == SWD_WORDS ? judge_control(value) : rc;
}

int jtag_connect(struct ftdi *f, uint32_t *idcode, struct err *err)
{
    uint32_t ids[JTAG_CHAIN_MAX] = {0};
    size_t n;
    *idcode = 0;
    int rc = jtag_scan(f, ids, &n, err);
    if (rc < 0) return rc;
    if (rc != JTAG_CHAIN) return rc == JTAG_SILENT ? SWD_SILENT : SWD_GARBLED;
    if (n != 1)
        return err_set(err, ERR_UNSUPPORTED,
                       "JTAG: expected a debug port alone on its chain, found %zu devices there; "
                       "read it through serial wire",
                       n);
    *idcode = ids[0];
    return wake(f, err);
}

// n words from address up: each access brings the word of the one before; CTRL/STAT at the end says
// whether one of them went wrong.
static int read_block(struct ftdi *f, uint32_t address, uint32_t *words, size_t n, unsigned rests,
                      struct err *err)
{
    uint8_t answers[2 * IR_LEN + (BLOCK_WORDS + BLOCK_EXTRA) * SCAN_LEN];
    const uint8_t *p = answers;
    struct ftdi_batch b;
    uint32_t value = 0;
    ftdi_batch_init(&b, BATCH_BYTES);
    put_instruction(&b, APACC);
    put_access(&b, false, AP_CSW, WORDS_COUNTING, rests);
    put_access(&b, false, AP_TAR, address, rests);
    for (size_t i = 0; i < n; i++)
        put_access(&b, true, AP_DRW, 0, rests);
    put_instruction(&b, DPACC);
    put_access(&b, true, DP_RDBUFF, 0, rests);
    put_access(&b, true, DP_CONTROL, 0, rests);
    put_access(&b, true, DP_RDBUFF, 0, rests);
    int rc = ftdi_batch_run(f, &b, answers, err);
    ftdi_batch_deinit(&b);
    if (rc < 0) return rc;
    rc = take_instruction(&p);
    for (size_t i = 0; i < n + BLOCK_EXTRA && rc == SWD_WORDS; i++) {
        if (i == n + 2) rc = take_instruction(&p);
        if (rc == SWD_WORDS) rc = take_access(&p, &value);
        if (i > 2 && i <= n + 2) words[i - 3] = value;
    }
    return rc == SWD_WORDS ? judge_control(value) : rc;
}

// A port that says "wait" has not taken part of the block: once more, with more time.
static int read_patiently(struct ftdi *f, uint32_t address, uint32_t *words, size_t n,
                          unsigned *rests, struct err *err)
{
    int rc;
    while ((rc = read_block(f, address, words, n, *rests, err)) == WAITED && *rests < RESTS_MAX)
        *rests *= 2;
    return rc == WAITED ? (int)SWD_GARBLED : rc; // a port that cannot follow has not refused
}

int jtag_read_words(struct ftdi *f, uint32_t address, uint32_t *words, size_t n, size_t *done,
                    int (*progress)(void *ctx, size_t done, size_t total), void *ctx,
                    struct err *err)
{
    unsigned rests = 1;
    size_t most = BLOCK_WORDS;
    *done = 0;
    if (address % 4) return err_set(err, ERR_INVALID, "JTAG: 0x%08x is no multiple of 4", address);
    int rc = ftdi_select(f, FTDI_BUS_JTAG, err);
    if (rc >= 0) rc = SWD_WORDS;
    while (*done < n && rc == SWD_WORDS) {
        uint32_t from = address + (uint32_t)(4 * *done), id;
        size_t part = n - *done < most ? n - *done : most;
        size_t span = (TAR_SPAN - from % TAR_SPAN) / 4;
        if (part > span) part = span;
        rc = read_patiently(f, from, words + *done, part, &rests, err);
        if (rc == SWD_REFUSED && part > 1) { // which word it was: one by one
            most = 1;
            rc = jtag_connect(f, &id, err);
            continue;
        }
        if (rc == SWD_WORDS) *done += part;
        int stop = rc == SWD_WORDS && progress ? progress(ctx, *done, n) : 0;
        if (stop) return stop;
    }
    return rc;
}
