// The FT232H and the FT2232H through libftdi, and the only file that knows it.
//
// An empty read is no error for libftdi: it returns 0 at once, so every read here has its own wall
// limit. The chip holds 1 KiB in each direction: what is written while answers pile up must fit, or
// both sides wait for each other.
#include "dut/port_ftdi_internal.h"

#include <ftdi.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    VENDOR = 0x0403,
    LATENCY_MS = 2,
    ANSWER_LIMIT_MS = 2000, // a fault detector: an answer takes milliseconds
    DUPLEX_MAX = 512,       // bytes both ways at once
    READ_MAX = 1 << 16,     // of one read command
    TRANSFER = 1 << 16
};

// An FT232H, or an FT2232H, which is two of them.
static const int products[] = {0x6014, 0x6010};
enum { PRODUCTS = 2 };

static int64_t wall_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

// libusb's code, as libftdi passes it on.
enum { USB_TIMEOUT = -7 };

// After a failed transfer: `rc` is libusb's code where libftdi passes it on, else -1.
static int transfer_error(struct ftdi *f, int rc, const char *doing, struct err *err)
{
    if (rc == USB_TIMEOUT)
        return err_set(err, ERR_TIMEOUT,
                       "FTDI adapter %s: took no more data while trying to %s; pull it and plug it "
                       "in again",
                       f->serial, doing);
    return err_set(err, ERR_GONE,
                   "FTDI adapter %s: went away while trying to %s (%s); the device has lost its "
                   "power: check the USB cable, then start again",
                   f->serial, doing, ftdi_get_error_string(f->context));
}

static int send_commands(struct ftdi *f, const uint8_t *commands, size_t len, struct err *err)
{
    if (f->collected < f->expected) // its answers would be taken for the next one's
        return err_set(err, ERR_SEQUENCE,
                       "FTDI adapter %s: a batch is still under way; collect it first, or close "
                       "the adapter",
                       f->serial);
    int rc = ftdi_write_data(f->context, commands, (int)len);
    return rc == (int)len ? ERR_OK : transfer_error(f, rc, "send commands", err);
}

// Reads exactly len bytes, however many empty packets come in between.
static int read_answer(struct ftdi *f, uint8_t *out, size_t len, struct err *err)
{
    int64_t limit = wall_ms() + ANSWER_LIMIT_MS;
    size_t n = 0;
    while (n < len) {
        int rc = ftdi_read_data(f->context, out + n, (int)(len - n));
        if (rc < 0) return transfer_error(f, rc, "read its answer", err);
        n += (size_t)rc;
        if (rc > 0) {
            limit = wall_ms() + ANSWER_LIMIT_MS;
        } else if (wall_ms() > limit) {
            return err_set(err, ERR_TIMEOUT,
                           "FTDI adapter %s: expected an answer of %zu bytes, got %zu within %d s; "
                           "pull it and plug it in again",
                           f->serial, len, n, ANSWER_LIMIT_MS / 1000);
        } else {
            nanosleep(&(struct timespec){0, 100000}, NULL);
        }
    }
    return ERR_OK;
}

// Every question ends with a command that the chip does not know, so that its echo, FA and the
// command, stands behind the answer: one that came short, long or late is noticed at once.
static const uint8_t end_of_question[] = {BAD_COMMAND, FLUSH};
enum { MARK_LEN = 2, ECHO = 0xfa };

static int check_mark(struct ftdi *f, const uint8_t mark[MARK_LEN], size_t len, struct err *err)
{
    if (mark[0] == ECHO && mark[1] == BAD_COMMAND) return ERR_OK;
    return err_set(err, ERR_FORMAT,
                   "FTDI adapter %s: answers are out of step: expected FA AA behind %zu bytes, got "
                   "%02X %02X; nothing that it said counts, pull it and plug it in again",
                   f->serial, len, mark[0], mark[1]);
}

// Sends commands and reads the len bytes that they answer with.
static int ask(struct ftdi *f, const uint8_t *commands, size_t commands_len, uint8_t *out,
               size_t len, struct err *err)
{
    uint8_t mark[MARK_LEN] = {0};
    int rc = send_commands(f, commands, commands_len, err);
    if (rc >= 0) rc = send_commands(f, end_of_question, sizeof end_of_question, err);
    if (rc >= 0) rc = read_answer(f, out, len, err);
    if (rc >= 0) rc = read_answer(f, mark, MARK_LEN, err);
    return rc < 0 ? rc : check_mark(f, mark, len, err);
}

// --- opening and closing

static void list_others(struct ftdi *f, char *out, size_t size)
{
    size_t used = 0;
    snprintf(out, size, "none");
    for (int i = 0; i < PRODUCTS; i++) {
        struct ftdi_device_list *list = NULL;
        if (ftdi_usb_find_all(f->context, &list, VENDOR, products[i]) <= 0) continue;
        for (const struct ftdi_device_list *l = list; l && used + 1 < size; l = l->next) {
            char serial[64] = "";
            if (ftdi_usb_get_strings(f->context, l->dev, NULL, 0, NULL, 0, serial, sizeof serial) <
                0)
                snprintf(serial, sizeof serial, "one that cannot be opened");
            int n = snprintf(out + used, size - used, "%s%s", used ? ", " : "", serial);
            used += n > 0 ? (size_t)n : 0;
        }
        ftdi_list_free(&list);
    }
}

int ftdi_find(struct ftdi_found *out, size_t max, struct err *err)
{
    size_t n = 0;
    struct ftdi_context *context = ftdi_new();
    if (!context)
        return err_set(
            err, ERR_IO,
            "FTDI adapters: libusb cannot start; is USB there, and may this user use it?");
    for (int i = 0; i < PRODUCTS; i++) {
        struct ftdi_device_list *list = NULL;
        if (ftdi_usb_find_all(context, &list, VENDOR, products[i]) <= 0) continue;
        for (const struct ftdi_device_list *l = list; l && n < max; l = l->next) {
            struct ftdi_found *one = &out[n++];
            *one = (struct ftdi_found){0};
            if (ftdi_usb_get_strings(context, l->dev, NULL, 0, one->description,
                                     sizeof one->description, one->serial, sizeof one->serial) < 0)
                *one = (struct ftdi_found){0};
            one->is_double = i == 1;
        }
        ftdi_list_free(&list);
    }
    ftdi_free(context);
    return (int)n;
}

enum { NOT_FOUND = -3 }; // of ftdi_usb_open_desc

static int try_products(struct ftdi *f)
{
    int rc = NOT_FOUND;
    for (int i = 0; i < PRODUCTS && rc == NOT_FOUND; i++) {
        f->is_double = i == 1;
        if (ftdi_set_interface(f->context, f->second      ? INTERFACE_B
                                           : f->is_double ? INTERFACE_A
                                                          : INTERFACE_ANY) < 0)
            return -1;
        if (f->second && !f->is_double) continue; // has no such channel
        rc = ftdi_usb_open_desc(f->context, VENDOR, products[i], NULL, f->serial);
    }
    return rc;
}

static int open_usb(struct ftdi *f, struct err *err)
{
    int rc = try_products(f);
    if (rc == 0) {
        f->open = true;
        return ERR_OK;
    }
    char why[160], others[160];
    snprintf(why, sizeof why, "%s", ftdi_get_error_string(f->context));
    switch (rc) {
    case NOT_FOUND:
        list_others(f, others, sizeof others);
        return err_set(err, ERR_NOTFOUND,
                       "FTDI adapter %s: expected %s with this serial number on USB, found %s; "
                       "plug it in, or mend ftdi.serial in the bench file",
                       f->serial, f->second ? "an FT2232H" : "one", others);
    case -5:
        return err_set(err, ERR_BUSY,
                       "FTDI adapter %s: another program holds it (%s); end that program, or "
                       "unload ftdi_sio",
                       f->serial, why);
    case -4:
        return err_set(err, ERR_IO,
                       "FTDI adapter %s: cannot be opened (%s); give this user the right to it "
                       "(a udev rule for 0403:%04x)",
                       f->serial, why, products[f->is_double]);
    default:
        return err_set(err, ERR_IO,
                       "FTDI adapter %s: cannot be opened (%s); pull it and plug it "
                       "in again",
                       f->serial, why);
    }
}

// A command that the chip does not know comes back with FA before it: answers are in step now.
static int synchronise(struct ftdi *f, struct err *err)
{
    const uint8_t set_up[] = {BASE_60_MHZ, ADAPTIVE_OFF, PHASES_2, SET_DIVISOR, DIVIDE_6_MHZ,
                              0,           LOOPBACK_OFF};
    const uint8_t probe[] = {BAD_COMMAND, FLUSH};
    uint8_t echo[2] = {0, 0};
    int rc = send_commands(f, probe, sizeof probe, err);
    if (rc >= 0) rc = read_answer(f, echo, sizeof echo, err);
    if (rc < 0) return rc;
    if (echo[0] != 0xfa || echo[1] != BAD_COMMAND)
        return err_set(err, ERR_FORMAT,
                       "FTDI adapter %s: expected FA AA as the answer to a wrong command, got %02X "
                       "%02X; is it an FT232H or FT2232H?",
                       f->serial, echo[0], echo[1]);
    return send_commands(f, set_up, sizeof set_up, err);
}

static int open_channel(struct ftdi **out, const char *serial, bool second, struct err *err)
{
    struct ftdi *f = calloc(1, sizeof *f);
    if (!f) return err_set(err, ERR_NOMEM, "FTDI adapter %s", serial);
    f->second = second;
    snprintf(f->serial, sizeof f->serial, "%s", serial);
    f->context = ftdi_new();
    int rc =
        f->context
            ? open_usb(f, err)
            : err_set(
                  err, ERR_IO,
                  "FTDI adapter %s: libusb cannot start; is USB there, and may this user use it?",
                  serial);
    if (rc < 0) goto fail;
    if (ftdi_usb_reset(f->context) < 0 || ftdi_set_latency_timer(f->context, LATENCY_MS) < 0 ||
        ftdi_set_bitmode(f->context, 0, BITMODE_RESET) < 0 ||
        ftdi_set_bitmode(f->context, 0, BITMODE_MPSSE) < 0 || ftdi_tcioflush(f->context) < 0 ||
        ftdi_read_data_set_chunksize(f->context, TRANSFER) < 0 ||
        ftdi_write_data_set_chunksize(f->context, TRANSFER) < 0) {
        rc = transfer_error(f, -1, "set it up", err);
        goto fail;
    }
    rc = synchronise(f, err);
    if (rc < 0) goto fail;
    *out = f;
    return ERR_OK;
fail:
    ftdi_close(f);
    return rc;
}

int ftdi_open(struct ftdi **out, const char *serial, struct err *err)
{
    return open_channel(out, serial, false, err);
}

int ftdi_open_second(struct ftdi **out, const char *serial, struct err *err)
{
    return open_channel(out, serial, true, err);
}

bool ftdi_is_double(const struct ftdi *f)
{
    return f->is_double;
}

void ftdi_close(struct ftdi *f)
{
    if (!f) return;
    if (f->open) {
        (void)ftdi_set_bitmode(f->context, 0, BITMODE_RESET);
        (void)ftdi_usb_close(f->context);
    }
    if (f->context) ftdi_free(f->context);
    free(f);
}

const char *ftdi_serial(const struct ftdi *f)
{
    return f->serial;
}

// --- pins

int ftdi_pin_parse(const char *name, unsigned *pin, struct err *err)
{
    bool good = name[0] == 'A' && (name[1] == 'D' || name[1] == 'C') && name[2] >= '0' &&
                name[2] <= '7' && name[3] == '\0';
    *pin = good ? (name[1] == 'C' ? 8u : 0u) + (unsigned)(name[2] - '0') : 0;
    if (good && *pin >= FTDI_FIRST_FREE && *pin != FTDI_PIN_SELECT) return ERR_OK;
    return err_set(err, ERR_INVALID,
                   "'%s' is no free pin of an FTDI adapter: expected AD4 … AD7, AC0 … AC2 or "
                   "AC4 … AC7 (AD0 … AD3 are the buses, AC3 chooses one)",
                   name);
}

static int apply_pin(struct ftdi *f, unsigned pin, bool driven, bool high, struct err *err)
{
    if (pin >= FTDI_PINS)
        return err_set(err, ERR_INVALID, "FTDI adapter %s: there is no pin %u", f->serial, pin);
    uint8_t command[3];
    ftdi_change_pin(f, pin, driven, high);
    ftdi_put_half(f, pin >= 8, command);
    return send_commands(f, command, sizeof command, err);
}

int ftdi_pin_set(struct ftdi *f, unsigned pin, bool high, struct err *err)
{
    return apply_pin(f, pin, true, high, err);
}

int ftdi_pin_float(struct ftdi *f, unsigned pin, struct err *err)
{
    return apply_pin(f, pin, false, false, err);
}

int ftdi_pin_get(struct ftdi *f, unsigned pin, bool *high, struct err *err)
{
    const uint8_t command = pin >= 8 ? GET_HIGH : GET_LOW;
    uint8_t level = 0;
    int rc = ask(f, &command, 1, &level, 1, err);
    *high = level >> (pin & 7) & 1;
    return rc;
}

int ftdi_pins_get(struct ftdi *f, uint16_t *levels, struct err *err)
{
    static const uint8_t commands[] = {GET_LOW, GET_HIGH};
    uint8_t halves[2] = {0};
    int rc = ask(f, commands, sizeof commands, halves, sizeof halves, err);
    *levels = (uint16_t)(halves[0] | halves[1] << 8);
    return rc;
}

int ftdi_select(struct ftdi *f, enum ftdi_bus bus, struct err *err)
{
    // Clock low, outputs idle high, then the switch: no edge reaches the other side.
    uint8_t command[6];
    f->direction |= PIN_SCK | PIN_OUT | PIN_CS;
    f->direction &= (uint16_t)~PIN_IN;
    f->value = (uint16_t)((f->value & ~PIN_SCK) | PIN_OUT | PIN_CS);
    ftdi_change_pin(f, FTDI_PIN_SELECT, true, bus != FTDI_BUS_SPI);
    ftdi_put_half(f, false, command);
    ftdi_put_half(f, true, command + 3);
    return send_commands(f, command, sizeof command, err);
}

int ftdi_release(struct ftdi *f, struct err *err)
{
    uint8_t command[3];
    f->direction &= (uint16_t) ~(PIN_SCK | PIN_OUT | PIN_IN | PIN_CS);
    ftdi_put_half(f, false, command);
    return send_commands(f, command, sizeof command, err);
}

// --- SPI

static int chip_select(struct ftdi *f, bool active, struct err *err)
{
    return apply_pin(f, 3, true, !active, err);
}

static int exchange(struct ftdi *f, const uint8_t *tx, uint8_t *rx, size_t n, struct err *err)
{
    uint8_t command[3 + DUPLEX_MAX] = {SPI_BOTH, (uint8_t)(n - 1), (uint8_t)((n - 1) >> 8)};
    uint8_t ignored[DUPLEX_MAX];
    if (tx) memcpy(command + 3, tx, n);
    return ask(f, command, 3 + n, rx ? rx : ignored, n, err);
}

int ftdi_spi(struct ftdi *f, const uint8_t *tx, uint8_t *rx, size_t n, struct err *err)
{
    int rc = ftdi_select(f, FTDI_BUS_SPI, err);
    if (rc >= 0) rc = chip_select(f, true, err);
    for (size_t at = 0; at < n && rc >= 0; at += DUPLEX_MAX) {
        size_t part = n - at < DUPLEX_MAX ? n - at : DUPLEX_MAX;
        rc = exchange(f, tx ? tx + at : NULL, rx ? rx + at : NULL, part, err);
    }
    return rc < 0 ? rc : chip_select(f, false, err);
}

int ftdi_spi_read(struct ftdi *f, const uint8_t *head, size_t head_len, uint8_t *rx, size_t n,
                  int (*progress)(void *ctx, size_t done, size_t total), void *ctx, struct err *err)
{
    uint8_t command[3 + DUPLEX_MAX];
    if (head_len == 0 || head_len > DUPLEX_MAX)
        return err_set(err, ERR_INVALID, "an SPI command has 1 to %d bytes, not %zu", DUPLEX_MAX,
                       head_len);
    command[0] = SPI_WRITE;
    command[1] = (uint8_t)(head_len - 1);
    command[2] = (uint8_t)((head_len - 1) >> 8);
    memcpy(command + 3, head, head_len);
    int rc = ftdi_select(f, FTDI_BUS_SPI, err);
    if (rc >= 0) rc = chip_select(f, true, err);
    if (rc >= 0) rc = send_commands(f, command, 3 + head_len, err);
    for (size_t at = 0; at < n && rc >= 0;) {
        size_t part = n - at < READ_MAX ? n - at : READ_MAX;
        const uint8_t fetch[] = {SPI_READ, (uint8_t)(part - 1), (uint8_t)((part - 1) >> 8)};
        rc = ask(f, fetch, sizeof fetch, rx + at, part, err);
        at += part;
        if (rc >= 0 && progress) rc = progress(ctx, at, n);
    }
    if (rc == ERR_GONE) return rc;
    int end = chip_select(f, false, rc < 0 ? NULL : err);
    return rc < 0 ? rc : end;
}

// --- batches, made in port_ftdi_batch.c

int ftdi_batch_start(struct ftdi *f, const struct ftdi_batch *b, struct err *err)
{
    if (b->failed)
        return err_set(err, b->failed,
                       "FTDI adapter %s: a batch has more than %zu bytes of commands; split it",
                       f->serial, b->commands.max);
    int rc = send_commands(f, b->commands.data, b->commands.len, err);
    if (rc >= 0) rc = send_commands(f, end_of_question, sizeof end_of_question, err);
    if (rc < 0) return rc;
    f->expected = b->answers + MARK_LEN;
    f->collected = 0;
    return ERR_OK;
}

int ftdi_batch_collect(struct ftdi *f, uint8_t *rx, struct err *err)
{
    size_t answers = f->expected - MARK_LEN;
    while (f->collected < f->expected) {
        size_t at = f->collected;
        uint8_t *to = at < answers ? rx + at : f->mark + (at - answers);
        size_t room = at < answers ? answers - at : f->expected - at;
        int rc = ftdi_read_data(f->context, to, (int)room);
        if (rc < 0) return transfer_error(f, rc, "read the answers of a batch", err);
        if (rc == 0) return 0;
        f->collected += (size_t)rc;
    }
    f->expected = f->collected = 0;
    int rc = check_mark(f, f->mark, answers, err);
    return rc < 0 ? rc : 1;
}

int ftdi_batch_run(struct ftdi *f, const struct ftdi_batch *b, uint8_t *rx, struct err *err)
{
    if (b->failed) return ftdi_batch_start(f, b, err); // says why
    return ask(f, b->commands.data, b->commands.len, rx, b->answers, err);
}
