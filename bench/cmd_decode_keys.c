#include "bench/cmd_decode_keys.h"

#include <stdlib.h>
#include <string.h>

#include "bench/sfx/signer.h"

enum { KEY_BYTES = 16 };

int decode_keys_add_id(struct decode_keys *k, const char *id, struct err *err)
{
    char *end;
    unsigned long long value = strtoull(id, &end, 16);
    if (!*id || *end || strlen(id) > 8 || strspn(id, "0123456789abcdefABCDEF") != strlen(id))
        return err_set(err, ERR_USAGE,
                       "--id: expected a device identifier of 1 to 8 hex digits, found '%s'", id);
    if (k->n_ids == DECODE_KEYS_MAX)
        return err_set(err, ERR_USAGE, "--id: at most %d devices", DECODE_KEYS_MAX);
    k->list[k->n_ids++].id = (uint32_t)value;
    return ERR_OK;
}

int decode_keys_add_key(struct decode_keys *k, const char *reference, struct err *err)
{
    if (k->n_keys == DECODE_KEYS_MAX)
        return err_set(err, ERR_USAGE, "--key: at most %d devices", DECODE_KEYS_MAX);
    k->list[k->n_keys++].reference = reference;
    return ERR_OK;
}

int decode_keys_open(struct decode_keys *k, struct err *err)
{
    int rc = ERR_OK;
    if (k->n_ids != k->n_keys)
        return err_set(err, ERR_USAGE,
                       "expected one --id for every --key, in the same order, found %zu and %zu",
                       k->n_ids, k->n_keys);
    for (size_t i = 0; i < k->n_keys && rc == ERR_OK; i++) {
        struct decode_key *key = &k->list[i];
        rc = strncmp(key->reference, "pkcs11:", 7) == 0
                 ? token_key_open(&key->token, key->reference, NULL, err)
                 : secret_from_ref(&key->key, key->reference, NULL, KEY_BYTES, err);
    }
    return rc;
}

enum air_tag decode_keys_verify(void *keys, const struct sfx_uplink *up)
{
    const struct decode_keys *k = keys;
    enum air_tag tag = AIR_TAG_UNKNOWN;
    for (size_t i = 0; i < k->n_keys; i++) {
        const struct decode_key *key = &k->list[i];
        if (key->id != up->device_id) continue;
        const struct sfx_signer signer = {.key = key->token ? NULL : &key->key,
                                          .token = key->token};
        int rc = sfx_uplink_verify_by(up, &signer, NULL);
        if (rc == 1) return AIR_TAG_RIGHT;
        if (rc == 0) tag = AIR_TAG_WRONG; // one device may have had several keys
    }
    return tag;
}

void decode_keys_deinit(struct decode_keys *k)
{
    for (size_t i = 0; i < DECODE_KEYS_MAX; i++) {
        secret_deinit(&k->list[i].key);
        token_key_close(k->list[i].token);
    }
    *k = (struct decode_keys){0};
}
