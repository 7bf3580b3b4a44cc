// The weak-key search finds keys of every family. The expected keys were computed with Python's
// hashlib, zlib and binascii, not with this project's code.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/sfx/weakkey.h"

static const uint8_t pac[WEAKKEY_PAC_LEN] = {0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6, 0x07, 0x18};
static const char *const maker_words[] = {"acme", NULL};
static const struct weakkey_subject subject = {
    .id = 0x0BADCAFE, .pac = pac, .serial = "SN-000123", .words = maker_words};

enum { CAPTURES = 3 };

static void capture(const uint8_t *key_bytes, struct weakkey_capture out[CAPTURES])
{
    static const size_t lengths[CAPTURES] = {12, 1, 4}; // two blocks, one, one
    struct secret key;
    assert_int_equal(secret_init(&key, key_bytes, 16, NULL), ERR_OK);
    for (unsigned i = 0; i < CAPTURES; i++) {
        struct sfx_uplink up = {.type = SFX_MESSAGE_BYTES,
                                .device_id = subject.id,
                                .counter = (uint16_t)(100 + i),
                                .payload = {0x40, 0x41, 0x42, 0x43},
                                .payload_len = lengths[i]};
        assert_int_equal(sfx_uplink_plan(&up, NULL), ERR_OK);
        assert_int_equal(sfx_uplink_sign(&up, &key, NULL), ERR_OK);
        weakkey_capture_from(&up, &out[i]);
    }
    secret_deinit(&key);
}

static void search(const uint8_t *key, struct weakkey_result *r)
{
    struct weakkey_capture captures[CAPTURES];
    capture(key, captures);
    assert_int_equal(weakkey_search(&subject, captures, CAPTURES, NULL, NULL, r, NULL), ERR_OK);
}

struct sample {
    const char *key_hex, *family, *recipe;
};

static const struct sample samples[] = {
    {"00112233445566778899aabbccddeeff", "public key", "the library's public key"},
    {"0123456789abcdef0123456789abcdef", "public key", "the library's test key"},
    {"00000000000000000000000000000000", "public key", "all bytes 00"},
    {"ffffffffffffffffffffffffffffffff", "public key", "all bytes FF"},
    {"000102030405060708090a0b0c0d0e0f", "public key", "FIPS-197"},
    {"0badcafe0badcafe0badcafe0badcafe", "label repeated", "ID repeated"},
    {"fecaad0bfecaad0bfecaad0bfecaad0b", "label repeated", "ID, low byte first repeated"},
    {"a1b2c3d4e5f60718a1b2c3d4e5f60718", "label repeated", "PAC repeated"},
    {"1807f6e5d4c3b2a11807f6e5d4c3b2a1", "label repeated", "PAC, low byte first repeated"},
    {"30424144434146453042414443414645", "label repeated", "ID in capital hex digits"},
    {"534e2d30303031323300000000000000", "label padded", "serial number, then bytes 00"},
    {"534e2d303030313233534e2d30303031", "label repeated", "serial number repeated"},
    {"0000000000000000000000000badcafe", "label padded", "bytes 00, then ID"},
    {"95ffddddc0845d3b51cd14da0f6691aa", "hash of the label",
     "first 16 bytes of SHA-256 over \"vendor\" and ID in capital hex digits"},
    {"eb8b1736dbcc1576dab7717bc08c337f", "hash of the label",
     "first 16 bytes of SHA-256 over \"vendor\" and ID"},
    {"e911c9446314ac500532a6b9451955e1", "hash of the label",
     "first 16 bytes of MD5 over ID in small hex digits"},
    {"1597818c053e99e8bfb51134cb95240b", "hash of the label", "last 16 bytes of SHA-1 over PAC"},
    {"3e42f5bd6b1f72960d4df863b8ed5381", "hash of the label",
     "first 16 bytes of MD5 over \"acme:\" and ID in capital hex digits"},
    {"4cf576f14cf576f14cf576f14cf576f1", "CRC of the label", "CRC-32 over ID, repeated"},
    {"fe6afe6afe6afe6afe6afe6afe6afe6a", "CRC of the label", "CRC-16 over PAC, repeated"},
    {"cf54cf54cf54cf54cf54cf54cf54cf54", "CRC of the label", "CRC-16 over PAC, repeated"},
    {"a5a4a3a2a1a09f9e9d9c9b9a99989796", "counting pattern", "fixed step"},
    {"c0dec0dec0dec0dec0dec0dec0dec0de", "repeated word", "repeated eight times"},
    {"cbad0afecbad0afecbad0afecbad0afe", "ID with a repeated word", "exclusive-or"},
    {"000000000000000000000000000a1b2c", "low entropy: small number", "at the end"},
    {"2c1b0a00000000000000000000000000", "low entropy: small number", "at the start"},
    {"00012345000123450001234500012345", "low entropy: repeated number", "four times"},
};

static void read_key(const char *hex, uint8_t key[16])
{
    char digits[33];
    size_t n = 0;
    for (; *hex && n < 32; hex++)
        if (*hex != ' ') digits[n++] = *hex;
    digits[n] = 0;
    assert_int_equal(hex_decode(digits, key, 16, NULL), 16);
}

static void test_weakkey_finds_a_key_of_each_family(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        uint8_t key[16];
        struct weakkey_result r;
        struct secret secret;
        char fingerprint[SECRET_FINGERPRINT_LEN];
        read_key(samples[i].key_hex, key);
        search(key, &r);
        if (!r.found) fail_msg("%s was not found", samples[i].key_hex);
        assert_string_equal(r.family, samples[i].family);
        if (!strstr(r.recipe, samples[i].recipe))
            fail_msg("expected \"%s\" in \"%s\"", samples[i].recipe, r.recipe);
        assert_int_equal(secret_init(&secret, key, 16, NULL), ERR_OK);
        secret_fingerprint(&secret, fingerprint);
        assert_string_equal(r.fingerprint, fingerprint);
        assert_int_equal(r.tag_bits, 16 * CAPTURES);
    }
}

static void test_weakkey_finds_seeded_generators(void **state)
{
    (void)state;
    uint8_t key[16];
    struct weakkey_result r;
    read_key("dc0465aa1fad1d5adae5ac1b1e5f1370", key); // the C standard's rand() after 12345
    search(key, &r);
    assert_true(r.found);
    assert_string_equal(r.family, "low entropy: rand()");
}

struct watch {
    uint64_t calls, last;
};

static bool watch(void *ctx, uint64_t tried)
{
    struct watch *w = ctx;
    assert_true(tried > w->last);
    w->last = tried;
    w->calls++;
    return true;
}

static void test_weakkey_finds_nothing_behind_a_random_key(void **state)
{
    (void)state;
    uint8_t key[16];
    struct weakkey_capture captures[CAPTURES + 1];
    struct weakkey_result r;
    struct watch w = {0};
    read_key("8f3b06d1c27e59a4f01d7c63b2984ea5", key);
    capture(key, captures);
    captures[CAPTURES] = captures[0]; // a second frame of one message adds no knowledge
    assert_int_equal(weakkey_search(&subject, captures, CAPTURES + 1, watch, &w, &r, NULL), ERR_OK);
    assert_false(r.found);
    assert_true(r.candidates > WEAKKEY_LOW_ENTROPY);
    assert_true(r.candidates < 2 * WEAKKEY_LOW_ENTROPY);
    assert_int_equal(w.calls, r.candidates / 65536);
    assert_int_equal(r.tag_bits, 48);
    assert_true(r.false_alarm > 5.9e-8 && r.false_alarm < 7e-8); // a little over 2^-24
    assert_string_equal(r.fingerprint, "");
}

static bool stop(void *ctx, uint64_t tried)
{
    (void)ctx;
    (void)tried;
    return false;
}

// One tag that the key does not explain is enough to clear it.
static void test_weakkey_wants_all_captures_explained(void **state)
{
    (void)state;
    uint8_t key[16];
    struct weakkey_capture captures[CAPTURES];
    struct weakkey_result r;
    read_key("00112233445566778899aabbccddeeff", key);
    capture(key, captures);
    captures[0].tag[1] ^= 1;
    assert_int_equal(weakkey_search(&subject, captures, CAPTURES, stop, NULL, &r, NULL), ERR_LIMIT);
    assert_false(r.found); // public keys come long before the first report of progress
}

static void test_weakkey_stops_when_told(void **state)
{
    (void)state;
    uint8_t key[16];
    struct weakkey_capture captures[CAPTURES];
    struct weakkey_result r;
    struct err e = {0};
    read_key("8f3b06d1c27e59a4f01d7c63b2984ea5", key);
    capture(key, captures);
    assert_int_equal(weakkey_search(&subject, captures, CAPTURES, stop, NULL, &r, &e), ERR_LIMIT);
    assert_non_null(strstr(e.text, "65536 keys"));
    assert_int_equal(weakkey_search(&subject, captures, 0, NULL, NULL, &r, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "let the device send"));
    captures[1].tag_len = 1;
    assert_int_equal(weakkey_search(&subject, captures, CAPTURES, NULL, NULL, &r, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "capture 1"));
}

// Without PAC and serial number the search has less to try but still works.
static void test_weakkey_does_without_pac_and_serial(void **state)
{
    (void)state;
    const struct weakkey_subject bare = {.id = 0x0BADCAFE};
    uint8_t key[16];
    struct weakkey_capture captures[CAPTURES];
    struct weakkey_result r;
    read_key("0badcafe0badcafe0badcafe0badcafe", key);
    capture(key, captures);
    assert_int_equal(weakkey_search(&bare, captures, CAPTURES, NULL, NULL, &r, NULL), ERR_OK);
    assert_true(r.found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_weakkey_finds_a_key_of_each_family),
        cmocka_unit_test(test_weakkey_finds_seeded_generators),
        cmocka_unit_test(test_weakkey_finds_nothing_behind_a_random_key),
        cmocka_unit_test(test_weakkey_wants_all_captures_explained),
        cmocka_unit_test(test_weakkey_stops_when_told),
        cmocka_unit_test(test_weakkey_does_without_pac_and_serial),
    };
    return cmocka_run_group_tests_name("sfx/weakkey", tests, NULL, NULL);
}
