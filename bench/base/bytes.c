#include "bench/base/bytes.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bytes_init(struct bytes *b, size_t max)
{
    *b = (struct bytes){.max = max};
}

void bytes_deinit(struct bytes *b)
{
    if (!b) return;
    free(b->data);
    *b = (struct bytes){.max = b->max};
}

static int reserve(struct bytes *b, size_t more, struct err *err)
{
    if (more > b->max - b->len)
        return err_set(err, ERR_LIMIT, "buffer of at most %zu bytes cannot take %zu more", b->max,
                       more);
    size_t want = b->len + more + 1;
    if (want <= b->cap) return ERR_OK;
    size_t cap = b->cap ? b->cap : 256;
    while (cap < want)
        cap *= 2;
    uint8_t *data = realloc(b->data, cap);
    if (!data) return err_set(err, ERR_NOMEM, "buffer of %zu bytes: out of memory", cap);
    b->data = data;
    b->cap = cap;
    return ERR_OK;
}

int bytes_append(struct bytes *b, const void *data, size_t len, struct err *err)
{
    int rc = reserve(b, len, err);
    if (rc < 0) return rc;
    if (len) memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = 0;
    return ERR_OK;
}

int bytes_printf(struct bytes *b, struct err *err, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    int rc =
        n < 0 ? err_set(err, ERR_FORMAT, "text cannot be formatted") : reserve(b, (size_t)n, err);
    if (rc == ERR_OK) {
        vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
    return rc;
}

void bytes_drop(struct bytes *b, size_t n)
{
    if (!n) return; // also when nothing was ever appended
    memmove(b->data, b->data + n, b->len - n);
    b->len -= n;
    b->data[b->len] = 0;
}

uint8_t *bytes_take(struct bytes *b, size_t *len)
{
    uint8_t *data = b->data;
    if (len) *len = b->len;
    *b = (struct bytes){.max = b->max};
    return data;
}

int bytes_read_file(struct bytes *b, const char *path, struct err *err)
{
    FILE *f = fopen(path, "rbe");
    if (!f) return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    uint8_t chunk[65536];
    int rc = ERR_OK;
    size_t n;
    while (rc == ERR_OK && (n = fread(chunk, 1, sizeof chunk, f)) > 0)
        rc = bytes_append(b, chunk, n, err);
    if (rc == ERR_OK && ferror(f)) rc = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    fclose(f);
    return rc;
}

void hex_encode(const uint8_t *data, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[data[i] >> 4];
        out[2 * i + 1] = digits[data[i] & 15];
    }
    out[2 * len] = 0;
}

static int nibble(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return -1;
}

int hex_decode(const char *text, uint8_t *out, size_t max, struct err *err)
{
    size_t digits = strlen(text);
    if (digits % 2 || digits / 2 > max)
        return err_set(err, ERR_FORMAT,
                       "expected an even number of at most %zu hex digits, got %zu", 2 * max,
                       digits);
    for (size_t i = 0; i < digits; i += 2) {
        int high = nibble(text[i]), low = nibble(text[i + 1]);
        if (high < 0 || low < 0)
            return err_set(err, ERR_FORMAT, "expected hex digits, got '%.2s' at position %zu",
                           text + i, i);
        out[i / 2] = (uint8_t)(high << 4 | low);
    }
    return (int)(digits / 2);
}
