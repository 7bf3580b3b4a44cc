// Looks for known secrets in what a device gave away: memory dumps, serial logs, files.
//
// Pure; data and secrets are lent. A hit says where, in which form and of which secret by its
// fingerprint, never the secret itself.
#ifndef DUT_KEYSEARCH_H
#define DUT_KEYSEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/secret.h"

struct keysearch_secret {
    const char *name; // "NAK", for the report
    const struct secret *secret;
};

enum keysearch_form {
    KEYSEARCH_RAW,
    KEYSEARCH_REVERSED,      // last byte first
    KEYSEARCH_WORDS_16,      // each pair of bytes swapped
    KEYSEARCH_WORDS_32,      // each four bytes reversed
    KEYSEARCH_BITS,          // each byte's bits reversed
    KEYSEARCH_BITS_REVERSED, // both: the whole as one number read backwards
    KEYSEARCH_HEX,           // text, either case, with or without separators, also UTF-16
    KEYSEARCH_HEX_REVERSED,
    KEYSEARCH_BASE64,            // anywhere inside a longer text, also URL-safe and wrapped
    KEYSEARCH_SCHEDULE,          // a round key of AES-128
    KEYSEARCH_SCHEDULE_WORDS_32, // its words reversed
    KEYSEARCH_FORMS
};

/// "raw", "hex text", …
const char *keysearch_form_name(enum keysearch_form form);

struct keysearch_hit {
    const char *name; // lent, of the secret
    char fingerprint[SECRET_FINGERPRINT_LEN];
    enum keysearch_form form;
    uint8_t xored_with; // 0 for none; of the first six forms
    unsigned round;     // of a schedule: 1 … 10
    size_t offset, len; // in the data
};

/// Every place of every secret, in order of secret, form and offset: at most max of them. Returns
/// how many there are, which may be more than max. A secret of fewer than 4 bytes is ERR_INVALID.
FOX_CHECK int keysearch_find(const uint8_t *data, size_t len,
                             const struct keysearch_secret *secrets, size_t n_secrets,
                             struct keysearch_hit *hits, size_t max, struct err *err);

/// The longest run of consecutive bytes of the secret in the data, raw or as hex text: its place in
/// *out (len 0: none), its length in bytes of the secret returned.
FOX_CHECK int keysearch_longest_run(const uint8_t *data, size_t len,
                                    const struct keysearch_secret *secret,
                                    struct keysearch_hit *out, struct err *err);

#endif
