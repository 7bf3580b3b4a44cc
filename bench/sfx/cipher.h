// Payload ciphers. protocol.md section 6: the application-level scheme seen in the wild, and the
// form that native encryption is known to have. Pure.
//
// What native encryption puts into its two AES blocks is not public, so it is a profile: data that
// an operator who has the specification can add. `bench-assumed-1` is our own guess, for tests
// between our own device and our own core; a result under it says nothing about conformance.
#ifndef BENCH_SFX_CIPHER_H
#define BENCH_SFX_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/crypto.h"
#include "bench/sfx/uplink.h"

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

enum sfx_direction { SFX_DIRECTION_UP, SFX_DIRECTION_DOWN };

enum sfx_tag_order {
    SFX_TAG_OVER_CIPHER, // encrypt, then make the tag
    SFX_TAG_OVER_CLEAR   // make the tag, then encrypt
};

struct sfx_native_profile {
    const char *name;
    bool assumed;                   // not a published specification: self tests only
    uint8_t key_block[AES_BLOCK];   // the session key is this block under the device's key
    uint8_t count_block[AES_BLOCK]; // what stands where no field is written
    // First byte of each field in the counter block; numbers low byte first.
    unsigned id_at;        // 4 bytes
    unsigned counter_at;   // 2 bytes
    unsigned rollover_at;  // 1 byte
    unsigned direction_at; // 1 byte: 0 up, 1 down
    enum sfx_tag_order order;
};

/// Which message's keystream.
struct sfx_native_message {
    uint32_t device_id;
    uint16_t counter; // 0 … 4095: of the message itself, or of the uplink that asked for a downlink
    uint8_t rollover; // how often the counter has passed its roll-over, modulo 256
    enum sfx_direction direction;
};

/// The profile "bench-assumed-1".
const struct sfx_native_profile *sfx_native_assumed(void);
/// NULL when no profile has this name.
const struct sfx_native_profile *sfx_native_find(const char *name);
/// Derives the session key from the device's key (16 bytes); the caller wipes it (secret_deinit).
FOX_CHECK int sfx_native_session_key(const struct sfx_native_profile *p, const struct secret *key,
                                     struct secret *session, struct err *err);
/// The same from a key wherever it lies; the session key itself is then in the bench's memory.
FOX_CHECK int sfx_native_session_key_by(const struct sfx_native_profile *p,
                                        const struct sfx_signer *signer, struct secret *session,
                                        struct err *err);
/// The block that the keystream is made of.
void sfx_native_block(const struct sfx_native_profile *p, const struct sfx_native_message *m,
                      uint8_t out[AES_BLOCK]);
/// Encrypts or decrypts a payload in place (the two are the same) under the device's key: 1 … 12
/// bytes up, 8 down; another length or a counter beyond 4095 is ERR_INVALID.
FOX_CHECK int sfx_native_apply(const struct sfx_native_profile *p,
                               const struct sfx_native_message *m, const struct secret *key,
                               uint8_t *data, size_t len, struct err *err);
/// The same with a key wherever it lies.
FOX_CHECK int sfx_native_apply_by(const struct sfx_native_profile *p,
                                  const struct sfx_native_message *m,
                                  const struct sfx_signer *signer, uint8_t *data, size_t len,
                                  struct err *err);
/// The same for the payload of an uplink message with the ID and counter in `up`; its tag is left
/// alone. Messages without payload bytes and control messages stay as they are. Returns 1 when the
/// payload was changed, 0 when not.
FOX_CHECK int sfx_native_uplink(const struct sfx_native_profile *p, struct sfx_uplink *up,
                                uint8_t rollover, const struct secret *key, struct err *err);

#endif
