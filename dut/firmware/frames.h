// From a message to the three packets that go on air: plan, cipher, tag, packet, replica code. The
// seam of every fault in what a frame says.
//
// Pure but for the key it is lent. protocol.md 2, 4.1 and 6.
#ifndef DUT_FIRMWARE_FRAMES_H
#define DUT_FIRMWARE_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/secret.h"
#include "bench/sfx/cipher.h"
#include "bench/sfx/uplink.h"
#include "dut/firmware/faults.h"
#include "dut/firmware/strange.h"

struct frames {
    uint8_t frame[SFX_RANKS][SFX_FRAME_MAX];
    size_t len; // bytes, equal for the three
};

struct frames_signer {
    uint32_t id;
    const struct secret *key;                // the device's own; lent
    bool public_key;                         // sign with the library's public key instead
    const struct sfx_native_profile *native; // encrypts payloads; NULL: they stay in clear
    uint8_t rollover;                        // of the counter, for the keystream
    const struct faults *faults;
    const struct strange *strange;
};

/// `up` says type, bidirectional, counter and payload; the rest is filled in here.
FOX_CHECK int frames_build(struct frames *out, struct sfx_uplink *up,
                           const struct frames_signer *signer, struct err *err);
/// The library's public key, which everybody has; the caller wipes it (secret_deinit).
FOX_CHECK int frames_public_key(struct secret *key, struct err *err);

#endif
