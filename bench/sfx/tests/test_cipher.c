// The ciphers against the openssl program, which knows nothing of our blocks: the test writes them
// by hand from protocol.md section 6.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/sfx/cipher.h"

static const char key_hex[] = "0123456789abcdef0123456789abcdef";

static void make_key(struct secret *key)
{
    uint8_t raw[AES_BLOCK];
    assert_int_equal(hex_decode(key_hex, raw, sizeof raw, NULL), AES_BLOCK);
    assert_int_equal(secret_init(key, raw, sizeof raw, NULL), ERR_OK);
}

// One block under a key, by `openssl enc`: AES-128-CBC with a zero IV. All in hexadecimal.
static void openssl_cbc(const char *key, const char *block, char out[33])
{
    char octal[4 * AES_BLOCK + 1], command[512];
    uint8_t raw[AES_BLOCK];
    assert_int_equal(hex_decode(block, raw, sizeof raw, NULL), AES_BLOCK);
    for (unsigned i = 0; i < AES_BLOCK; i++)
        snprintf(octal + 4 * i, sizeof octal - 4 * i, "\\%03o", raw[i]);
    snprintf(command, sizeof command,
             "printf '%s' | openssl enc -aes-128-cbc -nopad -K %s "
             "-iv 00000000000000000000000000000000 | od -An -v -tx1 | tr -d ' \\n'",
             octal, key);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    assert_int_equal(fread(out, 1, 32, p), 32);
    out[32] = '\0';
    assert_int_equal(pclose(p), 0);
}

// Zeros encrypted are the keystream.
static void assert_keystream(const struct sfx_native_message *m, const char *block)
{
    struct secret key;
    char session[33], expected[33], got[33];
    uint8_t data[SFX_PAYLOAD_MAX] = {0};
    const size_t len = m->direction == SFX_DIRECTION_DOWN ? 8 : 12;
    make_key(&key);
    openssl_cbc(key_hex, "00000000000000000000000000000000", session);
    openssl_cbc(session, block, expected);
    assert_int_equal(sfx_native_apply(sfx_native_assumed(), m, &key, data, len, NULL), ERR_OK);
    hex_encode(data, len, got);
    expected[2 * len] = '\0';
    assert_string_equal(got, expected);
    secret_deinit(&key);
}

static void test_native_keystream_is_what_openssl_gives(void **state)
{
    (void)state;
    assert_keystream(&(struct sfx_native_message){0xFEDCBA98, 0x123, 0, SFX_DIRECTION_UP},
                     "98badcfe230100000000000000000000");
    assert_keystream(&(struct sfx_native_message){0xFEDCBA98, 0xFFF, 0xA5, SFX_DIRECTION_UP},
                     "98badcfeff0fa5000000000000000000");
    assert_keystream(&(struct sfx_native_message){0x00000001, 0, 255, SFX_DIRECTION_DOWN},
                     "010000000000ff010000000000000000");
}

static void test_native_session_key_is_not_the_device_key(void **state)
{
    (void)state;
    struct secret key, session;
    char expected[33], got[33];
    make_key(&key);
    assert_int_equal(sfx_native_session_key(sfx_native_assumed(), &key, &session, NULL), ERR_OK);
    openssl_cbc(key_hex, "00000000000000000000000000000000", expected);
    hex_encode(session.data, session.len, got);
    assert_string_equal(got, expected);
    assert_false(secret_equal(&key, &session));
    secret_deinit(&session);
    secret_deinit(&key);
}

static void test_native_profiles_are_data(void **state)
{
    (void)state;
    assert_ptr_equal(sfx_native_find("bench-assumed-1"), sfx_native_assumed());
    assert_true(sfx_native_assumed()->assumed);
    assert_null(sfx_native_find("bench-assumed-2"));

    const struct sfx_native_profile other = {.name = "other",
                                             .key_block = {1, 2, 3},
                                             .count_block = {[0] = 0xE0, [15] = 0x0F},
                                             .id_at = 10,
                                             .counter_at = 1,
                                             .rollover_at = 4,
                                             .direction_at = 3};
    const struct sfx_native_message m = {0x11223344, 0x567, 0x89, SFX_DIRECTION_DOWN};
    struct secret key, session;
    uint8_t block[AES_BLOCK], data[8] = {0};
    char text[33], session_hex[33], expected[33];
    make_key(&key);
    sfx_native_block(&other, &m, block);
    hex_encode(block, sizeof block, text);
    assert_string_equal(text, "e067050189000000000044332211000f");
    assert_int_equal(sfx_native_session_key(&other, &key, &session, NULL), ERR_OK);
    openssl_cbc(key_hex, "01020300000000000000000000000000", session_hex);
    openssl_cbc(session_hex, text, expected);
    assert_int_equal(sfx_native_apply(&other, &m, &key, data, 8, NULL), ERR_OK);
    hex_encode(data, 8, text);
    assert_memory_equal(text, expected, 16);
    secret_deinit(&session);
    secret_deinit(&key);
}

static void test_native_refuses_wrong_sizes(void **state)
{
    (void)state;
    static const struct {
        enum sfx_direction direction;
        unsigned counter;
        size_t len;
        const char *said;
    } bad[] = {
        {SFX_DIRECTION_UP, 1, 0, "got 0"},        {SFX_DIRECTION_UP, 1, 13, "got 13"},
        {SFX_DIRECTION_UP, 1, 16, "got 16"},      {SFX_DIRECTION_DOWN, 1, 7, "got 7"},
        {SFX_DIRECTION_DOWN, 1, 9, "got 9"},      {SFX_DIRECTION_DOWN, 1, 0, "got 0"},
        {SFX_DIRECTION_UP, 4096, 12, "got 4096"},
    };
    struct secret key;
    make_key(&key);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct sfx_native_message m = {.counter = (uint16_t)bad[i].counter,
                                             .direction = bad[i].direction};
        uint8_t data[16] = "left as it is..", before[16];
        struct err e = {0};
        memcpy(before, data, sizeof data);
        assert_int_equal(sfx_native_apply(sfx_native_assumed(), &m, &key, data, bad[i].len, &e),
                         ERR_INVALID);
        if (!strstr(e.text, bad[i].said)) fail_msg("\"%s\" lacks \"%s\"", e.text, bad[i].said);
        assert_memory_equal(data, before, sizeof data);
    }
    for (unsigned len = 0; len <= 32; len += 8) {
        if (len == 16) continue;
        struct secret odd = {.len = len};
        const struct sfx_native_message m = {.counter = 1};
        uint8_t data[4] = {0};
        struct err e = {0};
        assert_int_equal(sfx_native_apply(sfx_native_assumed(), &m, &odd, data, 4, &e),
                         ERR_INVALID);
        assert_non_null(strstr(e.text, "16 bytes"));
    }
    secret_deinit(&key);
}

// Bit, empty and control messages are not encrypted; payload bytes are, and come back.
static void test_native_uplink_messages(void **state)
{
    (void)state;
    static const enum sfx_message_type plain[] = {
        SFX_MESSAGE_EMPTY,           SFX_MESSAGE_BIT0,   SFX_MESSAGE_BIT1, SFX_MESSAGE_KEEP_ALIVE,
        SFX_MESSAGE_DL_CONFIRMATION, SFX_MESSAGE_CONTROL};
    const struct sfx_native_profile *p = sfx_native_assumed();
    struct secret key;
    make_key(&key);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        struct sfx_uplink up = {.type = plain[i], .payload = {0x09, 1, 2}, .payload_len = 3};
        const struct sfx_uplink before = up;
        assert_int_equal(sfx_native_uplink(p, &up, 0, &key, NULL), 0);
        assert_memory_equal(up.payload, before.payload, sizeof up.payload);
    }
    for (size_t len = 1; len <= SFX_PAYLOAD_MAX; len++) {
        struct sfx_uplink up = {
            .type = SFX_MESSAGE_BYTES, .counter = 7, .device_id = 0x1234, .payload_len = len};
        assert_int_equal(sfx_native_uplink(p, &up, 3, &key, NULL), 1);
        uint8_t zeros[SFX_PAYLOAD_MAX] = {0};
        assert_memory_not_equal(up.payload, zeros, len);
        assert_memory_equal(up.payload + len, zeros, SFX_PAYLOAD_MAX - len);
        assert_int_equal(sfx_native_uplink(p, &up, 3, &key, NULL), 1);
        assert_memory_equal(up.payload, zeros, len);
    }
    secret_deinit(&key);
}

static void test_app_refuses_wrong_sizes(void **state)
{
    (void)state;
    struct secret key, odd = {.len = 15};
    const struct sfx_app_cipher c = {.device_id = 1};
    uint8_t data[17] = {0};
    struct err e = {0};
    make_key(&key);
    assert_int_equal(sfx_app_cipher_apply(&c, &key, data, 17, &e), ERR_LIMIT);
    assert_non_null(strstr(e.text, "got 17"));
    assert_int_equal(sfx_app_cipher_apply(&c, &odd, data, 16, &e), ERR_INVALID);
    assert_int_equal(sfx_app_cipher_apply(&c, &key, data, 0, &e), ERR_OK);
    secret_deinit(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_native_keystream_is_what_openssl_gives),
        cmocka_unit_test(test_native_session_key_is_not_the_device_key),
        cmocka_unit_test(test_native_profiles_are_data),
        cmocka_unit_test(test_native_refuses_wrong_sizes),
        cmocka_unit_test(test_native_uplink_messages),
        cmocka_unit_test(test_app_refuses_wrong_sizes),
    };
    return cmocka_run_group_tests_name("sfx/cipher", tests, NULL, NULL);
}
