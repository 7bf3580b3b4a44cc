// Key material that never shows itself: wiped when it dies, compared in constant time, printed only
// as a fingerprint.
//
// The caller owns the struct (secret_init … secret_deinit). Copying the struct by assignment is not
// allowed.
#ifndef BENCH_BASE_SECRET_H
#define BENCH_BASE_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

enum { SECRET_MAX = 64, SECRET_FINGERPRINT_LEN = 17 };

struct secret {
    uint8_t data[SECRET_MAX];
    size_t len;
};

/// Takes a copy of data (len <= SECRET_MAX, else ERR_LIMIT).
FOX_CHECK int secret_init(struct secret *s, const void *data, size_t len, struct err *err);
/// Wipes. Accepts NULL and a zeroed struct; may run twice.
void secret_deinit(struct secret *s);
/// Reads a key reference: "file:PATH" (hex digits, white space ignored; a relative PATH is relative
/// to `base_dir`, which may be NULL) or "env:NAME" (hex digits). expect_len in bytes; another
/// length is ERR_FORMAT. The text never shows it.
FOX_CHECK int secret_from_ref(struct secret *s, const char *ref, const char *base_dir,
                              size_t expect_len, struct err *err);
/// Same length and same bytes, in time that depends on the length alone.
bool secret_equal(const struct secret *a, const struct secret *b);
/// What a key of AES-128 is known by without being shown: 16 hex digits and a NUL, the first 8
/// bytes of SHA-256 over secret_check_block encrypted under it, so that a key in a token has the
/// same one. Of a secret of another length: of SHA-256 over the secret.
void secret_fingerprint(const struct secret *s, char out[SECRET_FINGERPRINT_LEN]);
/// "foxbench key chk".
extern const uint8_t secret_check_block[16];
/// The fingerprint of the key that encrypts secret_check_block to `check`.
FOX_CHECK int secret_check_fingerprint(const uint8_t check[16], char out[SECRET_FINGERPRINT_LEN],
                                       struct err *err);

#endif
