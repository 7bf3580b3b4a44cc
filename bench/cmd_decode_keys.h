// The keys that `foxbench decode` is given: which device has which, and what it says of a packet.
//
// Plain struct, owned by its caller: zeroed … decode_keys_deinit, which wipes. One thread.
#ifndef BENCH_CMD_DECODE_KEYS_H
#define BENCH_CMD_DECODE_KEYS_H

#include <stdint.h>

#include "bench/air/receive.h"
#include "bench/base/err.h"
#include "bench/base/secret.h"
#include "bench/base/token.h"

enum { DECODE_KEYS_MAX = 64 };

struct decode_key {
    uint32_t id;
    const char *reference; // lent
    struct secret key;
    struct token_key *token; // holds it instead
};

struct decode_keys {
    struct decode_key list[DECODE_KEYS_MAX];
    size_t n_ids;  // how many have an identifier
    size_t n_keys; // and a key
};

/// The next identifier, in hexadecimal; the next reference (file:, env:, pkcs11:), lent. The first
/// of either belong together, and so on.
FOX_CHECK int decode_keys_add_id(struct decode_keys *k, const char *id, struct err *err);
FOX_CHECK int decode_keys_add_key(struct decode_keys *k, const char *reference, struct err *err);
/// Gets the keys; every identifier must have one.
FOX_CHECK int decode_keys_open(struct decode_keys *k, struct err *err);
/// For air_receiver_config.verify, with the keys as context.
enum air_tag decode_keys_verify(void *keys, const struct sfx_uplink *up);
void decode_keys_deinit(struct decode_keys *k);

#endif
