// The downlink frame: payload to scrambled frame, and back. protocol.md sections 4.2 and 7.4.
//
// Pure: no I/O, no state. A frame has no address: the device finds its own by frequency, time,
// scrambling and tag.
#ifndef BENCH_SFX_DOWNLINK_H
#define BENCH_SFX_DOWNLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/crypto.h"
#include "bench/sfx/signer.h"

enum {
    SFX_DL_PAYLOAD = 8,
    SFX_DL_TAG = 2,
    SFX_DL_CONTENT = SFX_DL_PAYLOAD + SFX_DL_TAG + 1,
    SFX_DL_FRAME = 15,
    SFX_DL_ON_AIR = 28
};

enum sfx_downlink_status {
#define STATUS(name, text) SFX_DOWNLINK_##name,
#include "bench/sfx/downlink_status.def"
#undef STATUS
};

struct sfx_downlink {
    uint32_t device_id;
    uint16_t counter; // of the uplink that asked for it
    uint8_t payload[SFX_DL_PAYLOAD];
    uint8_t tag[SFX_DL_TAG];
    uint8_t crc;
};

/// The one block that the tag is made of.
void sfx_downlink_auth_block(const struct sfx_downlink *dl, uint8_t out[AES_BLOCK]);
FOX_CHECK int sfx_downlink_sign(struct sfx_downlink *dl, const struct secret *key, struct err *err);
/// 0 or 1, negative on a crypto failure; constant time.
FOX_CHECK int sfx_downlink_verify(const struct sfx_downlink *dl, const struct secret *key,
                                  struct err *err);
/// The same two with a key wherever it lies.
FOX_CHECK int sfx_downlink_sign_by(struct sfx_downlink *dl, const struct sfx_signer *signer,
                                   struct err *err);
FOX_CHECK int sfx_downlink_verify_by(const struct sfx_downlink *dl, const struct sfx_signer *signer,
                                     struct err *err);
/// Payload, tag and CRC; the CRC is computed here and put into dl->crc.
void sfx_downlink_content(struct sfx_downlink *dl, uint8_t out[SFX_DL_CONTENT]);
/// Parity and content, not yet scrambled.
void sfx_downlink_plain_frame(struct sfx_downlink *dl, uint8_t out[SFX_DL_FRAME]);
/// The scrambled frame.
void sfx_downlink_frame(struct sfx_downlink *dl, uint8_t out[SFX_DL_FRAME]);
/// Preamble, sync word and frame as they are sent.
void sfx_downlink_on_air(const uint8_t frame[SFX_DL_FRAME], uint8_t out[SFX_DL_ON_AIR]);

/// Descrambles with the ID and counter in `dl`, corrects, and fills the rest of `dl`. Returns
/// whether the CRC holds; *corrected (may be NULL) gets the number of corrected codewords.
bool sfx_downlink_decode(const uint8_t frame[SFX_DL_FRAME], struct sfx_downlink *dl,
                         unsigned *corrected);
/// The whole way of a received frame: sfx_downlink_decode and the tag. Returns an enum
/// sfx_downlink_status (which stage refused), negative on a crypto failure. `dl` and *corrected are
/// as above in every case.
FOX_CHECK int sfx_downlink_read(const uint8_t frame[SFX_DL_FRAME], struct sfx_downlink *dl,
                                const struct sfx_signer *signer, unsigned *corrected,
                                struct err *err);
/// "ok", "bad_crc", "bad_tag" and the sentence of downlink_status.def.
const char *sfx_downlink_status_name(enum sfx_downlink_status status);
const char *sfx_downlink_status_text(enum sfx_downlink_status status);

#endif
