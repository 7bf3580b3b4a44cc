#include "bench/base/crypto.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/base/bytes.h"

static int failed(struct err *err, const char *what)
{
    char text[160];
    ERR_error_string_n(ERR_get_error(), text, sizeof text);
    return err_set(err, ERR_CRYPTO, "OpenSSL: %s: %s", what, text);
}

// Looking a cipher up takes longer than encrypting a message's tag with it, so it is done once in a
// process: constants of the library, given back by the system.
static const EVP_CIPHER *cipher_once(_Atomic(EVP_CIPHER *) *place, const char *name)
{
    EVP_CIPHER *known = atomic_load(place);
    if (known) return known;
    EVP_CIPHER *fetched = EVP_CIPHER_fetch(NULL, name, NULL);
    if (!fetched || atomic_compare_exchange_strong(place, &known, fetched)) return fetched;
    EVP_CIPHER_free(fetched); // another thread was first
    return known;
}

static int aes128(const EVP_CIPHER *mode, const struct secret *key, const uint8_t *in, size_t len,
                  uint8_t *out, struct err *err)
{
    static const uint8_t zero_iv[AES_BLOCK];
    if (key->len != 16)
        return err_set(err, ERR_INVALID, "AES-128 takes a key of 16 bytes, got %zu", key->len);
    if (!mode) return failed(err, "AES-128");
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    if (!ctx) return err_set(err, ERR_NOMEM, "AES context: out of memory");
    int n = 0;
    int rc = ERR_OK;
    if (EVP_EncryptInit_ex2(ctx, mode, key->data, zero_iv, NULL) != 1 ||
        EVP_CIPHER_CTX_set_padding(ctx, 0) != 1 ||
        EVP_EncryptUpdate(ctx, out, &n, in, (int)len) != 1 || (size_t)n != len)
        rc = failed(err, "AES-128");
    EVP_CIPHER_CTX_free(ctx);
    return rc;
}

int crypto_aes128_block(const struct secret *key, const uint8_t in[AES_BLOCK],
                        uint8_t out[AES_BLOCK], struct err *err)
{
    static _Atomic(EVP_CIPHER *) ecb;
    return aes128(cipher_once(&ecb, "AES-128-ECB"), key, in, AES_BLOCK, out, err);
}

int crypto_aes128_cbc(const struct secret *key, const uint8_t *in, size_t n_blocks, uint8_t *out,
                      struct err *err)
{
    static _Atomic(EVP_CIPHER *) cbc;
    return aes128(cipher_once(&cbc, "AES-128-CBC"), key, in, n_blocks * AES_BLOCK, out, err);
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

// Digest of a whole file as hex digits; *size gets its length.
static int hash_file(const EVP_MD *md, const char *path, char *out, int64_t *size, struct err *err)
{
    FILE *f = fopen(path, "rbe");
    if (!f) return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    int rc = ctx && EVP_DigestInit_ex(ctx, md, NULL) == 1 ? ERR_OK : failed(err, "digest");
    uint8_t chunk[65536];
    int64_t total = 0;
    size_t n;
    while (rc == ERR_OK && (n = fread(chunk, 1, sizeof chunk, f)) > 0) {
        if (EVP_DigestUpdate(ctx, chunk, n) != 1) rc = failed(err, "digest");
        total += (int64_t)n;
    }
    if (rc == ERR_OK && ferror(f)) rc = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    fclose(f);
    uint8_t digest[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    if (rc == ERR_OK && EVP_DigestFinal_ex(ctx, digest, &len) != 1) rc = failed(err, "digest");
    EVP_MD_CTX_free(ctx);
    if (rc < 0) return rc;
    hex_encode(digest, len, out);
    if (size) *size = total;
    return ERR_OK;
}

int crypto_sha256_file(const char *path, char out[SHA256_HEX_LEN], int64_t *size, struct err *err)
{
    return hash_file(EVP_sha256(), path, out, size, err);
}

int crypto_sha512_file(const char *path, char out[SHA512_HEX_LEN], struct err *err)
{
    return hash_file(EVP_sha512(), path, out, NULL, err);
}

struct crypto_key {
    EVP_PKEY *pkey;
};

// A key file is never asked for a passphrase on the terminal: a bench runs unattended.
static int no_passphrase(char *buf, int size, int rwflag, void *asked)
{
    (void)buf;
    (void)size;
    (void)rwflag;
    *(bool *)asked = true;
    return -1;
}

static int open_key_file(FILE **out, mode_t *mode, const char *path, struct err *err)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return err_set(err, ERR_USAGE,
                       "%s: expected an Ed25519 key in PEM: %s; make one with "
                       "openssl genpkey -algorithm ed25519 -out signer.key, and its public half "
                       "with openssl pkey -in signer.key -pubout -out signer.pub",
                       path, strerror(errno));
    int rc = ERR_OK;
    if (fstat(fd, &st) != 0)
        rc = err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    else if (!S_ISREG(st.st_mode))
        rc = err_set(err, ERR_USAGE, "%s: expected a key file, got something else", path);
    else if (!(*out = fdopen(fd, "rb")))
        rc = err_set(err, ERR_NOMEM, "%s: out of memory", path);
    else
        *mode = st.st_mode;
    if (rc < 0) close(fd);
    return rc;
}

// Takes pkey, also on failure.
static int key_new(struct crypto_key **out, EVP_PKEY *pkey, struct err *err)
{
    struct crypto_key *k = calloc(1, sizeof *k);
    if (!k) {
        EVP_PKEY_free(pkey);
        return err_set(err, ERR_NOMEM, "key: out of memory");
    }
    k->pkey = pkey;
    *out = k;
    return ERR_OK;
}

static int read_key(struct crypto_key **out, const char *path, bool is_private, struct err *err)
{
    FILE *f = NULL;
    mode_t mode = 0;
    bool asked = false;
    int rc = open_key_file(&f, &mode, path, err);
    if (rc < 0) return rc;
    setvbuf(f, NULL, _IONBF, 0); // no copy of the key stays in a buffer of stdio
    EVP_PKEY *pkey = is_private ? PEM_read_PrivateKey(f, NULL, no_passphrase, &asked)
                                : PEM_read_PUBKEY(f, NULL, no_passphrase, &asked);
    fclose(f);
    ERR_clear_error();
    if (asked)
        rc = err_set(err, ERR_USAGE,
                     "%s: expected a key without a passphrase, got a protected one; decrypt it "
                     "into a file of mode 600 with openssl pkey",
                     path);
    else if (!pkey)
        rc =
            err_set(err, ERR_USAGE, "%s: expected an Ed25519 %s key in PEM, got something else; %s",
                    path, is_private ? "private" : "public",
                    is_private ? "make one with openssl genpkey -algorithm ed25519 -out signer.key"
                               : "openssl pkey -in signer.key -pubout makes it from the private "
                                 "key");
    else if (EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519)
        rc = err_set(err, ERR_USAGE,
                     "%s: expected an Ed25519 key, got one of type %s; make one with openssl "
                     "genpkey -algorithm ed25519 -out signer.key",
                     path, EVP_PKEY_get0_type_name(pkey));
    else if (is_private && mode & (S_IRWXG | S_IRWXO))
        rc = err_set(err, ERR_USAGE,
                     "%s: expected a private key that its owner alone may read (mode 600), got "
                     "mode %03o; chmod 600 it, and replace the key if others may have read it",
                     path, mode & 0777);
    if (rc < 0) {
        EVP_PKEY_free(pkey);
        return rc;
    }
    return key_new(out, pkey, err);
}

int crypto_key_read_private(struct crypto_key **out, const char *path, struct err *err)
{
    return read_key(out, path, true, err);
}

int crypto_key_read_public(struct crypto_key **out, const char *path, struct err *err)
{
    return read_key(out, path, false, err);
}

int crypto_key_from_der(struct crypto_key **out, const uint8_t *der, size_t len, struct err *err)
{
    const unsigned char *end = der;
    EVP_PKEY *pkey = d2i_PUBKEY(NULL, &end, (long)len);
    ERR_clear_error();
    if (!pkey || end != der + len || EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519) {
        EVP_PKEY_free(pkey);
        return err_set(err, ERR_FORMAT,
                       "expected an Ed25519 public key in DER, got %zu other bytes", len);
    }
    return key_new(out, pkey, err);
}

void crypto_key_free(struct crypto_key *k)
{
    if (!k) return;
    EVP_PKEY_free(k->pkey);
    free(k);
}

int crypto_key_der(const struct crypto_key *k, uint8_t out[ED25519_SPKI_MAX], struct err *err)
{
    unsigned char *der = NULL;
    int n = i2d_PUBKEY(k->pkey, &der);
    if (n <= 0) return failed(err, "public key");
    if (n > ED25519_SPKI_MAX) {
        OPENSSL_free(der);
        return err_set(err, ERR_INTERNAL, "public key: %d bytes of DER", n);
    }
    memcpy(out, der, (size_t)n);
    OPENSSL_free(der);
    return n;
}

int crypto_key_fingerprint(const struct crypto_key *k, char out[SHA256_HEX_LEN], struct err *err)
{
    uint8_t der[ED25519_SPKI_MAX], digest[SHA256_LEN];
    int n = crypto_key_der(k, der, err);
    if (n < 0) return n;
    int rc = crypto_sha256(der, (size_t)n, digest, err);
    if (rc == ERR_OK) hex_encode(digest, sizeof digest, out);
    return rc;
}

int crypto_key_sign(const struct crypto_key *k, const void *data, size_t len,
                    uint8_t sig[ED25519_SIG_LEN], struct err *err)
{
    size_t n = ED25519_SIG_LEN;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx) return err_set(err, ERR_NOMEM, "Ed25519: out of memory");
    int rc = ERR_OK;
    if (EVP_DigestSignInit(ctx, NULL, NULL, NULL, k->pkey) != 1 ||
        EVP_DigestSign(ctx, sig, &n, data, len) != 1 || n != ED25519_SIG_LEN)
        rc = failed(err, "Ed25519");
    EVP_MD_CTX_free(ctx);
    return rc;
}

int crypto_key_verify(const struct crypto_key *k, const void *data, size_t len, const uint8_t *sig,
                      size_t sig_len, struct err *err)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    if (!ctx) return err_set(err, ERR_NOMEM, "Ed25519: out of memory");
    int rc = EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, k->pkey) == 1
                 ? EVP_DigestVerify(ctx, sig, sig_len, data, len) == 1
                 : failed(err, "Ed25519");
    ERR_clear_error();
    EVP_MD_CTX_free(ctx);
    return rc;
}

const char *crypto_version(void)
{
    return OpenSSL_version(OPENSSL_VERSION);
}

bool crypto_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void crypto_wipe(void *data, size_t len)
{
    OPENSSL_cleanse(data, len);
}
