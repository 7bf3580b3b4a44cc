#include "bench/sfx/downlink.h"

#include <string.h>

#include "bench/sfx/bch.h"
#include "bench/sfx/crc.h"
#include "bench/sfx/scramble.h"

// A frame before scrambling, bytes in transmission order:
//
//     E0 E1 E2 E3 | P0 … P7 | T0 T1 | C      E parity, P payload, T tag, C CRC-8 over P and T
//
// on air 91 alternating bits (the first and the last are 1) and the sync word 1001000100111 go
// before.

enum { PREAMBLE_BYTES = 11 };

void sfx_downlink_auth_block(const struct sfx_downlink *dl, uint8_t out[AES_BLOCK])
{
    for (unsigned i = 0; i < 4; i++)
        out[i] = (uint8_t)(dl->device_id >> 8 * i);
    out[4] = (uint8_t)dl->counter;
    out[5] = (uint8_t)(dl->counter >> 8 & 0x0F);
    memcpy(out + 6, dl->payload, SFX_DL_PAYLOAD);
    out[14] = out[0];
    out[15] = out[1];
}

static int make_tag(const struct sfx_downlink *dl, const struct sfx_signer *signer,
                    uint8_t tag[AES_BLOCK], struct err *err)
{
    uint8_t block[AES_BLOCK];
    sfx_downlink_auth_block(dl, block);
    return sfx_signer_chain(signer, block, 1, tag, err);
}

int sfx_downlink_sign_by(struct sfx_downlink *dl, const struct sfx_signer *signer, struct err *err)
{
    uint8_t tag[AES_BLOCK];
    int rc = make_tag(dl, signer, tag, err);
    if (rc == ERR_OK) memcpy(dl->tag, tag, SFX_DL_TAG);
    return rc;
}

int sfx_downlink_verify_by(const struct sfx_downlink *dl, const struct sfx_signer *signer,
                           struct err *err)
{
    uint8_t tag[AES_BLOCK];
    int rc = make_tag(dl, signer, tag, err);
    return rc < 0 ? rc : crypto_equal(tag, dl->tag, SFX_DL_TAG);
}

int sfx_downlink_sign(struct sfx_downlink *dl, const struct secret *key, struct err *err)
{
    return sfx_downlink_sign_by(dl, &(struct sfx_signer){.key = key}, err);
}

int sfx_downlink_verify(const struct sfx_downlink *dl, const struct secret *key, struct err *err)
{
    return sfx_downlink_verify_by(dl, &(struct sfx_signer){.key = key}, err);
}

void sfx_downlink_content(struct sfx_downlink *dl, uint8_t out[SFX_DL_CONTENT])
{
    memcpy(out, dl->payload, SFX_DL_PAYLOAD);
    memcpy(out + SFX_DL_PAYLOAD, dl->tag, SFX_DL_TAG);
    dl->crc = sfx_crc8(out, SFX_DL_CONTENT - 1);
    out[SFX_DL_CONTENT - 1] = dl->crc;
}

void sfx_downlink_plain_frame(struct sfx_downlink *dl, uint8_t out[SFX_DL_FRAME])
{
    sfx_downlink_content(dl, out + SFX_BCH_PARITY);
    sfx_bch_encode(out);
}

static void scramble(uint8_t frame[SFX_DL_FRAME], uint32_t device_id, unsigned counter)
{
    uint8_t sequence[SFX_SCRAMBLE_LEN];
    sfx_scramble_sequence(sfx_scramble_seed(device_id, counter), sequence);
    for (unsigned i = 0; i < SFX_DL_FRAME; i++)
        frame[i] ^= sequence[i];
}

void sfx_downlink_frame(struct sfx_downlink *dl, uint8_t out[SFX_DL_FRAME])
{
    sfx_downlink_plain_frame(dl, out);
    scramble(out, dl->device_id, dl->counter);
}

void sfx_downlink_on_air(const uint8_t frame[SFX_DL_FRAME], uint8_t out[SFX_DL_ON_AIR])
{
    memset(out, 0xAA, PREAMBLE_BYTES);
    out[PREAMBLE_BYTES] = 0xB2; // the preamble's last three bits and the sync word
    out[PREAMBLE_BYTES + 1] = 0x27;
    memcpy(out + PREAMBLE_BYTES + 2, frame, SFX_DL_FRAME);
}

bool sfx_downlink_decode(const uint8_t frame[SFX_DL_FRAME], struct sfx_downlink *dl,
                         unsigned *corrected)
{
    uint8_t word[SFX_DL_FRAME];
    memcpy(word, frame, sizeof word);
    scramble(word, dl->device_id, dl->counter);
    unsigned n = sfx_bch_correct(word);
    if (corrected) *corrected = n;
    const uint8_t *content = word + SFX_BCH_PARITY;
    memcpy(dl->payload, content, SFX_DL_PAYLOAD);
    memcpy(dl->tag, content + SFX_DL_PAYLOAD, SFX_DL_TAG);
    dl->crc = content[SFX_DL_CONTENT - 1];
    return sfx_crc8(content, SFX_DL_CONTENT - 1) == dl->crc;
}

int sfx_downlink_read(const uint8_t frame[SFX_DL_FRAME], struct sfx_downlink *dl,
                      const struct sfx_signer *signer, unsigned *corrected, struct err *err)
{
    if (!sfx_downlink_decode(frame, dl, corrected)) return SFX_DOWNLINK_BAD_CRC;
    int genuine = sfx_downlink_verify_by(dl, signer, err);
    if (genuine < 0) return genuine;
    return genuine ? SFX_DOWNLINK_OK : SFX_DOWNLINK_BAD_TAG;
}

const char *sfx_downlink_status_name(enum sfx_downlink_status status)
{
    switch (status) {
    case SFX_DOWNLINK_OK:
        return "ok";
    case SFX_DOWNLINK_BAD_CRC:
        return "bad_crc";
    case SFX_DOWNLINK_BAD_TAG:
        return "bad_tag";
    }
    return "unknown";
}

const char *sfx_downlink_status_text(enum sfx_downlink_status status)
{
    switch (status) {
#define STATUS(name, text)                                                                         \
    case SFX_DOWNLINK_##name:                                                                      \
        return text;
#include "bench/sfx/downlink_status.def"
#undef STATUS
    }
    return "unknown";
}
