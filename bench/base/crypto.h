// Cryptography, all of it OpenSSL's: AES-128, SHA-256, Ed25519, constant-time comparison. Home of
// the library.
//
// The library's ciphers are looked up once in a process and kept; any thread may call.
#ifndef BENCH_BASE_CRYPTO_H
#define BENCH_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/secret.h"

enum { AES_BLOCK = 16, SHA256_LEN = 32, SHA256_HEX_LEN = 65, SHA512_HEX_LEN = 129 };

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
/// SHA-512 of a whole file as 128 hex digits.
FOX_CHECK int crypto_sha512_file(const char *path, char out[SHA512_HEX_LEN], struct err *err);

enum { ED25519_SIG_LEN = 64, ED25519_SPKI_MAX = 128 };

struct crypto_key; // an Ed25519 key; a private one holds its public half too

/// Reads a private key from a PEM file as `openssl genpkey -algorithm ed25519` makes it. ERR_USAGE
/// when others may read the file, when it is protected by a passphrase, or when it is no such key.
FOX_CHECK int crypto_key_read_private(struct crypto_key **out, const char *path, struct err *err);
/// Reads a public key from a PEM file (`openssl pkey -pubout`). ERR_USAGE as above; a private key
/// is refused too, so that nobody gets used to handing it round.
FOX_CHECK int crypto_key_read_public(struct crypto_key **out, const char *path, struct err *err);
/// From DER (SubjectPublicKeyInfo). ERR_FORMAT when it is no Ed25519 key.
FOX_CHECK int crypto_key_from_der(struct crypto_key **out, const uint8_t *der, size_t len,
                                  struct err *err);
/// Accepts NULL; wipes.
void crypto_key_free(struct crypto_key *k);
/// The public half as DER (SubjectPublicKeyInfo). Returns its length.
FOX_CHECK int crypto_key_der(const struct crypto_key *k, uint8_t out[ED25519_SPKI_MAX],
                             struct err *err);
/// SHA-256 of that as 64 hex digits: what `openssl pkey -pubin -outform DER | sha256sum` prints.
FOX_CHECK int crypto_key_fingerprint(const struct crypto_key *k, char out[SHA256_HEX_LEN],
                                     struct err *err);
FOX_CHECK int crypto_key_sign(const struct crypto_key *k, const void *data, size_t len,
                              uint8_t sig[ED25519_SIG_LEN], struct err *err);
/// 1 when the signature is this key's over these bytes, 0 when not, negative on failure.
FOX_CHECK int crypto_key_verify(const struct crypto_key *k, const void *data, size_t len,
                                const uint8_t *sig, size_t sig_len, struct err *err);

/// OpenSSL's own words: "OpenSSL 3.0.17 1 Jul 2025".
const char *crypto_version(void);
bool crypto_equal(const void *a, const void *b, size_t len);
void crypto_wipe(void *data, size_t len);

#endif
