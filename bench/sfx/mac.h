// The tag of a message: AES-128 CBC-MAC over the input repeated until whole blocks are full.
// protocol.md section 4.1. Pure.
#ifndef BENCH_SFX_MAC_H
#define BENCH_SFX_MAC_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/crypto.h"
#include "bench/sfx/signer.h"

enum { SFX_MAC_BLOCKS_MAX = 2, SFX_MAC_MAX = SFX_MAC_BLOCKS_MAX * AES_BLOCK };

/// Cyclic padding of 1 … 32 bytes to one or two blocks. Returns the number of blocks.
size_t sfx_mac_pad(const uint8_t *input, size_t len, uint8_t blocks[SFX_MAC_MAX]);
/// The chain's state after each block; the MAC is the last. Returns the number of blocks.
FOX_CHECK int sfx_mac(const struct secret *key, const uint8_t *input, size_t len,
                      uint8_t states[SFX_MAC_MAX], struct err *err);
/// The same with a key wherever it lies.
FOX_CHECK int sfx_mac_by(const struct sfx_signer *signer, const uint8_t *input, size_t len,
                         uint8_t states[SFX_MAC_MAX], struct err *err);

#endif
