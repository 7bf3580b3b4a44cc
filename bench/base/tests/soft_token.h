// Tokens for tests: SoftHSM2 in a folder of its own, filled through PKCS#11 by the test itself.
//
// One at a time. Functions fail the test when something is missing.
#ifndef BENCH_BASE_TESTS_SOFT_TOKEN_H
#define BENCH_BASE_TESTS_SOFT_TOKEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct soft_token {
    char folder[64]; // conf, tokens/, pin
    char module[128];
};

struct soft_key {
    const char *label;
    const uint8_t *key;
    size_t len;
    bool may_not_encrypt;
    bool is_data; // a data object with these bytes instead of a key
};

/// A fresh folder, SOFTHSM2_CONF, and a token of this label with pin 1234, which stands in
/// FOLDER/pin.
void soft_token_begin(struct soft_token *s, const char *label);
/// Another token beside it.
void soft_token_add(struct soft_token *s, const char *label);
/// Imports keys: sensitive, never extractable. Checks that the token then refuses to show them.
void soft_token_import(struct soft_token *s, const char *label, const struct soft_key *keys,
                       size_t n);
/// The reference "pkcs11:token=…;object=…?…" with the pin from FOLDER/pin.
void soft_token_ref(const struct soft_token *s, const char *token, const char *object,
                    char out[512]);
void soft_token_end(struct soft_token *s);

#endif
