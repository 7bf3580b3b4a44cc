// foxbench swd: who answers at the debug port, and what it lets a stranger read.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/desk.h"
#include "dut/jtag.h"
#include "dut/swd.h"

enum { WORDS_MAX = 1 << 20 };

struct request {
    const char *what; // info, read
    double boot_s;
    uint32_t address;
    size_t n;  // words
    bool jtag; // asked for
};

// The pins that a debug port is asked through.
struct pins {
    struct ftdi *ftdi;
    struct ftdi *second; // owned; NULL: JTAG is on the first channel, or not wired
    bool jtag;
};

// What a probe tries first: the places of the device family's memories.
static const struct {
    const char *name;
    uint32_t address;
} places[] = {{"code flash", 0x08000000}, {"data EEPROM", 0x08080000}, {"RAM", 0x20000000}};

static int exit_for(int outcome)
{
    switch (outcome) {
    case SWD_WORDS:
        return CMD_EXIT_OK;
    case SWD_REFUSED:
        return CMD_EXIT_OPEN;
    case SWD_SILENT:
        return CMD_EXIT_NOTHING;
    default:
        return CMD_EXIT_ERROR;
    }
}

static void explain(int outcome)
{
    static const char *const texts[] = {
        [SWD_WORDS] = "",
        [SWD_REFUSED] = "the device refuses: its memory is protected",
        [SWD_SILENT] = "nobody answers: no debug port, no power, or a wire is open (a port that is "
                       "silent proves nothing until the same wires have read something)",
        [SWD_GARBLED] = "the answers are garbled: look at the wires, 470 ohms in the line of AD1, "
                        "and the common ground",
    };
    if (outcome != SWD_WORDS) fprintf(stderr, "foxbench swd: %s\n", texts[outcome]);
}

static int connect_port(const struct pins *p, uint32_t *id, struct err *err)
{
    return p->jtag ? jtag_connect(p->ftdi, id, err) : swd_connect(p->ftdi, id, err);
}

static int read_port(const struct pins *p, uint32_t address, uint32_t *words, size_t n,
                     size_t *done, struct err *err)
{
    return p->jtag ? jtag_read_words(p->ftdi, address, words, n, done, NULL, NULL, err)
                   : swd_read_words(p->ftdi, address, words, n, done, NULL, NULL, err);
}

// Reading after a refusal needs a new connection.
static int read_one(const struct pins *p, uint32_t address, uint32_t *word, struct err *err)
{
    uint32_t id;
    size_t done;
    int rc = connect_port(p, &id, err);
    return rc == SWD_WORDS ? read_port(p, address, word, 1, &done, err) : rc;
}

static int tell(const struct pins *p, uint32_t id, struct err *err)
{
    uint32_t word = 0;
    if (!p->jtag) // a chain has been told
        printf("DPIDR %08X (designer %03X, version %u)\n", id, id >> 1 & 0x7ff, id >> 12 & 0xf);
    int rc = read_one(p, SWD_CPUID, &word, err);
    if (rc < 0) return rc;
    if (rc == SWD_WORDS)
        printf("CPUID %08X (part %03X)\n", word, word >> 4 & 0xfff);
    else
        printf("CPUID %s\n", swd_outcome_name((enum swd_outcome)rc));
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        rc = read_one(p, places[i].address, &word, err);
        if (rc < 0) return rc;
        printf("%s at %08X: %s\n", places[i].name, places[i].address,
               rc == SWD_WORDS ? "readable" : swd_outcome_name((enum swd_outcome)rc));
    }
    return SWD_WORDS;
}

// The chain at the JTAG pins: of an FT2232H on its second channel. Returns an enum swd_outcome.
static int tell_chain(struct ftdi *f, struct err *err)
{
    static const int as_swd[] = {SWD_WORDS, SWD_SILENT, SWD_GARBLED};
    uint32_t ids[JTAG_CHAIN_MAX];
    size_t n = 0;
    int rc = jtag_scan(f, ids, &n, err);
    if (rc < 0) return rc;
    for (size_t i = 0; i < n && rc == JTAG_CHAIN; i++)
        if (ids[i])
            printf("IDCODE %08X (manufacturer %03X, part %04X, version %u)\n", ids[i],
                   ids[i] >> 1 & 0x7ff, ids[i] >> 12 & 0xffff, ids[i] >> 28);
        else
            printf("IDCODE none (device %zu of the chain)\n", i + 1);
    if (rc != JTAG_CHAIN) printf("JTAG %s\n", jtag_outcome_name((enum jtag_outcome)rc));
    return as_swd[rc];
}

static int print_words(const struct pins *p, const struct request *q, struct err *err)
{
    size_t done = 0;
    uint32_t *words = malloc(q->n * sizeof *words);
    if (!words) return err_set(err, ERR_NOMEM, "no memory for %zu words", q->n);
    int rc = read_port(p, q->address, words, q->n, &done, err);
    for (size_t i = 0; i < done; i++)
        printf("%s%08X%s", i % 4 ? " " : "", words[i], i % 4 == 3 || i + 1 == done ? "\n" : "");
    if (rc >= 0 && done < q->n)
        fprintf(stderr, "foxbench swd: %zu of %zu words from 0x%08x\n", done, q->n, q->address);
    free(words);
    return rc;
}

// JTAG first where it is wired, then the port on serial wire, if there is that; on JTAG if not.
static int ask(struct desk *d, const struct request *q, struct err *err)
{
    uint32_t id = 0;
    bool info = strcmp(q->what, "info") == 0, jtag = q->jtag || (d->has_jtag && !d->has_swd);
    struct pins p = {.ftdi = d->ftdi, .jtag = jtag};
    int rc = SWD_WORDS;
    if (q->jtag && !d->has_jtag)
        return err_set(err, ERR_USAGE,
                       "--jtag: the bench file does not say that JTAG is wired; "
                       "add \"jtag\" to ftdi.wired of the device's unit");
    if ((jtag || (info && d->has_jtag)) && ftdi_is_double(d->ftdi))
        rc = ftdi_open_second(&p.second, ftdi_serial(d->ftdi), err);
    struct ftdi *chain = p.second ? p.second : d->ftdi;
    if (jtag) p.ftdi = chain;
    if (rc >= 0 && info && d->has_jtag) rc = tell_chain(chain, err);
    if (rc == SWD_WORDS) rc = connect_port(&p, &id, err);
    if (rc == SWD_WORDS) rc = info ? tell(&p, id, err) : print_words(&p, q, err);
    ftdi_close(p.second);
    return rc;
}

// Returns an enum swd_outcome, or a negative code; interrupted: *code is set.
static int act(struct desk *d, const struct request *q, int *code, struct err *err)
{
    int rc = desk_open_ftdi(d, err);
    if (rc >= 0) rc = desk_set_power(d, true, err);
    if (rc >= 0) rc = desk_wait(d, q->boot_s, err);
    if (rc < 0) return rc;
    if (rc > 0) {
        *code = CMD_EXIT_INTERRUPTED;
        return SWD_WORDS;
    }
    rc = ask(d, q, err);
    if (rc >= 0) {
        explain(rc);
        *code = exit_for(rc);
    }
    return rc;
}

static int take_number(const char *what, const char *text, unsigned long most, unsigned long *out,
                       struct err *err)
{
    char *end;
    errno = 0;
    *out = strtoul(text, &end, 0);
    if (end != text && !*end && !errno && text[0] != '-' && *out <= most && *out % 4 == 0)
        return ERR_OK;
    return err_set(err, ERR_USAGE, "%s: expected a multiple of 4 up to 0x%lx, got '%s'", what, most,
                   text);
}

static int take_words(const struct words *w, struct request *q, struct err *err)
{
    unsigned long address = 0, length = 0;
    q->what = w->n ? w->list[0] : "nothing";
    if (w->n == 1 && strcmp(q->what, "info") == 0) return ERR_OK;
    if (w->n != 3 || strcmp(q->what, "read") != 0)
        return err_set(err, ERR_USAGE, "expected info, or read ADDRESS LENGTH, got '%s'%s", q->what,
                       w->n > 1 ? " and more" : "");
    int rc = take_number("ADDRESS", w->list[1], 0xfffffffc, &address, err);
    if (rc >= 0) rc = take_number("LENGTH", w->list[2], 4ul * WORDS_MAX, &length, err);
    if (rc >= 0 && length == 0)
        rc = err_set(err, ERR_USAGE, "LENGTH: expected at least 4 bytes, got 0");
    q->address = (uint32_t)address;
    q->n = length / 4;
    return rc;
}

int cmd_swd(int argc, char **argv)
{
    const char *bench = NULL, *boot = NULL;
    struct request q = {.boot_s = 2};
    const struct argument arguments[] = {{.name = "--bench", .value = &bench},
                                         {.name = "--boot", .value = &boot},
                                         {.name = "--jtag", .flag = &q.jtag},
                                         {0}};
    struct words words = {.max = 3};
    struct err err = {0};
    int rc = arguments_parse(arguments, &words, argc, argv, &err), code = CMD_EXIT_OK;
    if (rc == ARGUMENTS_GO_ON) rc = take_words(&words, &q, &err);
    if (rc == ARGUMENTS_GO_ON) rc = desk_seconds("--boot", boot, &q.boot_s, &err);
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("swd", rc, &err);
    if (!bench) return desk_in_lab("swd", NULL, argc, argv);

    struct desk d = {0};
    rc = desk_read(&d, bench, &err);
    if (rc >= 0) rc = act(&d, &q, &code, &err);
    desk_close(&d);
    return rc < 0 ? desk_fail("swd", &err) : code;
}
