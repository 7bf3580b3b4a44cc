// A growable byte buffer with a maximum, and hexadecimal text.
//
// The caller owns the struct (bytes_init … bytes_deinit). Not shared between threads.
#ifndef BENCH_BASE_BYTES_H
#define BENCH_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct bytes {
    uint8_t *data; // always followed by a NUL when not NULL
    size_t len;
    size_t cap;
    size_t max; // appending beyond this many bytes is ERR_LIMIT
};

void bytes_init(struct bytes *b, size_t max);
/// Accepts NULL and a zeroed struct; may run twice.
void bytes_deinit(struct bytes *b);
FOX_CHECK int bytes_append(struct bytes *b, const void *data, size_t len, struct err *err);
FOX_CHECK int bytes_printf(struct bytes *b, struct err *err, const char *fmt, ...) FOX_PRINTF(3, 4);
/// Removes the first n bytes (n <= len).
void bytes_drop(struct bytes *b, size_t n);
/// Hands the data over (free() it) and leaves the buffer empty. NULL when nothing was ever
/// appended.
uint8_t *bytes_take(struct bytes *b, size_t *len);
/// Whole file into b.
FOX_CHECK int bytes_read_file(struct bytes *b, const char *path, struct err *err);

/// Writes 2 * len lower-case digits and a NUL; out holds at least 2 * len + 1.
void hex_encode(const uint8_t *data, size_t len, char *out);
/// Reads exactly strlen(text) / 2 bytes; odd length, other characters or more than max bytes:
/// ERR_FORMAT. Returns the number of bytes.
FOX_CHECK int hex_decode(const char *text, uint8_t *out, size_t max, struct err *err);

#endif
