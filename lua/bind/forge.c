#include "lua/bind/forge.h"

#include <string.h>

#include "bench/base/secret.h"

enum { COUNTER_BITS = 0x0fff, KEY_LEN = 16 };

static const char *const key_names[FORGE_KEYS] = {
    "own", "public", "test", "zeros", "ones", "reversed", "neighbour",
};

// Both are constants of the public library.
static const uint8_t public_key[KEY_LEN] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                            0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
static const uint8_t test_key[KEY_LEN] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                          0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};

const char *forge_key_name(enum forge_key key)
{
    return key_names[key];
}

uint16_t forge_counter(const struct forge_counter *f, uint16_t counter)
{
    int turned = f->swap ? counter << 8 | counter >> 8 : counter;
    uint16_t c = (uint16_t)((turned & 0xffff & ~f->clear) ^ f->flip);
    return (uint16_t)((c & ~COUNTER_BITS) | ((c + f->add) & COUNTER_BITS));
}

bool forge_can_sign(const struct forge_tools *tools, enum forge_key key)
{
    if (key == FORGE_KEY_REVERSED) return tools->key && tools->key->len == KEY_LEN;
    if (key == FORGE_KEY_NEIGHBOUR) return tools->neighbour.key || tools->neighbour.token;
    return true;
}

// The test key stands there already.
static void fill_key(enum forge_key key, const struct forge_tools *tools, uint8_t out[KEY_LEN])
{
    if (key == FORGE_KEY_PUBLIC) memcpy(out, public_key, KEY_LEN);
    if (key == FORGE_KEY_ZEROS) memset(out, 0, KEY_LEN);
    if (key == FORGE_KEY_ONES) memset(out, 0xff, KEY_LEN);
    if (key == FORGE_KEY_REVERSED)
        for (int i = 0; i < KEY_LEN; i++)
            out[i] = tools->key->data[KEY_LEN - 1 - i];
}

// All 16 bits of the counter go into the tag, of which a genuine one leaves four zero.
static int sign_with(const struct sfx_signer *signer, struct sfx_downlink *dl, struct err *err)
{
    uint8_t block[AES_BLOCK];
    sfx_downlink_auth_block(dl, block);
    block[5] = (uint8_t)(dl->counter >> 8);
    int rc = sfx_signer_chain(signer, block, 1, block, err);
    if (rc == ERR_OK) memcpy(dl->tag, block, SFX_DL_TAG);
    return rc;
}

static int sign(enum forge_key key, const struct forge_tools *tools, struct sfx_downlink *dl,
                struct err *err)
{
    if (!forge_can_sign(tools, key))
        return err_set(err, ERR_UNSUPPORTED,
                       "no downlink can be signed under the key '%s' here: %s", key_names[key],
                       key == FORGE_KEY_REVERSED
                           ? "the device's key lies in a token, which never gives it away"
                           : "the device file names no sample with a key");
    if (key == FORGE_KEY_OWN) return sign_with(&tools->own, dl, err);
    if (key == FORGE_KEY_NEIGHBOUR) return sign_with(&tools->neighbour, dl, err);
    struct secret secret = {0};
    int rc = secret_init(&secret, test_key, sizeof test_key, err);
    if (rc == ERR_OK) fill_key(key, tools, secret.data);
    if (rc == ERR_OK) rc = sign_with(&(struct sfx_signer){.key = &secret}, dl, err);
    secret_deinit(&secret);
    return rc;
}

static int encrypt(const struct forge_tools *tools, struct sfx_downlink *dl, struct err *err)
{
    const struct sfx_native_message m = {
        .device_id = dl->device_id,
        .counter = dl->counter & COUNTER_BITS,
        .rollover = tools->rollover,
        .direction = SFX_DIRECTION_DOWN,
    };
    return sfx_native_apply_by(tools->cipher, &m, &tools->own, dl->payload, sizeof dl->payload,
                               err);
}

// Encrypts and signs, in the order of the device's cipher.
static int seal(const struct forge *f, const struct forge_tools *tools, struct sfx_downlink *dl,
                struct err *err)
{
    const uint32_t id = dl->device_id;
    const struct sfx_native_profile *cipher = tools->cipher;
    int rc = ERR_OK;
    if (cipher && cipher->order == SFX_TAG_OVER_CIPHER) rc = encrypt(tools, dl, err);
    if (f->other_id) dl->device_id = f->id;
    if (rc == ERR_OK) rc = sign(f->key, tools, dl, err);
    dl->device_id = id;
    if (rc == ERR_OK && cipher && cipher->order == SFX_TAG_OVER_CLEAR) rc = encrypt(tools, dl, err);
    return rc;
}

static void swap_tag(struct sfx_downlink *dl)
{
    const uint8_t first = dl->tag[0];
    dl->tag[0] = dl->tag[1];
    dl->tag[1] = first;
    if (dl->tag[0] == first) dl->tag[0] ^= 1; // else it would be the genuine one
}

int forge_frame(const struct forge *f, const struct forge_tools *tools, struct sfx_downlink *dl,
                uint8_t frame[SFX_DL_FRAME], bool *genuine, struct err *err)
{
    static const struct forge nothing;
    const uint16_t asked = dl->counter;
    struct sfx_downlink right = *dl;
    uint8_t right_frame[SFX_DL_FRAME];
    int rc = seal(&nothing, tools, &right, err);
    if (rc < 0) return rc;
    sfx_downlink_frame(&right, right_frame);

    dl->counter = forge_counter(&f->counter, asked);
    rc = seal(f, tools, dl, err);
    if (rc < 0) return rc;
    for (int i = 0; i < SFX_DL_PAYLOAD; i++)
        dl->payload[i] ^= f->payload_flip[i];
    if (f->tag_swap) swap_tag(dl);
    for (int i = 0; i < SFX_DL_TAG; i++)
        dl->tag[i] ^= f->tag_flip[i];
    if (f->rewhiten) dl->counter = asked;
    sfx_downlink_frame(dl, frame);
    *genuine = memcmp(frame, right_frame, SFX_DL_FRAME) == 0;
    return ERR_OK;
}
