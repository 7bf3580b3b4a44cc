// A search for the key of a device among keys that nobody should use: public ones, patterns,
// whatever can be computed from the label, and 2^24 keys of little entropy. catalogue.md
// AUTH-UL-003, protocol.md 4.3.
//
// Pure. A key that is found is told by its family and fingerprint; its bytes never leave this file,
// unless they are public knowledge, and then by name.
#ifndef BENCH_SFX_WEAKKEY_H
#define BENCH_SFX_WEAKKEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/secret.h"
#include "bench/sfx/uplink.h"

enum {
    WEAKKEY_PAC_LEN = 8,
    WEAKKEY_SERIAL_MAX = 64,
    WEAKKEY_CAPTURES_MAX = 64,
    WEAKKEY_TAG_BITS = 48,        // what the catalogue asks for
    WEAKKEY_LOW_ENTROPY = 1 << 24 // candidates of the families at the end, tried last
};

/// What is public about the device.
struct weakkey_subject {
    uint32_t id;
    const uint8_t *pac;       // WEAKKEY_PAC_LEN bytes, NULL when unknown
    const char *serial;       // NULL when unknown
    const char *const *words; // maker's names and the like to be tried as prefixes, ends with
                              // NULL; NULL for none beyond the built-in ones
};

/// One message as captured. The frames of one message are one capture.
struct weakkey_capture {
    uint8_t input[6 + SFX_PAYLOAD_MAX]; // header, ID, payload
    size_t input_len;
    uint8_t tag[SFX_TAG_MAX];
    size_t tag_len;
};

struct weakkey_result {
    bool found;
    char family[48];                          // "public key", "low entropy: repeated word" …
    char recipe[120];                         // how the key is made, without its bytes
    char fingerprint[SECRET_FINGERPRINT_LEN]; // of the key that was found
    uint64_t candidates;                      // keys tried
    unsigned tag_bits;                        // over captures with different input
    double false_alarm; // chance that some candidate fits by accident: candidates x 2^-tag_bits
};

/// The input and tag of a decoded frame as a capture.
void weakkey_capture_from(const struct sfx_uplink *up, struct weakkey_capture *out);

/// Tries every candidate against all captures and stops at the first that explains them all.
/// `progress` (may be NULL) is called every 65 536 keys, some 10 ms, with the number tried; when it
/// returns false the search ends with ERR_LIMIT. ERR_INVALID without a capture.
FOX_CHECK int weakkey_search(const struct weakkey_subject *subject,
                             const struct weakkey_capture *captures, size_t n_captures,
                             bool (*progress)(void *ctx, uint64_t tried), void *ctx,
                             struct weakkey_result *out, struct err *err);

#endif
