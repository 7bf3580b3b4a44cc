// A device's key in a token (smart card, HSM): AES-128 is computed inside it, and the key never
// leaves it. Home of PKCS#11, spoken directly with the module that the reference names.
//
// The caller owns the handle (token_key_open … token_key_close). One thread for all handles of a
// process: a module is started once per process, so the file keeps a table of the modules in use.
// A loaded module stays loaded: modules leave exit handlers behind.
#ifndef BENCH_BASE_TOKEN_H
#define BENCH_BASE_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/crypto.h"
#include "bench/base/err.h"
#include "bench/base/token_uri.h"

enum { TOKEN_FIRMWARE_MAX = 8 };

struct token_key;

/// What the token says of itself.
struct token_info {
    char label[TOKEN_LABEL_MAX + 1];
    char manufacturer[TOKEN_LABEL_MAX + 1];
    char model[TOKEN_SERIAL_MAX + 1];
    char serial[TOKEN_SERIAL_MAX + 1];
    char firmware[TOKEN_FIRMWARE_MAX];
};

/// Opens the key that a reference (token_uri.h) names: a module, one token, one AES key of 16 bytes
/// that may encrypt. Relative paths are relative to `base_dir` (may be NULL). A reference or a file
/// that is wrong: ERR_USAGE; no such token: ERR_NOTFOUND, with the tokens that are there; a token
/// that leaves while it is opened: ERR_GONE; one that cannot do AES-CBC: ERR_UNSUPPORTED. No text
/// shows the pin.
FOX_CHECK int token_key_open(struct token_key **out, const char *ref, const char *base_dir,
                             struct err *err);
/// Accepts NULL.
void token_key_close(struct token_key *k);
/// Lent, until close.
const struct token_info *token_key_info(const struct token_key *k);
/// CBC with a zero IV over 1 … 16 blocks, inside the token; out holds every block of the chain.
/// ERR_GONE when the token has gone away, ERR_CRYPTO when it refuses.
FOX_CHECK int token_key_cbc(struct token_key *k, const uint8_t *in, size_t n_blocks, uint8_t *out,
                            struct err *err);

#endif
