#include "dut/firmware/frames.h"

#include <string.h>

#include "bench/sfx/mac.h"
#include "bench/sfx/scramble.h"

enum { KEY_LEN = 16, ONE_BLOCK_PAYLOAD = 10, SHORT_TAG = 2 };

static const uint8_t public_key[KEY_LEN] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                            0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
static const uint8_t test_key[KEY_LEN] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                          0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

int frames_public_key(struct secret *key, struct err *err)
{
    return secret_init(key, public_key, KEY_LEN, err);
}

// Most payload bytes in a frame of this class (protocol.md 2.1).
static size_t class_size(enum sfx_class class)
{
    static const size_t size[SFX_CLASSES] = {
        [SFX_CLASS_A] = 0, [SFX_CLASS_B] = 1,  [SFX_CLASS_C] = 4,
        [SFX_CLASS_D] = 8, [SFX_CLASS_E] = 12, [SFX_CLASS_CONTROL] = 8};
    return size[class];
}

static int frames_plan(struct sfx_uplink *up, const struct faults *faults, struct err *err)
{
    const bool padded = faults_on(faults, FAULT_AUTH_005) ||
                        (up->bidirectional && faults_on(faults, FAULT_UP_PADDED));
    int rc = sfx_uplink_plan(up, err);
    if (rc < 0) return rc;
    // In class A the two LI bits are the message itself, and its tag has 2 bytes anyway.
    if (padded && up->class != SFX_CLASS_A) {
        size_t size = class_size(up->class);
        memset(up->payload + up->payload_len, 0, size - up->payload_len);
        up->payload_len = size;
        up->li = 0;
        up->tag_len = SHORT_TAG;
    }
    return ERR_OK;
}

static int frames_choose_key(struct secret *key, const struct frames_signer *signer,
                             struct err *err)
{
    if (faults_on(signer->faults, FAULT_AUTH_008)) {
        uint8_t repeated[KEY_LEN];
        for (int i = 0; i < KEY_LEN; i++)
            repeated[i] = (uint8_t)(signer->id >> (24 - 8 * (i % 4)));
        return secret_init(key, repeated, KEY_LEN, err);
    }
    if (faults_on(signer->faults, FAULT_AUTH_007)) return secret_init(key, test_key, KEY_LEN, err);
    if (signer->public_key || faults_on(signer->faults, FAULT_AUTH_006))
        return frames_public_key(key, err);
    return secret_init(key, signer->key->data, signer->key->len, err);
}

// What the tag covers is the message itself, unless a fault shows it less, or another one.
static void frames_cover(struct sfx_uplink *covered, const struct faults *faults)
{
    if (faults_on(faults, FAULT_AUTH_001)) covered->payload_len = 0;
    if (faults_on(faults, FAULT_AUTH_002))
        covered->device_id = __builtin_bswap32(covered->device_id);
    if (faults_on(faults, FAULT_AUTH_003) && covered->payload_len > ONE_BLOCK_PAYLOAD)
        covered->payload_len = ONE_BLOCK_PAYLOAD;
    if (faults_on(faults, FAULT_AUTH_012)) covered->bidirectional = false;
}

// MUT-AUTH-004: what the input lacks to whole blocks is filled with zeros.
static int sign_zero_filled(struct sfx_uplink *covered, const struct secret *key, struct err *err)
{
    uint8_t input[SFX_MAC_MAX] = {0}, states[SFX_MAC_MAX];
    size_t blocks = (sfx_uplink_auth_input(covered, input) + AES_BLOCK - 1) / AES_BLOCK;
    int rc = sfx_mac(key, input, blocks * AES_BLOCK, states, err);
    if (rc >= 0) memcpy(covered->tag, states + (blocks - 1) * AES_BLOCK, covered->tag_len);
    return rc;
}

static int frames_sign(struct sfx_uplink *up, const struct frames_signer *signer, struct err *err)
{
    struct sfx_uplink covered = *up;
    frames_cover(&covered, signer->faults);
    strange_cover(signer->strange, signer->faults, &covered);
    struct secret key = {0};
    int rc = frames_choose_key(&key, signer, err);
    if (rc < 0) goto done;
    if (faults_on(signer->faults, FAULT_AUTH_004))
        rc = sign_zero_filled(&covered, &key, err);
    else
        rc = sfx_uplink_sign(&covered, &key, err);
    if (rc < 0) goto done;
    memcpy(up->tag, covered.tag, sizeof up->tag);
done:
    secret_deinit(&key);
    return rc;
}

static void whitening_stream(const struct frames_signer *signer, uint8_t out[SFX_PAYLOAD_MAX])
{
    uint8_t sequence[SFX_SCRAMBLE_LEN];
    sfx_scramble_sequence(sfx_scramble_seed(signer->id, 1), sequence);
    memcpy(out, sequence, SFX_PAYLOAD_MAX);
}

// x^16 + x^14 + x^13 + x^11 + 1, eight steps a byte; a register of zeros would stand still.
static void register_stream(uint16_t counter, uint8_t out[SFX_PAYLOAD_MAX])
{
    enum { TAPS = 0xb400, INSTEAD_OF_ZERO = 0xffff };
    unsigned state = counter ? counter : INSTEAD_OF_ZERO;
    for (size_t i = 0; i < SFX_PAYLOAD_MAX; i++) {
        for (int k = 0; k < 8; k++)
            state = state >> 1 ^ (state & 1 ? TAPS : 0);
        out[i] = (uint8_t)state;
    }
}

// Native encryption comes before the tag: bits, empty and control messages stay as they are.
static int frames_encrypt(struct sfx_uplink *up, const struct frames_signer *signer,
                          struct err *err)
{
    const struct faults *faults = signer->faults;
    if (!signer->native || faults_on(faults, FAULT_ENC_001)) return ERR_OK;
    if (strange_leaves_clear(signer->strange, faults, up)) return ERR_OK;
    bool whitens = faults_on(faults, FAULT_ENC_008);
    if (whitens || faults_on(faults, FAULT_ENC_012)) {
        uint8_t stream[SFX_PAYLOAD_MAX];
        if (whitens)
            whitening_stream(signer, stream);
        else
            register_stream(up->counter, stream);
        for (size_t i = 0; up->type == SFX_MESSAGE_BYTES && i < up->payload_len; i++)
            up->payload[i] ^= stream[i];
        return ERR_OK;
    }
    struct sfx_uplink seen = *up; // what the keystream is made for
    uint8_t rollover = faults_on(faults, FAULT_ENC_004) ? 0 : signer->rollover;
    if (faults_on(faults, FAULT_ENC_003)) seen.counter = 0;
    strange_seen(signer->strange, faults, &seen);
    int rc = sfx_native_uplink(signer->native, &seen, rollover, signer->key, err);
    uint8_t clear[SFX_PAYLOAD_MAX];
    memcpy(clear, up->payload, sizeof clear);
    memcpy(up->payload, seen.payload, sizeof up->payload);
    strange_uncover(faults, clear, up);
    return rc;
}

static size_t frames_packet_of_rank(const struct sfx_uplink *up, unsigned rank,
                                    const uint8_t clear[SFX_PAYLOAD_MAX],
                                    const struct faults *faults, uint8_t packet[SFX_PACKET_MAX])
{
    struct sfx_uplink sent = *up;
    if (rank == 3 && faults_on(faults, FAULT_AUTH_009)) memset(sent.tag, 0, sizeof sent.tag);
    if (rank == 3 && faults_on(faults, FAULT_ENC_002))
        memcpy(sent.payload, clear, sizeof sent.payload);
    return sfx_uplink_packet(&sent, packet);
}

// Preamble (19 bits) and frame type (13 bits) are the first four bytes.
static void frames_mark_rank(uint8_t frame[SFX_FRAME_MAX], unsigned rank,
                             const struct faults *faults)
{
    if (rank != 3 || !faults_on(faults, FAULT_JAM_010)) return;
    // Four bits or more from every code of the table, so that no receiver corrects it.
    const unsigned wrong = 0x1fea;
    frame[2] ^= (uint8_t)(wrong >> 8);
    frame[3] ^= (uint8_t)wrong;
}

int frames_build(struct frames *out, struct sfx_uplink *up, const struct frames_signer *signer,
                 struct err *err)
{
    up->device_id = signer->id;
    int rc = frames_plan(up, signer->faults, err);
    if (rc < 0) return rc;
    uint8_t clear[SFX_PAYLOAD_MAX];
    memcpy(clear, up->payload, sizeof clear);
    rc = frames_encrypt(up, signer, err);
    if (rc < 0) return rc;
    rc = frames_sign(up, signer, err);
    if (rc < 0) return rc;
    struct sfx_uplink second = *up; // of another payload
    if (up->bidirectional && up->payload_len > 0 && faults_on(signer->faults, FAULT_UP_RANK2)) {
        second.payload[0] ^= 0xff;
        rc = frames_sign(&second, signer, err);
        if (rc < 0) return rc;
    }
    for (unsigned rank = 1; rank <= SFX_RANKS; rank++) {
        uint8_t packet[SFX_PACKET_MAX];
        size_t len =
            frames_packet_of_rank(rank == 2 ? &second : up, rank, clear, signer->faults, packet);
        out->len = sfx_uplink_frame(up->class, rank, packet, len, out->frame[rank - 1]);
        frames_mark_rank(out->frame[rank - 1], rank, signer->faults);
    }
    return ERR_OK;
}
