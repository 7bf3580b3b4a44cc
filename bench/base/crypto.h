// Cryptography, all of it OpenSSL's: AES-128, SHA-256, constant-time comparison. Home of the
// library.
#ifndef BENCH_BASE_CRYPTO_H
#define BENCH_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/secret.h"

enum { AES_BLOCK = 16, SHA256_LEN = 32, SHA256_HEX_LEN = 65 };

/// AES-128 in ECB over one block. key->len must be 16 (ERR_INVALID).
FOX_CHECK int crypto_aes128_block(const struct secret *key, const uint8_t in[AES_BLOCK],
                                  uint8_t out[AES_BLOCK], struct err *err);

/// CBC with a zero IV over n blocks; out holds every block of the chain (n * 16 bytes, may be in).
/// For a MAC take the last.
FOX_CHECK int crypto_aes128_cbc(const struct secret *key, const uint8_t *in, size_t n_blocks,
                                uint8_t *out, struct err *err);

struct crypto_aes128; // one block at a time under ever new keys, without a set-up for each

FOX_CHECK int crypto_aes128_new(struct crypto_aes128 **out, struct err *err);
/// Encrypts one block under a key that is not worth hiding: a candidate out of a dictionary.
FOX_CHECK int crypto_aes128_try(struct crypto_aes128 *c, const uint8_t key[AES_BLOCK],
                                const uint8_t in[AES_BLOCK], uint8_t out[AES_BLOCK],
                                struct err *err);
/// Accepts NULL; wipes the last key.
void crypto_aes128_free(struct crypto_aes128 *c);

/// Digests that makers derive keys with. MD5 and SHA-1 are here to be found, not to be used.
enum crypto_hash { CRYPTO_MD5, CRYPTO_SHA1, CRYPTO_SHA256, CRYPTO_HASHES };
/// "MD5", "SHA-1", "SHA-256".
const char *crypto_hash_name(enum crypto_hash hash);
/// Writes 16, 20 or 32 bytes and returns how many.
FOX_CHECK int crypto_hash(enum crypto_hash hash, const void *data, size_t len,
                          uint8_t out[SHA256_LEN], struct err *err);

struct crypto_sha256; // a running digest

FOX_CHECK int crypto_sha256_new(struct crypto_sha256 **out, struct err *err);
FOX_CHECK int crypto_sha256_update(struct crypto_sha256 *c, const void *data, size_t len,
                                   struct err *err);
/// Ends the digest and frees c.
FOX_CHECK int crypto_sha256_finish(struct crypto_sha256 *c, uint8_t out[SHA256_LEN],
                                   struct err *err);
void crypto_sha256_free(struct crypto_sha256 *c);

FOX_CHECK int crypto_sha256(const void *data, size_t len, uint8_t out[SHA256_LEN], struct err *err);
/// SHA-256 of a whole file as 64 hex digits; *size gets its length (may be NULL).
FOX_CHECK int crypto_sha256_file(const char *path, char out[SHA256_HEX_LEN], int64_t *size,
                                 struct err *err);

bool crypto_equal(const void *a, const void *b, size_t len);
void crypto_wipe(void *data, size_t len);

#endif
