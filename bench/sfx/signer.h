// What computes tags: a device's key, wherever it lies. Either the bench holds the key, or a token
// does, which encrypts and never gives it away.
//
// A signer lends both; the caller keeps them alive. One thread.
#ifndef BENCH_SFX_SIGNER_H
#define BENCH_SFX_SIGNER_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/crypto.h"
#include "bench/base/token.h"

/// Exactly one of the two is set.
struct sfx_signer {
    const struct secret *key;
    struct token_key *token;
};

/// CBC with a zero IV over n blocks; states holds every block of the chain (may be `blocks`).
FOX_CHECK int sfx_signer_chain(const struct sfx_signer *s, const uint8_t *blocks, size_t n_blocks,
                               uint8_t *states, struct err *err);
/// The key's fingerprint, the same wherever the key lies: secret_fingerprint.
FOX_CHECK int sfx_signer_fingerprint(const struct sfx_signer *s, char out[SECRET_FINGERPRINT_LEN],
                                     struct err *err);

#endif
