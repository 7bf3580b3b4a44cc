// Whether the keys of several devices have anything to do with each other: one key for two, a key
// that follows from another's and the identifiers, a pattern that all of them share. catalogue.md
// CLN-ID-001.
//
// Pure. Keys are lent and never leave: a result names devices and the kind of relation, and shows
// fingerprints.
#ifndef BENCH_SFX_KEYRELATION_H
#define BENCH_SFX_KEYRELATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/secret.h"
#include "bench/sfx/weakkey.h"

enum {
    KEYRELATION_DEVICES_MAX = 32,
    KEYRELATION_KEY_LEN = 16,
    KEYRELATION_FINDINGS_MAX = 64,
    KEYRELATION_RECIPE_MAX = 120
};

struct keyrelation_device {
    uint32_t id;
    const uint8_t *pac;                     // WEAKKEY_PAC_LEN bytes, NULL when unknown
    const struct secret *key;               // as declared; NULL when unknown. Lent
    const struct weakkey_capture *captures; // its messages. Lent
    size_t n_captures;
};

enum keyrelation_kind {
    KEYRELATION_SHARED,  // one declared key gives the tags of both
    KEYRELATION_DERIVED, // a key that follows from another device's gives this one's tags
    KEYRELATION_PATTERN  // the declared keys of the two, both seen at work, have a relation
};

struct keyrelation_finding {
    enum keyrelation_kind kind;
    size_t device; // whose messages, and with which other device's key
    size_t other;
    char recipe[KEYRELATION_RECIPE_MAX];      // "XOR (ID XOR ID'), repeated, big-endian"; the other
                                              // device's values carry a mark
    char fingerprint[SECRET_FINGERPRINT_LEN]; // of the device's key
    unsigned messages;                        // that the key explains
    unsigned tag_bits;                        // of those
    double false_alarm; // chance of this finding between devices that have nothing to do with each
                        // other
};

/// What was seen of one device.
struct keyrelation_seen {
    unsigned messages; // with different content
    unsigned verified; // of them, under its declared key
    unsigned tag_bits; // over all
    bool explained;    // a finding says where its key comes from
    bool mixed_up;     // no finding: its tags are those of the key declared for `owner`, which
    size_t owner;      // nobody else uses. The declarations are in each other's place
};

struct keyrelation_result {
    struct keyrelation_seen seen[KEYRELATION_DEVICES_MAX];
    struct keyrelation_finding findings[KEYRELATION_FINDINGS_MAX]; // at most one of a kind and pair
    size_t n_findings;
    uint64_t candidates; // keys tried against messages, for each device the same number
    double false_alarm;  // chance that any of them fits a device's messages by accident, summed
};

/// Tries everything. ERR_INVALID without two devices, or when one has no capture.
FOX_CHECK int keyrelation_search(const struct keyrelation_device *devices, size_t n,
                                 struct keyrelation_result *out, struct err *err);

/// "shared key", "derived key", "related keys".
const char *keyrelation_kind_name(enum keyrelation_kind kind);

#endif
