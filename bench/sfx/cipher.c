#include "bench/sfx/cipher.h"

#include <string.h>

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
