// Base64 of RFC 4648 section 4: the standard alphabet, with padding, without line breaks. Pure.
#ifndef BENCH_BASE_BASE64_H
#define BENCH_BASE_BASE64_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/bytes.h"

/// Appends the text of `data`.
FOX_CHECK int base64_encode(const void *data, size_t len, struct bytes *out, struct err *err);
/// Appends the bytes of `text`. ERR_FORMAT for anything that base64_encode would not have written:
/// other characters, missing padding, bits that carry nothing but are set.
FOX_CHECK int base64_decode(const char *text, size_t len, struct bytes *out, struct err *err);

#endif
