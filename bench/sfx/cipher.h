// Payload ciphers. protocol.md section 6: the application-level scheme seen in the wild; native
// encryption is not public. Pure.
#ifndef BENCH_SFX_CIPHER_H
#define BENCH_SFX_CIPHER_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/crypto.h"

enum { SFX_APP_SHARED = 3 };

struct sfx_app_cipher {
    uint32_t device_id;
    uint16_t sequence;
    uint8_t nonce;
    uint8_t shared[SFX_APP_SHARED]; // a value both ends know
};

/// Sequence and ID (high byte first), the same six bytes again, nonce, shared value.
void sfx_app_cipher_block(const struct sfx_app_cipher *c, uint8_t out[AES_BLOCK]);
/// Encrypts or decrypts 0 … 16 bytes in place (the two are the same).
FOX_CHECK int sfx_app_cipher_apply(const struct sfx_app_cipher *c, const struct secret *key,
                                   uint8_t *data, size_t len, struct err *err);

#endif
