#include "bench/base/sign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/base64.h"
#include "bench/base/json.h"

int sign_pae(const char *type, const void *body, size_t len, struct bytes *out, struct err *err)
{
    int rc = bytes_printf(out, err, "DSSEv1 %zu %s %zu ", strlen(type), type, len);
    return rc < 0 ? rc : bytes_append(out, body, len, err);
}

int sign_parts_write(const struct sign_parts *p, struct bytes *out, struct err *err)
{
    struct bytes body, sig;
    char *text = NULL;
    struct jval *envelope = NULL;
    bytes_init(&body, 2 * SIGN_BODY_MAX);
    bytes_init(&sig, 2 * ED25519_SIG_LEN);
    int rc = bytes_append(&body, "", 0, err); // an empty document is "", not NULL
    if (rc == ERR_OK) rc = base64_encode(p->body.data, p->body.len, &body, err);
    if (rc == ERR_OK) rc = base64_encode(p->sig, sizeof p->sig, &sig, err);
    if (rc < 0) goto out;
    envelope = jval_make(err, "{s:s, s:s, s:[{s:s, s:s}]}", "payload", (const char *)body.data,
                         "payloadType", p->type, "signatures", "keyid", p->keyid, "sig",
                         (const char *)sig.data);
    text = envelope ? jval_dump(envelope, err) : NULL;
    rc = text ? bytes_printf(out, err, "%s\n", text) : ERR_FORMAT;
out:
    free(text);
    jval_free(envelope);
    bytes_deinit(&body);
    bytes_deinit(&sig);
    return rc;
}

int sign_envelope(const char *type, const void *body, size_t len, const struct crypto_key *key,
                  struct bytes *out, struct err *err)
{
    struct sign_parts p = {0};
    struct bytes pae;
    if (strlen(type) >= sizeof p.type || len > SIGN_BODY_MAX)
        return err_set(err, ERR_LIMIT,
                       "signature: expected a document of at most %zu bytes with a type of fewer "
                       "than %d, got %zu and %zu",
                       SIGN_BODY_MAX, SIGN_TYPE_MAX, len, strlen(type));
    snprintf(p.type, sizeof p.type, "%s", type);
    bytes_init(&p.body, SIGN_BODY_MAX);
    bytes_init(&pae, SIGN_BODY_MAX + 2 * SIGN_TYPE_MAX);
    int rc = bytes_append(&p.body, body, len, err);
    if (rc == ERR_OK) rc = sign_pae(type, body, len, &pae, err);
    if (rc == ERR_OK) rc = crypto_key_sign(key, pae.data, pae.len, p.sig, err);
    if (rc == ERR_OK) rc = crypto_key_fingerprint(key, p.keyid, err);
    if (rc == ERR_OK) rc = sign_parts_write(&p, out, err);
    bytes_deinit(&pae);
    sign_parts_deinit(&p);
    return rc;
}

static int read_signature(struct sign_parts *p, const char *text, struct err *err)
{
    struct bytes sig;
    bytes_init(&sig, 2 * ED25519_SIG_LEN);
    int rc = base64_decode(text, strlen(text), &sig, err);
    if (rc == ERR_OK && sig.len != ED25519_SIG_LEN)
        rc = err_set(err, ERR_FORMAT, "expected a signature of %d bytes, got %zu", ED25519_SIG_LEN,
                     sig.len);
    if (rc == ERR_OK) memcpy(p->sig, sig.data, ED25519_SIG_LEN);
    bytes_deinit(&sig);
    return rc == ERR_LIMIT ? err_set(err, ERR_FORMAT, "expected a signature of %d bytes, got more",
                                     ED25519_SIG_LEN)
                           : rc;
}

int sign_parts_read(struct sign_parts *p, const char *text, size_t len, struct err *err)
{
    *p = (struct sign_parts){0};
    bytes_init(&p->body, SIGN_BODY_MAX);
    struct jval *envelope = NULL;
    const char *body, *type, *sig, *keyid = "";
    int rc = jval_parse(&envelope, text, len, err);
    if (rc < 0) goto out;
    rc = jval_read(envelope, err, "{s:s, s:s}", "payload", &body, "payloadType", &type);
    if (rc < 0) goto out;
    rc = jval_read(jval_at(jval_get(envelope, "signatures"), 0), err, "{s:s, s?s}", "sig", &sig,
                   "keyid", &keyid);
    if (rc < 0) goto out;
    if (strlen(type) >= sizeof p->type || strlen(keyid) >= sizeof p->keyid) {
        rc = err_set(err, ERR_FORMAT,
                     "expected a payloadType shorter than %zu characters and a "
                     "keyid shorter than %zu",
                     sizeof p->type, sizeof p->keyid);
        goto out;
    }
    snprintf(p->type, sizeof p->type, "%s", type);
    snprintf(p->keyid, sizeof p->keyid, "%s", keyid);
    rc = base64_decode(body, strlen(body), &p->body, err);
    if (rc == ERR_OK) rc = read_signature(p, sig, err);
out:
    jval_free(envelope);
    if (rc < 0) {
        sign_parts_deinit(p);
        err_prefix(err, "expected a DSSE envelope");
    }
    return rc;
}

void sign_parts_deinit(struct sign_parts *p)
{
    bytes_deinit(&p->body);
}

int sign_parts_verify(const struct sign_parts *p, const struct crypto_key *key, struct err *err)
{
    struct bytes pae;
    bytes_init(&pae, SIGN_BODY_MAX + 2 * SIGN_TYPE_MAX);
    int rc = sign_pae(p->type, p->body.data, p->body.len, &pae, err);
    if (rc >= 0) rc = crypto_key_verify(key, pae.data, pae.len, p->sig, ED25519_SIG_LEN, err);
    bytes_deinit(&pae);
    return rc;
}
