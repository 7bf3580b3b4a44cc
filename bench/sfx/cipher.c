#include "bench/sfx/cipher.h"

#include <string.h>

#include "bench/sfx/counter.h"
#include "bench/sfx/downlink.h"

void sfx_app_cipher_block(const struct sfx_app_cipher *c, uint8_t out[AES_BLOCK])
{
    out[0] = (uint8_t)(c->sequence >> 8);
    out[1] = (uint8_t)c->sequence;
    for (unsigned i = 0; i < 4; i++)
        out[2 + i] = (uint8_t)(c->device_id >> (24 - 8 * i));
    memcpy(out + 6, out, 6);
    out[12] = c->nonce;
    memcpy(out + 13, c->shared, SFX_APP_SHARED);
}

int sfx_app_cipher_apply(const struct sfx_app_cipher *c, const struct secret *key, uint8_t *data,
                         size_t len, struct err *err)
{
    if (len > AES_BLOCK)
        return err_set(err, ERR_LIMIT, "this cipher covers at most %d bytes, got %zu", AES_BLOCK,
                       len);
    uint8_t block[AES_BLOCK], stream[AES_BLOCK];
    sfx_app_cipher_block(c, block);
    int rc = crypto_aes128_block(key, block, stream, err);
    if (rc < 0) return rc;
    for (size_t i = 0; i < len; i++)
        data[i] ^= stream[i];
    return ERR_OK;
}

static const struct sfx_native_profile profiles[] = {
    {.name = "bench-assumed-1",
     .assumed = true,
     .id_at = 0,
     .counter_at = 4,
     .rollover_at = 6,
     .direction_at = 7,
     .order = SFX_TAG_OVER_CIPHER},
};

const struct sfx_native_profile *sfx_native_assumed(void)
{
    return &profiles[0];
}

const struct sfx_native_profile *sfx_native_find(const char *name)
{
    for (size_t i = 0; i < sizeof profiles / sizeof profiles[0]; i++)
        if (strcmp(profiles[i].name, name) == 0) return &profiles[i];
    return NULL;
}

int sfx_native_session_key_by(const struct sfx_native_profile *p, const struct sfx_signer *signer,
                              struct secret *session, struct err *err)
{
    uint8_t derived[AES_BLOCK];
    int rc = sfx_signer_chain(signer, p->key_block, 1, derived, err);
    if (rc == ERR_OK) rc = secret_init(session, derived, sizeof derived, err);
    crypto_wipe(derived, sizeof derived);
    return rc;
}

int sfx_native_session_key(const struct sfx_native_profile *p, const struct secret *key,
                           struct secret *session, struct err *err)
{
    return sfx_native_session_key_by(p, &(struct sfx_signer){.key = key}, session, err);
}

void sfx_native_block(const struct sfx_native_profile *p, const struct sfx_native_message *m,
                      uint8_t out[AES_BLOCK])
{
    memcpy(out, p->count_block, AES_BLOCK);
    for (unsigned i = 0; i < 4; i++)
        out[p->id_at + i] = (uint8_t)(m->device_id >> 8 * i);
    for (unsigned i = 0; i < 2; i++)
        out[p->counter_at + i] = (uint8_t)(m->counter >> 8 * i);
    out[p->rollover_at] = m->rollover;
    out[p->direction_at] = m->direction == SFX_DIRECTION_DOWN;
}

static int check_native(const struct sfx_native_message *m, size_t len, struct err *err)
{
    if (m->counter >= SFX_COUNTER_MODULUS_MAX)
        return err_set(err, ERR_INVALID,
                       "encryption: expected a message counter of 0 … 4095, got %u", m->counter);
    if (m->direction == SFX_DIRECTION_DOWN && len != SFX_DL_PAYLOAD)
        return err_set(err, ERR_INVALID,
                       "encryption: a downlink payload has %d bytes, got %zu; pad it before",
                       SFX_DL_PAYLOAD, len);
    if (m->direction == SFX_DIRECTION_UP && (len == 0 || len > SFX_PAYLOAD_MAX))
        return err_set(err, ERR_INVALID,
                       "encryption: an uplink payload has 1 … %d bytes, got %zu; messages without "
                       "payload bytes are sent as they are",
                       SFX_PAYLOAD_MAX, len);
    return ERR_OK;
}

int sfx_native_apply_by(const struct sfx_native_profile *p, const struct sfx_native_message *m,
                        const struct sfx_signer *signer, uint8_t *data, size_t len, struct err *err)
{
    uint8_t block[AES_BLOCK], stream[AES_BLOCK];
    struct secret session = {.len = 0};
    int rc = check_native(m, len, err);
    if (rc == ERR_OK) rc = sfx_native_session_key_by(p, signer, &session, err);
    if (rc < 0) goto out;
    sfx_native_block(p, m, block);
    rc = crypto_aes128_cbc(&session, block, 1, stream, err);
    if (rc < 0) goto out;
    for (size_t i = 0; i < len; i++)
        data[i] ^= stream[i];
out:
    crypto_wipe(stream, sizeof stream);
    secret_deinit(&session);
    return rc;
}

int sfx_native_apply(const struct sfx_native_profile *p, const struct sfx_native_message *m,
                     const struct secret *key, uint8_t *data, size_t len, struct err *err)
{
    return sfx_native_apply_by(p, m, &(struct sfx_signer){.key = key}, data, len, err);
}

int sfx_native_uplink(const struct sfx_native_profile *p, struct sfx_uplink *up, uint8_t rollover,
                      const struct secret *key, struct err *err)
{
    if (up->type != SFX_MESSAGE_BYTES || up->payload_len == 0) return 0;
    struct sfx_native_message m = {.device_id = up->device_id,
                                   .counter = up->counter,
                                   .rollover = rollover,
                                   .direction = SFX_DIRECTION_UP};
    int rc = sfx_native_apply(p, &m, key, up->payload, up->payload_len, err);
    return rc < 0 ? rc : 1;
}
