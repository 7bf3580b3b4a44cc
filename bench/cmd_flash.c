// foxbench flash: what the serial flash chip at the adapter's pins is, and what it holds.
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/arguments.h"
#include "bench/base/bytes.h"
#include "bench/base/crypto.h"
#include "bench/cmd.h"
#include "bench/desk.h"
#include "dut/flash.h"

struct request {
    const char *what; // id, dump
    const char *file; // NULL: standard output
    double boot_s;    // the device runs before it is held in reset
    size_t offset, length;
    bool has_length;
};

static int show_progress(void *ctx, size_t done, size_t total)
{
    (void)ctx;
    if (isatty(STDERR_FILENO)) fprintf(stderr, "\r%zu of %zu KiB", done >> 10, total >> 10);
    if (done == total && isatty(STDERR_FILENO)) fputc('\n', stderr);
    return 0;
}

static int write_all(const char *path, const uint8_t *data, size_t len, struct err *err)
{
    if (!path) {
        if (fwrite(data, 1, len, stdout) == len && fflush(stdout) == 0) return ERR_OK;
        return err_set(err, ERR_IO, "standard output: %s", strerror(errno));
    }
    // An earlier dump is evidence: it is not overwritten.
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    size_t at = 0;
    while (fd >= 0 && at < len) {
        ssize_t n = write(fd, data + at, len - at);
        if (n <= 0) break;
        at += (size_t)n;
    }
    int why = errno;
    if (fd >= 0 && close(fd) != 0) at = 0, why = errno;
    if (fd >= 0 && at == len) return ERR_OK;
    return err_set(err, why == EEXIST ? ERR_USAGE : ERR_IO, "%s: %s%s", path, strerror(why),
                   why == EEXIST ? "; name another file" : "");
}

static int dump(struct desk *d, const struct flash_id *id, struct request *q, struct err *err)
{
    if (q->offset >= id->size)
        return err_set(err, ERR_USAGE, "--offset: the chip ends at %zu", id->size);
    if (!q->has_length) q->length = id->size - q->offset;
    uint8_t *data = malloc(q->length);
    if (!data) return err_set(err, ERR_NOMEM, "no memory for %zu bytes", q->length);
    int rc = flash_read(d->ftdi, id, q->offset, data, q->length, show_progress, NULL, err);
    if (rc >= 0) rc = write_all(q->file, data, q->length, err);
    if (rc >= 0) {
        uint8_t digest[SHA256_LEN];
        char hex[SHA256_HEX_LEN];
        rc = crypto_sha256(data, q->length, digest, err);
        if (rc >= 0) {
            hex_encode(digest, sizeof digest, hex);
            fprintf(stderr, "%zu bytes from 0x%zx, SHA-256 %s\n", q->length, q->offset, hex);
        }
    }
    free(data);
    return rc;
}

// The chip has its power from the device. That one runs first, so that it has stored what it
// stores, and is held then, or it would speak on the same wires.
static int act(struct desk *d, struct request *q, struct err *err)
{
    int rc = desk_open_ftdi(d, err);
    if (rc >= 0) rc = desk_set_power(d, true, err);
    if (rc >= 0) rc = desk_wait(d, q->boot_s, err);
    if (rc == ERR_OK && d->power.has_reset) rc = desk_set_reset(d, true, err);
    if (rc != ERR_OK) return rc;
    struct flash_id id;
    rc = flash_identify(d->ftdi, &id, err);
    if (rc < 0) return rc;
    fprintf(strcmp(q->what, "id") == 0 ? stdout : stderr, "JEDEC id %02X %02X %02X: %s, %zu KiB\n",
            id.maker, id.kind, id.capacity, id.name, id.size >> 10);
    return strcmp(q->what, "dump") == 0 ? dump(d, &id, q, err) : ERR_OK;
}

static int take_size(const char *option, const char *text, size_t *out, struct err *err)
{
    if (!text) return ERR_OK;
    char *end;
    errno = 0;
    unsigned long v = strtoul(text, &end, 0);
    if (end == text || *end || errno || text[0] == '-' || v > FLASH_SIZE_MAX)
        return err_set(err, ERR_USAGE,
                       "%s: expected bytes from 0 to %d, as 4096 or 0x1000, got "
                       "'%s'",
                       option, FLASH_SIZE_MAX, text);
    *out = v;
    return ERR_OK;
}

static int take_words(const struct words *w, struct request *q, struct err *err)
{
    q->what = w->n ? w->list[0] : "nothing";
    q->file = w->n == 2 ? w->list[1] : NULL;
    if (strcmp(q->what, "id") == 0 && w->n == 1) return ERR_OK;
    if (strcmp(q->what, "dump") != 0)
        return err_set(err, ERR_USAGE, "expected id or dump [FILE], got '%s'%s", q->what,
                       w->n == 2 ? " and a file" : "");
    if (!q->file && isatty(STDOUT_FILENO))
        return err_set(err, ERR_USAGE,
                       "dump: name a file, or give standard output another place than a terminal");
    return ERR_OK;
}

int cmd_flash(int argc, char **argv)
{
    const char *bench = NULL, *boot = NULL, *offset = NULL, *length = NULL;
    const struct argument arguments[] = {
        {.name = "--bench", .value = &bench},
        {.name = "--boot", .value = &boot},
        {.name = "--offset", .value = &offset},
        {.name = "--length", .value = &length},
        {0},
    };
    struct request q = {.boot_s = 2, .has_length = false};
    struct words words = {.max = 2};
    struct err err = {0};
    int rc = arguments_parse(arguments, &words, argc, argv, &err);
    q.has_length = length != NULL;
    if (rc == ARGUMENTS_GO_ON) rc = take_words(&words, &q, &err);
    if (rc == ARGUMENTS_GO_ON) rc = desk_seconds("--boot", boot, &q.boot_s, &err);
    if (rc == ARGUMENTS_GO_ON) rc = take_size("--offset", offset, &q.offset, &err);
    if (rc == ARGUMENTS_GO_ON) rc = take_size("--length", length, &q.length, &err);
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("flash", rc, &err);
    if (!bench) return desk_in_lab("flash", NULL, argc, argv);

    struct desk d = {0};
    rc = desk_read(&d, bench, &err);
    if (rc >= 0) rc = act(&d, &q, &err);
    desk_close(&d);
    if (rc < 0) return desk_fail("flash", &err);
    return rc > 0 ? CMD_EXIT_INTERRUPTED : CMD_EXIT_OK;
}
