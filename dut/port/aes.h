// AES-128 encryption in software, for boards whose own unit is not on the host.
//
// Pure; no tables of keys are kept. Made for tags and small payloads, not for speed, and with no
// thought of side channels: a device in the lab has none.
#ifndef DUT_PORT_AES_H
#define DUT_PORT_AES_H

#include <stddef.h>
#include <stdint.h>

enum { DEVPORT_AES_BLOCK = 16 };

/// One block (ECB). in and out may be the same.
void devport_aes128(const uint8_t key[DEVPORT_AES_BLOCK], const uint8_t in[DEVPORT_AES_BLOCK],
                    uint8_t out[DEVPORT_AES_BLOCK]);
/// CBC with a zero IV over whole blocks; the last one of the output is the CBC-MAC. Returns 0, or
/// -EINVAL when len is no multiple of 16. in and out may be the same.
int devport_aes128_cbc(const uint8_t key[DEVPORT_AES_BLOCK], const uint8_t *in, uint8_t *out,
                       size_t len);

#endif
