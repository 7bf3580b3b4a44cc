#include "dut/swd.h"

#include <string.h>

#include "dut/debug_registers.h"

enum {
    BLOCK_WORDS = 64, // in one batch
    BATCH_BYTES = 8192
};

const char *swd_outcome_name(enum swd_outcome outcome)
{
    static const char *const names[] = {"words", "refused", "silent", "garbled"};
    return names[outcome];
}

static enum swd_outcome outcome_of(const uint8_t *answer)
{
    switch (ftdi_swd_ack(answer)) {
    case FTDI_SWD_OK:
        return SWD_WORDS;
    case FTDI_SWD_FAULT:
        return SWD_REFUSED;
    case FTDI_SWD_SILENT:
        return SWD_SILENT;
    default: // also WAIT: a port that cannot follow has not refused
        return SWD_GARBLED;
    }
}

static enum swd_outcome take_word(const uint8_t *answer, uint32_t *word)
{
    enum swd_outcome o = outcome_of(answer);
    if (o != SWD_WORDS) return o;
    return ftdi_swd_word(answer, word) ? SWD_WORDS : SWD_GARBLED;
}

// What a connection consists of; its answers are CONNECT_LEN bytes.
enum { CONNECT_LEN = FTDI_SWD_READ_LEN + 3 * FTDI_SWD_WRITE_LEN + FTDI_SWD_READ_LEN };

static void put_connect(struct ftdi *f, struct ftdi_batch *b)
{
    ftdi_swd_wake(f, b);
    ftdi_swd_write(f, b, false, DP_ABORT, CLEAR_ALL);
    ftdi_swd_write(f, b, false, DP_SELECT, 0);
    ftdi_swd_write(f, b, false, DP_CONTROL, POWER_UP | OVERRUN);
    ftdi_swd_read(f, b, false, DP_CONTROL);
}

static enum swd_outcome take_connect(const uint8_t *answers, uint32_t *dpidr)
{
    uint32_t control = 0;
    enum swd_outcome o = take_word(answers, dpidr);
    const uint8_t *p = answers + FTDI_SWD_READ_LEN;
    for (int i = 0; i < 3 && o == SWD_WORDS; i++, p += FTDI_SWD_WRITE_LEN)
        o = outcome_of(p);
    if (o == SWD_WORDS) o = take_word(answers + CONNECT_LEN - FTDI_SWD_READ_LEN, &control);
    if (o == SWD_WORDS && (control & POWERED_UP) != POWERED_UP) o = SWD_REFUSED;
    return o;
}

int swd_connect(struct ftdi *f, uint32_t *dpidr, struct err *err)
{
    uint8_t answers[CONNECT_LEN];
    struct ftdi_batch b;
    *dpidr = 0;
    ftdi_batch_init(&b, BATCH_BYTES);
    int rc = ftdi_select(f, FTDI_BUS_SWD, err);
    if (rc >= 0) put_connect(f, &b);
    if (rc >= 0) rc = ftdi_batch_run(f, &b, answers, err);
    ftdi_batch_deinit(&b);
    return rc < 0 ? rc : (int)take_connect(answers, dpidr);
}

// n words from address up: each read gives the word before it, the last one lies in RDBUFF.
enum { BLOCK_HEAD_LEN = 2 * FTDI_SWD_WRITE_LEN };

static void put_block(struct ftdi *f, struct ftdi_batch *b, uint32_t address, size_t n)
{
    ftdi_swd_write(f, b, true, AP_CSW, WORDS_COUNTING);
    ftdi_swd_write(f, b, true, AP_TAR, address);
    for (size_t i = 0; i < n; i++)
        ftdi_swd_read(f, b, true, AP_DRW);
    ftdi_swd_read(f, b, false, DP_RDBUFF);
}

static enum swd_outcome take_block(const uint8_t *answers, uint32_t *words, size_t n, size_t *done)
{
    enum swd_outcome o = SWD_WORDS;
    *done = 0;
    for (int i = 0; i < 2 && o == SWD_WORDS; i++)
        o = outcome_of(answers + i * FTDI_SWD_WRITE_LEN);
    for (size_t i = 0; i <= n && o == SWD_WORDS; i++) {
        uint32_t word;
        o = take_word(answers + BLOCK_HEAD_LEN + i * FTDI_SWD_READ_LEN, &word);
        if (o == SWD_WORDS && i > 0) words[(*done)++] = word; // the first is of an access before
    }
    return o;
}

static int read_block(struct ftdi *f, struct ftdi_batch *b, uint32_t address, uint32_t *words,
                      size_t n, size_t *done, struct err *err)
{
    uint8_t answers[BLOCK_HEAD_LEN + (BLOCK_WORDS + 1) * FTDI_SWD_READ_LEN];
    ftdi_batch_init(b, BATCH_BYTES);
    put_block(f, b, address, n);
    int rc = ftdi_batch_run(f, b, answers, err);
    ftdi_batch_deinit(b);
    return rc < 0 ? rc : (int)take_block(answers, words, n, done);
}

int swd_read_words(struct ftdi *f, uint32_t address, uint32_t *words, size_t n, size_t *done,
                   int (*progress)(void *ctx, size_t done, size_t total), void *ctx,
                   struct err *err)
{
    *done = 0;
    if (address % 4)
        return err_set(err, ERR_INVALID, "serial wire: 0x%08x is no multiple of 4", address);
    int rc = SWD_WORDS;
    while (*done < n && rc == SWD_WORDS) {
        size_t part = n - *done < BLOCK_WORDS ? n - *done : BLOCK_WORDS, came = 0;
        uint32_t from = address + (uint32_t)(4 * *done);
        size_t span = (TAR_SPAN - from % TAR_SPAN) / 4;
        if (part > span) part = span;
        struct ftdi_batch b;
        rc = read_block(f, &b, from, words + *done, part, &came, err);
        *done += came;
        int stop = rc == SWD_WORDS && progress ? progress(ctx, *done, n) : 0;
        if (stop) return stop;
    }
    return rc;
}

// --- the race

_Static_assert(CONNECT_LEN + BLOCK_HEAD_LEN + (SWD_RACE_WORDS_MAX + 1) * FTDI_SWD_READ_LEN <=
                   SWD_RACE_ANSWERS,
               "a race's answers have room");

int swd_race_start(struct power *p, const struct swd_race *race, struct err *err)
{
    if (race->n < 1 || race->n > SWD_RACE_WORDS_MAX || race->address % 4 ||
        race->address % TAR_SPAN + 4 * race->n > TAR_SPAN)
        return err_set(err, ERR_INVALID,
                       "serial wire: a race reads 1 to %d words that lie within one kilobyte, not "
                       "%zu at 0x%08x",
                       SWD_RACE_WORDS_MAX, race->n, race->address);
    if (p->is_on)
        return err_set(err, ERR_SEQUENCE,
                       "serial wire: a race begins with the power; switch the device off first");
    struct ftdi_batch b;
    ftdi_batch_init(&b, FTDI_BATCH_MAX);
    int rc = ftdi_select(p->ftdi, FTDI_BUS_SWD, err);
    ftdi_batch_pin(p->ftdi, &b, p->relay_pin, true);
    ftdi_batch_delay(&b, race->delay_us);
    put_connect(p->ftdi, &b);
    put_block(p->ftdi, &b, race->address, race->n);
    if (rc >= 0) rc = ftdi_batch_start(p->ftdi, &b, err);
    if (rc >= 0) p->is_on = true;
    ftdi_batch_deinit(&b);
    return rc;
}

int swd_race_finish(struct power *p, struct swd_race *race, uint32_t *words, size_t *done,
                    enum swd_outcome *outcome, struct err *err)
{
    int rc = ftdi_batch_collect(p->ftdi, race->answers, err);
    if (rc <= 0) return rc;
    uint32_t dpidr;
    *done = 0;
    *outcome = take_connect(race->answers, &dpidr);
    if (*outcome == SWD_WORDS)
        *outcome = take_block(race->answers + CONNECT_LEN, words, race->n, done);
    return 1;
}
