#include "bench/base/crypto.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"

static int failed(struct err *err, const char *what)
{
    char text[160];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    return err_set(err, ERR_CRYPTO, "OpenSSL: %s: %s", what, text);
}

static int aes128(const EVP_CIPHER *mode, const struct secret *key, const uint8_t *in, size_t len,
                  uint8_t *out, struct err *err)
{
    static const uint8_t zero_iv[AES_BLOCK];
    if (key->len != 16)
        return err_set(err, ERR_INVALID, "AES-128 takes a key of 16 bytes, got %zu", key->len);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx) return err_set(err, ERR_NOMEM, "AES context: out of memory");
    int n = 0;
    int rc = ERR_OK;
    if (EVP_EncryptInit_ex(ctx, mode, NULL, key->data, zero_iv) != 1 ||
        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 ||
        EVP_EncryptUpdate(ctx, out, &n, in, (int)len) != 1 || (size_t)n != len)
        rc = failed(err, "AES-128");
    EVP_CIPHER_CTX_free(ctx);
    return rc;
}

int crypto_aes128_block(const struct secret *key, const uint8_t in[AES_BLOCK],
                        uint8_t out[AES_BLOCK], struct err *err)
{
    return aes128(EVP_aes_128_ecb(), key, in, AES_BLOCK, out, err);
}

int crypto_aes128_cbc(const struct secret *key, const uint8_t *in, size_t n_blocks, uint8_t *out,
                      struct err *err)
{
    return aes128(EVP_aes_128_cbc(), key, in, n_blocks * AES_BLOCK, out, err);
}

struct crypto_aes128 {
    EVP_CIPHER *cipher;
    EVP_CIPHER_CTX *ctx;
};

int crypto_aes128_new(struct crypto_aes128 **out, struct err *err)
{
    struct crypto_aes128 *c = calloc(1, sizeof *c);
    if (!c) return err_set(err, ERR_NOMEM, "AES context: out of memory");
    c->cipher = EVP_CIPHER_fetch(NULL, "AES-128-ECB", NULL);
    c->ctx = EVP_CIPHER_CTX_new();
    if (!c->cipher || !c->ctx || EVP_EncryptInit_ex2(c->ctx, c->cipher, NULL, NULL, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(c->ctx, 0) != 1) {
        crypto_aes128_free(c);
        return failed(err, "AES-128");
    }
    *out = c;
    return ERR_OK;
}

int crypto_aes128_try(struct crypto_aes128 *c, const uint8_t key[AES_BLOCK],
                      const uint8_t in[AES_BLOCK], uint8_t out[AES_BLOCK], struct err *err)
{
    int n = 0;
    if (EVP_EncryptInit_ex2(c->ctx, NULL, key, NULL, NULL) != 1 ||
        EVP_EncryptUpdate(c->ctx, out, &n, in, AES_BLOCK) != 1 || n != AES_BLOCK)
        return failed(err, "AES-128");
    return ERR_OK;
}

void crypto_aes128_free(struct crypto_aes128 *c)
{
    if (!c) return;
    EVP_CIPHER_CTX_free(c->ctx);
    EVP_CIPHER_free(c->cipher);
    free(c);
}

static const char *const hash_names[CRYPTO_HASHES] = {
    [CRYPTO_MD5] = "MD5", [CRYPTO_SHA1] = "SHA-1", [CRYPTO_SHA256] = "SHA-256"};

const char *crypto_hash_name(enum crypto_hash hash)
{
    return hash < CRYPTO_HASHES ? hash_names[hash] : "unknown";
}

int crypto_hash(enum crypto_hash hash, const void *data, size_t len, uint8_t out[SHA256_LEN],
                struct err *err)
{
    const EVP_MD *md = hash == CRYPTO_MD5    ? EVP_md5()
                       : hash == CRYPTO_SHA1 ? EVP_sha1()
                                             : EVP_sha256();
    unsigned n = 0;
    if (EVP_Digest(data, len, out, &n, md, NULL) != 1) return failed(err, crypto_hash_name(hash));
    return (int)n;
}

struct crypto_sha256 {
    EVP_MD_CTX *ctx;
};

int crypto_sha256_new(struct crypto_sha256 **out, struct err *err)
{
    struct crypto_sha256 *c = calloc(1, sizeof *c);
    if (!c || !(c->ctx = EVP_MD_CTX_new())) {
        crypto_sha256_free(c);
        return err_set(err, ERR_NOMEM, "SHA-256: out of memory");
    }
    if (EVP_DigestInit_ex(c->ctx, EVP_sha256(), NULL) != 1) {
        crypto_sha256_free(c);
        return failed(err, "SHA-256");
    }
    *out = c;
    return ERR_OK;
}

int crypto_sha256_update(struct crypto_sha256 *c, const void *data, size_t len, struct err *err)
{
    return EVP_DigestUpdate(c->ctx, data, len) == 1 ? ERR_OK : failed(err, "SHA-256");
}

int crypto_sha256_finish(struct crypto_sha256 *c, uint8_t out[SHA256_LEN], struct err *err)
{
    int rc = EVP_DigestFinal_ex(c->ctx, out, NULL) == 1 ? ERR_OK : failed(err, "SHA-256");
    crypto_sha256_free(c);
    return rc;
}

void crypto_sha256_free(struct crypto_sha256 *c)
{
    if (!c) return;
    EVP_MD_CTX_free(c->ctx);
    free(c);
}

int crypto_sha256(const void *data, size_t len, uint8_t out[SHA256_LEN], struct err *err)
{
    return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1 ? ERR_OK
                                                                     : failed(err, "SHA-256");
}

int crypto_sha256_file(const char *path, char out[SHA256_HEX_LEN], int64_t *size, struct err *err)
{
    FILE *f = fopen(path, "rbe");
    if (!f) return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    struct crypto_sha256 *c = NULL;
    int rc = crypto_sha256_new(&c, err);
    uint8_t chunk[65536];
    int64_t total = 0;
    size_t n;
    while (rc == ERR_OK && (n = fread(chunk, 1, sizeof chunk, f)) > 0) {
        rc = crypto_sha256_update(c, chunk, n, err);
        total += (int64_t)n;
    }
    if (rc == ERR_OK && ferror(f)) rc = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    fclose(f);
    if (rc < 0) {
        crypto_sha256_free(c);
        return rc;
    }
    uint8_t digest[SHA256_LEN];
    rc = crypto_sha256_finish(c, digest, err);
    if (rc < 0) return rc;
    hex_encode(digest, sizeof digest, out);
    if (size) *size = total;
    return ERR_OK;
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void crypto_wipe(void *data, size_t len)
{
    OPENSSL_cleanse(data, len);
}
