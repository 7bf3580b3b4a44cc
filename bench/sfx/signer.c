#include "bench/sfx/signer.h"

int sfx_signer_chain(const struct sfx_signer *s, const uint8_t *blocks, size_t n_blocks,
                     uint8_t *states, struct err *err)
{
    if (!s->key == !s->token)
        return err_set(err, ERR_INTERNAL, "a signer has a key or a token, and not both");
    return s->token ? token_key_cbc(s->token, blocks, n_blocks, states, err)
                    : crypto_aes128_cbc(s->key, blocks, n_blocks, states, err);
}

int sfx_signer_fingerprint(const struct sfx_signer *s, char out[SECRET_FINGERPRINT_LEN],
                           struct err *err)
{
    uint8_t check[AES_BLOCK];
    int rc = sfx_signer_chain(s, secret_check_block, 1, check, err);
    if (rc == ERR_OK) rc = secret_check_fingerprint(check, out, err);
    crypto_wipe(check, sizeof check);
    return rc;
}
