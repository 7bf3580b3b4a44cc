#include "bench/base/secret.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"

enum { KEY_FILE_MAX = 4096 };

int secret_init(struct secret *s, const void *data, size_t len, struct err *err)
{
    if (len > SECRET_MAX)
        return err_set(err, ERR_LIMIT, "a secret has at most %d bytes, got %zu", SECRET_MAX, len);
    memcpy(s->data, data, len);
    s->len = len;
    return ERR_OK;
}

void secret_deinit(struct secret *s)
{
    if (s) crypto_wipe(s, sizeof *s);
}

static int from_hex(struct secret *s, const char *text, const char *ref, size_t expect_len,
                    struct err *err)
{
    char digits[2 * SECRET_MAX + 1];
    size_t n = 0;
    int rc = ERR_OK;
    for (; *text; text++) {
        if (isspace((unsigned char)*text)) continue;
        if (n == sizeof digits - 1) break;
        digits[n++] = *text;
    }
    digits[n] = 0;
    if (n != 2 * expect_len || *text || hex_decode(digits, s->data, SECRET_MAX, NULL) < 0) {
        secret_deinit(s);
        rc = err_set(err, ERR_FORMAT, "key reference %s: expected exactly %zu hex digits", ref,
                     2 * expect_len);
    } else {
        s->len = expect_len;
    }
    crypto_wipe(digits, sizeof digits);
    return rc;
}

// Reads without stdio, whose buffer would keep a copy of the key.
static int from_file(struct secret *s, const char *path, const char *ref, const char *base_dir,
                     size_t expect_len, struct err *err)
{
    char full[4096], text[KEY_FILE_MAX + 1];
    if (base_dir && path[0] != '/') {
        snprintf(full, sizeof full, "%s/%s", base_dir, path);
        path = full;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return err_set(err, ERR_IO, "key reference %s: %s: %s", ref, path, strerror(errno));
    size_t len = 0;
    ssize_t n = 0;
    while (len < KEY_FILE_MAX && (n = read(fd, text + len, KEY_FILE_MAX - len)) != 0) {
        if (n > 0)
            len += (size_t)n;
        else if (errno != EINTR)
            break;
    }
    int rc = n < 0 ? err_set(err, ERR_IO, "key reference %s: %s: %s", ref, path, strerror(errno))
                   : ERR_OK;
    close(fd);
    text[len] = 0;
    if (rc == ERR_OK) rc = from_hex(s, text, ref, expect_len, err);
    crypto_wipe(text, sizeof text);
    return rc;
}

// How much of a reference is its kind and may be shown: the small letters before a colon. Nothing,
// when somebody wrote a key.
static size_t scheme_len(const char *ref)
{
    size_t n = strspn(ref, "abcdefghijklmnopqrstuvwxyz");
    return n <= 10 && ref[n] == ':' ? n : 0;
}

int secret_from_ref(struct secret *s, const char *ref, const char *base_dir, size_t expect_len,
                    struct err *err)
{
    *s = (struct secret){.len = 0};
    if (strncmp(ref, "file:", 5) == 0) return from_file(s, ref + 5, ref, base_dir, expect_len, err);
    if (strncmp(ref, "env:", 4) == 0) {
        const char *value = getenv(ref + 4);
        if (!value)
            return err_set(err, ERR_NOTFOUND, "key reference %s: the variable is not set", ref);
        return from_hex(s, value, ref, expect_len, err);
    }
    return err_set(err, ERR_USAGE,
                   "a key reference of kind '%.*s' is not understood: expected file:PATH or "
                   "env:NAME (a device file also takes pkcs11:…), never the key itself",
                   (int)scheme_len(ref), ref);
}

bool secret_equal(const struct secret *a, const struct secret *b)
{
    return a->len == b->len && crypto_equal(a->data, b->data, a->len);
}

const uint8_t secret_check_block[16] = "foxbench key chk";

static int fingerprint(const void *data, size_t len, char out[SECRET_FINGERPRINT_LEN],
                       struct err *err)
{
    uint8_t digest[SHA256_LEN];
    int rc = crypto_sha256(data, len, digest, err);
    if (rc == ERR_OK) hex_encode(digest, 8, out);
    return rc;
}

// The encrypted block itself is not shown: a cipher may use it.
int secret_check_fingerprint(const uint8_t check[16], char out[SECRET_FINGERPRINT_LEN],
                             struct err *err)
{
    return fingerprint(check, 16, out, err);
}

void secret_fingerprint(const struct secret *s, char out[SECRET_FINGERPRINT_LEN])
{
    uint8_t check[AES_BLOCK];
    int rc = s->len != AES_BLOCK ? fingerprint(s->data, s->len, out, NULL)
                                 : crypto_aes128_block(s, secret_check_block, check, NULL);
    if (rc == ERR_OK && s->len == AES_BLOCK) rc = fingerprint(check, sizeof check, out, NULL);
    if (rc < 0) snprintf(out, SECRET_FINGERPRINT_LEN, "unavailable");
    crypto_wipe(check, sizeof check);
}
