// Vectors of kind downlink: payload to scrambled frame, and received frames to verdicts.
#include "bench/base/crypto.h"
#include "bench/cmd_vectors.h"
#include "bench/sfx/downlink.h"
#include "bench/sfx/scramble.h"

static void check_scrambling(struct vector *v, const struct sfx_downlink *dl)
{
    uint8_t sequence[SFX_SCRAMBLE_LEN];
    unsigned seed = sfx_scramble_seed(dl->device_id, dl->counter);
    sfx_scramble_sequence(seed, sequence);
    vector_expect_number(v, "lfsr_seed_raw", sfx_scramble_seed_raw(dl->device_id, dl->counter));
    vector_expect_number(v, "lfsr_seed", seed);
    vector_expect_hex(v, "prbs_hex", sequence, sizeof sequence);
}

static void check_encode(struct vector *v)
{
    if (!vector_open(v, "device_id key_hex message_counter payload_hex auth_block_hex "
                        "auth_full_hex auth_hex crc8_hex content_hex ecc_hex unscrambled_hex "
                        "lfsr_seed_raw lfsr_seed prbs_hex phy_hex onair_hex"))
        return;
    struct secret key;
    struct sfx_downlink dl = {.counter = (uint16_t)vector_number(v, "message_counter", 4095)};
    dl.device_id = vector_id(v);
    vector_key(v, "key_hex", &key);
    vector_hex(v, "payload_hex", dl.payload, sizeof dl.payload, sizeof dl.payload);

    uint8_t block[AES_BLOCK], full[AES_BLOCK], content[SFX_DL_CONTENT], frame[SFX_DL_FRAME],
        on_air[SFX_DL_ON_AIR];
    struct err e = {0};
    sfx_downlink_auth_block(&dl, block);
    vector_expect_hex(v, "auth_block_hex", block, sizeof block);
    if (vector_ok(v, "auth_full_hex", crypto_aes128_block(&key, block, full, &e), &e))
        vector_expect_hex(v, "auth_full_hex", full, sizeof full);
    if (vector_ok(v, "auth_hex", sfx_downlink_sign(&dl, &key, &e), &e))
        vector_expect_hex(v, "auth_hex", dl.tag, sizeof dl.tag);
    sfx_downlink_content(&dl, content);
    vector_expect_hex(v, "crc8_hex", &dl.crc, 1);
    vector_expect_hex(v, "content_hex", content, sizeof content);
    sfx_downlink_plain_frame(&dl, frame);
    vector_expect_hex(v, "ecc_hex", frame, 4);
    vector_expect_hex(v, "unscrambled_hex", frame, sizeof frame);
    check_scrambling(v, &dl);
    sfx_downlink_frame(&dl, frame);
    vector_expect_hex(v, "phy_hex", frame, sizeof frame);
    sfx_downlink_on_air(frame, on_air);
    vector_expect_hex(v, "onair_hex", on_air, sizeof on_air);
    secret_deinit(&key);
}

static void check_decode(struct vector *v)
{
    if (!vector_open(v, "device_id key_hex message_counter phy_hex expect")) return;
    struct secret key;
    struct sfx_downlink dl = {.counter = (uint16_t)vector_number(v, "message_counter", 4095)};
    uint8_t frame[SFX_DL_FRAME];
    unsigned corrected;
    struct err e = {0};
    dl.device_id = vector_id(v);
    vector_key(v, "key_hex", &key);
    vector_hex(v, "phy_hex", frame, sizeof frame, sizeof frame);
    const struct sfx_signer signer = {.key = &key};
    int status = sfx_downlink_read(frame, &dl, &signer, &corrected, &e);
    vector_ok(v, "key_hex", status, &e);
    int tag_ok = sfx_downlink_verify(&dl, &key, &e); // after a wrong CRC, too
    vector_ok(v, "key_hex", tag_ok, &e);
    if (vector_enter(v, jval_get(v->fields, "expect"), "expect.") &&
        vector_open(v, "codewords_corrected crc_ok auth_ok accept payload_after_ecc_hex")) {
        vector_expect_number(v, "codewords_corrected", corrected);
        vector_expect_bool(v, "crc_ok", status != SFX_DOWNLINK_BAD_CRC);
        vector_expect_bool(v, "auth_ok", tag_ok == 1);
        vector_expect_bool(v, "accept", status == SFX_DOWNLINK_OK);
        vector_expect_hex(v, "payload_after_ecc_hex", dl.payload, sizeof dl.payload);
    }
    secret_deinit(&key);
}

static const struct vector_list lists[] = {
    {"encode", check_encode}, {"decode", check_decode}, {NULL, NULL}};

const struct vector_kind vectors_downlink = {"downlink", lists};
