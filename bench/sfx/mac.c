#include "bench/sfx/mac.h"

size_t sfx_mac_pad(const uint8_t *input, size_t len, uint8_t blocks[SFX_MAC_MAX])
{
    size_t n_blocks = len <= AES_BLOCK ? 1 : 2;
    for (size_t i = 0; i < n_blocks * AES_BLOCK; i++)
        blocks[i] = input[i % len];
    return n_blocks;
}

int sfx_mac_by(const struct sfx_signer *signer, const uint8_t *input, size_t len,
               uint8_t states[SFX_MAC_MAX], struct err *err)
{
    if (len == 0 || len > SFX_MAC_MAX)
        return err_set(err, ERR_INVALID, "a tag covers 1 to %d bytes, got %zu", SFX_MAC_MAX, len);
    uint8_t blocks[SFX_MAC_MAX];
    size_t n_blocks = sfx_mac_pad(input, len, blocks);
    int rc = sfx_signer_chain(signer, blocks, n_blocks, states, err);
    return rc < 0 ? rc : (int)n_blocks;
}

int sfx_mac(const struct secret *key, const uint8_t *input, size_t len, uint8_t states[SFX_MAC_MAX],
            struct err *err)
{
    return sfx_mac_by(&(struct sfx_signer){.key = key}, input, len, states, err);
}
