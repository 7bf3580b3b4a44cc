// Fuzzes the downlink decoder with received frames: ID (4 bytes), counter (2), frame (15), and 8
// bytes that say where to damage a genuine one. What the decoder corrects must be what it counts,
// and a genuine frame with one wrong bit in each codeword is always read.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sfx/bch.h"
#include "bench/sfx/downlink.h"
#include "bench/sfx/scramble.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ID_AT = 0, COUNTER_AT = 4, FRAME_AT = 6, DAMAGE_AT = FRAME_AT + SFX_DL_FRAME, COLUMNS = 8 };

static void demand(bool truth)
{
    if (!truth) abort();
}

// How many of the eight codewords differ; no codeword may differ in more than one bit.
static unsigned changed_columns(const uint8_t *a, const uint8_t *b)
{
    uint8_t seen = 0;
    for (unsigned i = 0; i < SFX_DL_FRAME; i++) {
        uint8_t changed = a[i] ^ b[i];
        demand((seen & changed) == 0);
        seen |= changed;
    }
    return (unsigned)__builtin_popcount(seen);
}

// The frame that was corrected to `dl`, made again from its content.
static void frame_of(const struct sfx_downlink *dl, uint8_t out[SFX_DL_FRAME])
{
    uint8_t sequence[SFX_SCRAMBLE_LEN];
    memcpy(out + SFX_BCH_PARITY, dl->payload, SFX_DL_PAYLOAD);
    memcpy(out + SFX_BCH_PARITY + SFX_DL_PAYLOAD, dl->tag, SFX_DL_TAG);
    out[SFX_DL_FRAME - 1] = dl->crc;
    sfx_bch_encode(out);
    sfx_scramble_sequence(sfx_scramble_seed(dl->device_id, dl->counter), sequence);
    for (unsigned i = 0; i < SFX_DL_FRAME; i++)
        out[i] ^= sequence[i];
}

static void check_received(const uint8_t *frame, struct sfx_downlink dl,
                           const struct sfx_signer *signer)
{
    uint8_t again[SFX_DL_FRAME];
    unsigned corrected;
    int status = sfx_downlink_read(frame, &dl, signer, &corrected, NULL);
    demand(status >= 0 && corrected <= COLUMNS);
    frame_of(&dl, again);
    demand(changed_columns(frame, again) == corrected);
    if (status != SFX_DOWNLINK_BAD_CRC) {
        struct sfx_downlink copy = dl;
        sfx_downlink_frame(&copy, again);
        demand(copy.crc == dl.crc && changed_columns(frame, again) == corrected);
    }
}

static void check_genuine(const uint8_t *payload, const uint8_t *damage, struct sfx_downlink dl,
                          const struct sfx_signer *signer)
{
    uint8_t frame[SFX_DL_FRAME];
    unsigned corrected, damaged = 0;
    memcpy(dl.payload, payload, SFX_DL_PAYLOAD);
    demand(sfx_downlink_sign_by(&dl, signer, NULL) == ERR_OK);
    sfx_downlink_frame(&dl, frame);
    for (unsigned k = 0; k < COLUMNS; k++) {
        unsigned at = damage[k] & 0x0F; // 15: this codeword stays whole
        if (at == SFX_DL_FRAME) continue;
        frame[at] ^= (uint8_t)(1u << k);
        damaged++;
    }
    struct sfx_downlink got = {.device_id = dl.device_id, .counter = dl.counter};
    demand(sfx_downlink_read(frame, &got, signer, &corrected, NULL) == SFX_DOWNLINK_OK);
    demand(corrected == damaged && memcmp(got.payload, payload, SFX_DL_PAYLOAD) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    // FIPS 197, A.1; which key it is does not matter here
    static const struct secret key = {.len = 16,
                                      .data = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab,
                                               0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c}};
    const struct sfx_signer signer = {.key = &key};
    if (size < DAMAGE_AT + COLUMNS) return 0;
    struct sfx_downlink dl = {.counter = (uint16_t)((data[COUNTER_AT] << 8 | data[5]) & 0xFFF)};
    for (unsigned i = 0; i < 4; i++)
        dl.device_id = dl.device_id << 8 | data[ID_AT + i];
    check_received(data + FRAME_AT, dl, &signer);
    check_genuine(data + FRAME_AT, data + DAMAGE_AT, dl, &signer);
    return 0;
}
