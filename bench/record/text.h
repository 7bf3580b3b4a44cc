// Text that came from elsewhere, made fit for a line of a report. Pure.
#ifndef BENCH_RECORD_TEXT_H
#define BENCH_RECORD_TEXT_H

#include <stddef.h>
#include <stdint.h>

/// Reads one character at *text and moves past it; 0 at the end. What is not UTF-8 (also overlong
/// forms and surrogates) is U+FFFD, one byte at a time.
uint32_t text_next(const char **text);
/// Writes one character as UTF-8 (at most 4 bytes, no NUL). Returns its length.
size_t text_put(uint32_t c, char out[4]);
/// Copies as much of `text` as fits, whole characters only, with a NUL. Returns out.
char *text_copy(char *out, size_t size, const char *text);

#endif
