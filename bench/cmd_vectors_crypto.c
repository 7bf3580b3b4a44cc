// Vectors of kind crypto: the primitives under both frames.
#include <string.h>

#include "bench/base/crypto.h"
#include "bench/cmd_vectors.h"
#include "bench/sfx/bch.h"
#include "bench/sfx/cipher.h"
#include "bench/sfx/coding.h"
#include "bench/sfx/counter.h"
#include "bench/sfx/crc.h"
#include "bench/sfx/mac.h"
#include "bench/sfx/scramble.h"

enum { DATA_MAX = 256, BITS_MAX = 1024 };

static void check_block_cipher(struct vector *v)
{
    if (!vector_open(v, "key_hex plain_hex cipher_hex")) return;
    struct secret key;
    uint8_t plain[AES_BLOCK], cipher[AES_BLOCK];
    struct err e = {0};
    vector_key(v, "key_hex", &key);
    vector_hex(v, "plain_hex", plain, sizeof plain, sizeof plain);
    if (vector_ok(v, "cipher_hex", crypto_aes128_block(&key, plain, cipher, &e), &e))
        vector_expect_hex(v, "cipher_hex", cipher, sizeof cipher);
    secret_deinit(&key);
}

static void check_mac(struct vector *v)
{
    if (!vector_open(v, "key_hex input_hex blocks_hex states_hex mac_hex")) return;
    struct secret key;
    uint8_t input[SFX_MAC_MAX], blocks[SFX_MAC_MAX], states[SFX_MAC_MAX];
    struct err e = {0};
    vector_key(v, "key_hex", &key);
    size_t len = vector_hex(v, "input_hex", input, 1, sizeof input);
    size_t n = sfx_mac_pad(input, len, blocks);
    vector_expect_hex_list(v, "blocks_hex", blocks, AES_BLOCK, n);
    if (vector_ok(v, "states_hex", sfx_mac(&key, input, len, states, &e), &e)) {
        vector_expect_hex_list(v, "states_hex", states, AES_BLOCK, n);
        vector_expect_hex(v, "mac_hex", states + (n - 1) * AES_BLOCK, AES_BLOCK);
    }
    secret_deinit(&key);
}

static void check_crc16(struct vector *v)
{
    if (!vector_open(v, "data_hex crc_hex")) return;
    uint8_t data[DATA_MAX];
    uint16_t crc = sfx_crc16(data, vector_hex(v, "data_hex", data, 0, sizeof data));
    const uint8_t bytes[2] = {(uint8_t)(crc >> 8), (uint8_t)crc};
    vector_expect_hex(v, "crc_hex", bytes, sizeof bytes);
}

static void check_crc8(struct vector *v)
{
    if (!vector_open(v, "data_hex crc_hex")) return;
    uint8_t data[DATA_MAX];
    uint8_t crc = sfx_crc8(data, vector_hex(v, "data_hex", data, 0, sizeof data));
    vector_expect_hex(v, "crc_hex", &crc, 1);
}

// Both ways: what was coded must also be undone.
static void check_convolution(struct vector *v)
{
    if (!vector_open(v, "input_hex rank2_hex rank3_hex")) return;
    uint8_t input[DATA_MAX], coded[DATA_MAX];
    size_t len = vector_hex(v, "input_hex", input, 1, sizeof input);
    for (unsigned rank = 2; rank <= 3; rank++) {
        sfx_replica_encode(rank, input, len, coded);
        vector_expect_hex(v, rank == 2 ? "rank2_hex" : "rank3_hex", coded, len);
        sfx_replica_decode(rank, coded, len, coded);
        vector_expect_hex(v, "input_hex", coded, len);
    }
}

static void check_bch(struct vector *v)
{
    if (!vector_open(v, "message_bits parity_bits")) return;
    uint8_t packed[2], word[SFX_BCH_LEN] = {0};
    size_t n = vector_bits(v, "message_bits", packed, SFX_BCH_MESSAGE);
    if (n != SFX_BCH_MESSAGE)
        vector_fail(v, "message_bits", "11 bits", vector_text(v, "message_bits"));
    for (size_t i = 0; i < n; i++)
        word[SFX_BCH_PARITY + i] = (uint8_t)sfx_bit(packed, i);
    sfx_bch_encode(word);
    vector_expect_digits(v, "parity_bits", word, SFX_BCH_PARITY);
}

static void check_scrambling(struct vector *v)
{
    if (!vector_open(v, "device_id message_counter seed_before_zero_rule register_start prbs_hex"))
        return;
    uint8_t sequence[SFX_SCRAMBLE_LEN];
    uint32_t id = vector_id(v);
    unsigned counter = (unsigned)vector_number(v, "message_counter", 4095);
    vector_expect_number(v, "seed_before_zero_rule", sfx_scramble_seed_raw(id, counter));
    vector_expect_number(v, "register_start", sfx_scramble_seed(id, counter));
    sfx_scramble_sequence(sfx_scramble_seed(id, counter), sequence);
    vector_expect_hex(v, "prbs_hex", sequence, sizeof sequence);
}

static void check_phase_states(struct vector *v)
{
    if (!vector_open(v, "bits states")) return;
    uint8_t packed[BITS_MAX / 8], states[BITS_MAX + 1];
    size_t n = vector_bits(v, "bits", packed, BITS_MAX);
    sfx_phase_states(packed, n, states);
    vector_expect_digits(v, "states", states, n + 1);
}

static void check_app_cipher(struct vector *v)
{
    if (!vector_open(v, "device_id sequence nonce shared_24bit_hex key_hex counter_block_hex "
                        "plain_hex cipher_hex"))
        return;
    struct secret key;
    struct sfx_app_cipher c = {.sequence = (uint16_t)vector_number(v, "sequence", 0xFFFF),
                               .nonce = (uint8_t)vector_number(v, "nonce", 0xFF)};
    uint8_t block[AES_BLOCK], data[AES_BLOCK];
    struct err e = {0};
    c.device_id = vector_id(v);
    vector_hex(v, "shared_24bit_hex", c.shared, sizeof c.shared, sizeof c.shared);
    vector_key(v, "key_hex", &key);
    size_t len = vector_hex(v, "plain_hex", data, 0, sizeof data);
    sfx_app_cipher_block(&c, block);
    vector_expect_hex(v, "counter_block_hex", block, sizeof block);
    if (vector_ok(v, "cipher_hex", sfx_app_cipher_apply(&c, &key, data, len, &e), &e))
        vector_expect_hex(v, "cipher_hex", data, len);
    secret_deinit(&key);
}

static void check_window(struct vector *v)
{
    if (!vector_open(v, "last received messages_per_day window accept rollover")) return;
    unsigned last = (unsigned)vector_number(v, "last", 4095);
    unsigned received = (unsigned)vector_number(v, "received", 4095);
    unsigned modulus = (unsigned)vector_number(v, "rollover", SFX_COUNTER_MODULUS_MAX);
    unsigned window = sfx_counter_window((unsigned)vector_number(v, "messages_per_day", 10000));
    if (!sfx_counter_modulus_ok(modulus)) {
        vector_fail(v, "rollover", "128, 256, 512, 1024, 2048 or 4096", "another number");
        return;
    }
    vector_expect_number(v, "window", window);
    vector_expect_bool(v, "accept", sfx_counter_accept(last, received, modulus, window));
}

static const struct vector_list lists[] = {{"aes128_ecb", check_block_cipher},
                                           {"cbc_mac_wrap_padding", check_mac},
                                           {"crc16", check_crc16},
                                           {"crc8", check_crc8},
                                           {"convolution", check_convolution},
                                           {"bch_15_11", check_bch},
                                           {"downlink_prbs", check_scrambling},
                                           {"dbpsk", check_phase_states},
                                           {"app_aes_ctr", check_app_cipher},
                                           {"counter_window", check_window},
                                           {NULL, NULL}};

const struct vector_kind vectors_crypto = {"crypto", lists};
