// The downlink frame: the worked example of protocol.md section 3, and what its code can mend. The
// public vectors run in bench/tests/test_cmd_vectors.c.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/rng.h"
#include "bench/sfx/bch.h"
#include "bench/sfx/cipher.h"
#include "bench/sfx/downlink.h"
#include "bench/sfx/scramble.h"

static void random_downlink(uint64_t n, struct sfx_downlink *dl, struct secret *key)
{
    const uint64_t stream = rng_key(n, "downlink");
    uint8_t raw[16];
    for (unsigned i = 0; i < sizeof raw; i++)
        raw[i] = (uint8_t)rng_u64(stream, i);
    assert_int_equal(secret_init(key, raw, sizeof raw, NULL), ERR_OK);
    *dl = (struct sfx_downlink){.device_id = (uint32_t)rng_u64(stream, 100),
                                .counter = rng_u64(stream, 101) & 0xFFF};
    for (unsigned i = 0; i < SFX_DL_PAYLOAD; i++)
        dl->payload[i] = (uint8_t)rng_u64(stream, 200 + i);
    assert_int_equal(sfx_downlink_sign(dl, key, NULL), ERR_OK);
}

static void assert_decodes(const uint8_t *frame, const struct sfx_downlink *sent,
                           const struct secret *key, unsigned corrections)
{
    struct sfx_downlink got = {.device_id = sent->device_id, .counter = sent->counter};
    unsigned corrected;
    assert_true(sfx_downlink_decode(frame, &got, &corrected));
    assert_int_equal(corrected, corrections);
    assert_memory_equal(got.payload, sent->payload, SFX_DL_PAYLOAD);
    assert_memory_equal(got.tag, sent->tag, SFX_DL_TAG);
    assert_int_equal(sfx_downlink_verify(&got, key, NULL), 1);
}

static void test_downlink_makes_the_worked_example(void **state)
{
    (void)state;
    static const uint8_t raw[16] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef,
                                    0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    struct secret key;
    struct sfx_downlink dl = {
        .device_id = 0xFEDCBA98, .counter = 1, .payload = {'0', '1', '2', '3', '4', '5', '6', '7'}};
    uint8_t frame[SFX_DL_FRAME];
    char text[2 * SFX_DL_FRAME + 1];
    assert_int_equal(secret_init(&key, raw, sizeof raw, NULL), ERR_OK);
    assert_int_equal(sfx_downlink_sign(&dl, &key, NULL), ERR_OK);
    sfx_downlink_frame(&dl, frame);
    hex_encode(frame, sizeof frame, text);
    assert_string_equal(text, "575a441c1dbad64aeea1a66bb4bc20");
    assert_decodes(frame, &dl, &key, 0);
    secret_deinit(&key);
}

static void test_downlink_mends_one_error_in_each_codeword(void **state)
{
    (void)state;
    for (uint64_t n = 0; n < 20; n++) {
        struct sfx_downlink dl;
        struct secret key;
        uint8_t frame[SFX_DL_FRAME];
        random_downlink(n, &dl, &key);
        sfx_downlink_frame(&dl, frame);
        for (unsigned bit = 0; bit < 8 * SFX_DL_FRAME; bit++) {
            frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_decodes(frame, &dl, &key, 1);
            frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        for (unsigned byte = 0; byte < SFX_DL_FRAME; byte++) { // a burst of eight
            frame[byte] ^= 0xFF;
            assert_decodes(frame, &dl, &key, 8);
            frame[byte] ^= 0xFF;
        }
        for (unsigned k = 0; k < 8; k++) // one in each codeword, all in different bytes
            frame[(k + n) % SFX_DL_FRAME] ^= (uint8_t)(1u << k);
        assert_decodes(frame, &dl, &key, 8);
        secret_deinit(&key);
    }
}

// Two errors in one codeword are beyond the code; whatever it makes of them must be refused unless
// payload, tag and CRC came out right.
static void test_downlink_never_accepts_a_wrong_payload(void **state)
{
    (void)state;
    struct sfx_downlink dl;
    struct secret key;
    uint8_t frame[SFX_DL_FRAME];
    unsigned refused = 0;
    random_downlink(77, &dl, &key);
    sfx_downlink_frame(&dl, frame);
    for (unsigned k = 0; k < 8; k++)
        for (unsigned a = 0; a < SFX_DL_FRAME; a++)
            for (unsigned b = a + 1; b < SFX_DL_FRAME; b++) {
                struct sfx_downlink got = {.device_id = dl.device_id, .counter = dl.counter};
                frame[a] ^= (uint8_t)(1u << k);
                frame[b] ^= (uint8_t)(1u << k);
                bool accepted = sfx_downlink_decode(frame, &got, NULL) &&
                                sfx_downlink_verify(&got, &key, NULL) == 1;
                if (accepted) assert_memory_equal(got.payload, dl.payload, SFX_DL_PAYLOAD);
                refused += !accepted;
                frame[a] ^= (uint8_t)(1u << k);
                frame[b] ^= (uint8_t)(1u << k);
            }
    // of the 105 pairs in a codeword only those that stay inside the four parity bits may pass
    assert_true(refused >= 8 * 99 && refused <= 8 * 105);
    secret_deinit(&key);
}

static void test_downlink_belongs_to_one_device_and_counter(void **state)
{
    (void)state;
    struct sfx_downlink dl;
    struct secret key;
    uint8_t frame[SFX_DL_FRAME];
    random_downlink(5, &dl, &key);
    dl.device_id |= 1; // odd, so that another counter means another start
    assert_int_equal(sfx_downlink_sign(&dl, &key, NULL), ERR_OK);
    sfx_downlink_frame(&dl, frame);
    for (unsigned other = 0; other < 4096; other++) {
        struct sfx_downlink got = {.device_id = dl.device_id, .counter = (uint16_t)other};
        bool accepted =
            sfx_downlink_decode(frame, &got, NULL) && sfx_downlink_verify(&got, &key, NULL) == 1;
        assert_int_equal(accepted, other == dl.counter);
    }
    secret_deinit(&key);
}

static void test_bch_agrees_with_polynomial_division(void **state)
{
    (void)state;
    for (unsigned message = 0; message < 1u << SFX_BCH_MESSAGE; message++) {
        uint8_t word[SFX_BCH_LEN] = {0};
        unsigned rest = message << SFX_BCH_PARITY;
        for (int x = SFX_BCH_LEN - 1; x >= SFX_BCH_PARITY; x--)
            if (rest >> x & 1) rest ^= 0x13u << (x - SFX_BCH_PARITY); // x^4 + x + 1
        for (unsigned j = SFX_BCH_PARITY; j < SFX_BCH_LEN; j++)
            word[j] = message >> (j - SFX_BCH_PARITY) & 1;
        sfx_bch_encode(word);
        for (unsigned i = 0; i < SFX_BCH_PARITY; i++)
            assert_int_equal(word[i], rest >> i & 1);
        assert_int_equal(sfx_bch_correct(word), 0);
    }
}

static void test_scramble_starts_as_the_rule_says(void **state)
{
    (void)state;
    uint8_t a[SFX_SCRAMBLE_LEN], b[SFX_SCRAMBLE_LEN];
    assert_int_equal(sfx_scramble_seed(0x200, 1), 511);
    assert_int_equal(sfx_scramble_seed_raw(0x200, 1), 0);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t r = rng_u64(9, i);
        uint32_t id = (uint32_t)r;
        unsigned counter = r >> 40 & 0xFFF;
        assert_int_equal(sfx_scramble_seed_raw(id, counter), (uint64_t)id * counter % 512);
    }
    sfx_scramble_sequence(3, a);
    sfx_scramble_sequence(4, b);
    assert_memory_not_equal(a, b, sizeof a);
}

static void test_cipher_is_its_own_inverse_and_bounded(void **state)
{
    (void)state;
    struct sfx_downlink dl;
    struct secret key;
    struct err e = {0};
    random_downlink(6, &dl, &key);
    const struct sfx_app_cipher c = {.device_id = dl.device_id, .sequence = 300, .nonce = 7};
    uint8_t data[17] = {1, 2, 3}, was[17];
    memcpy(was, data, sizeof was);
    assert_int_equal(sfx_app_cipher_apply(&c, &key, data, 16, NULL), ERR_OK);
    assert_memory_not_equal(data, was, 16);
    assert_int_equal(sfx_app_cipher_apply(&c, &key, data, 16, NULL), ERR_OK);
    assert_memory_equal(data, was, sizeof was);
    assert_int_equal(sfx_app_cipher_apply(&c, &key, data, 17, &e), ERR_LIMIT);
    assert_non_null(strstr(e.text, "at most 16 bytes, got 17"));
    secret_deinit(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_downlink_makes_the_worked_example),
        cmocka_unit_test(test_downlink_mends_one_error_in_each_codeword),
        cmocka_unit_test(test_downlink_never_accepts_a_wrong_payload),
        cmocka_unit_test(test_downlink_belongs_to_one_device_and_counter),
        cmocka_unit_test(test_bch_agrees_with_polynomial_division),
        cmocka_unit_test(test_scramble_starts_as_the_rule_says),
        cmocka_unit_test(test_cipher_is_its_own_inverse_and_bounded),
    };
    return cmocka_run_group_tests_name("sfx/downlink", tests, NULL, NULL);
}
