// Signed documents: DSSE envelopes (version 1.0.2) with Ed25519. Keys are crypto.h's.
//
// An envelope is JSON: the document in base64, its type, and signatures over both. The document
// that was verified is the one inside; nothing else may be used in its place. Any thread.
#ifndef BENCH_BASE_SIGN_H
#define BENCH_BASE_SIGN_H

#include <stddef.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"

enum { SIGN_TYPE_MAX = 128 };
#define SIGN_BODY_MAX ((size_t)64 << 20)

/// What is signed: "DSSEv1" and, each after a space, length of type, type, length of body, body.
FOX_CHECK int sign_pae(const char *type, const void *body, size_t len, struct bytes *out,
                       struct err *err);
/// Appends the envelope of a document, one line with its newline. The key's fingerprint becomes the
/// key id.
FOX_CHECK int sign_envelope(const char *type, const void *body, size_t len,
                            const struct crypto_key *key, struct bytes *out, struct err *err);

/// An envelope taken apart. The caller owns it (sign_parts_deinit).
struct sign_parts {
    char type[SIGN_TYPE_MAX];
    struct bytes body;
    uint8_t sig[ED25519_SIG_LEN]; // the first signature
    char keyid[SHA256_HEX_LEN];   // what it claims; "" when it claims nothing. Never to be trusted
};

/// Takes an envelope apart without believing it. ERR_FORMAT when it is none, or when its first
/// signature is not as long as Ed25519's.
FOX_CHECK int sign_parts_read(struct sign_parts *p, const char *text, size_t len, struct err *err);
/// Accepts a zeroed struct; may run twice.
void sign_parts_deinit(struct sign_parts *p);
/// 1 when the key signed this type and body, 0 when not, negative on failure.
FOX_CHECK int sign_parts_verify(const struct sign_parts *p, const struct crypto_key *key,
                                struct err *err);
/// Appends the envelope as sign_envelope writes it. Other ways to write the same are as valid; who
/// wants every bit bound compares with this.
FOX_CHECK int sign_parts_write(const struct sign_parts *p, struct bytes *out, struct err *err);

#endif
