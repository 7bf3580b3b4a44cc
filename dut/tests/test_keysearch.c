// The search for secrets against texts made by other tools, published vectors, and data that hold
// nothing.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/rng.h"
#include "dut/keysearch.h"

enum { DUMP = 1 << 20, HITS = 64 };

// FIPS 197, appendix A.1: key, and round keys 1 and 10 of its schedule.
static const char fips_key[] = "2b7e151628aed2a6abf7158809cf4f3c";
static const char fips_round_1[] = "a0fafe1788542cb123a339392a6c7605";
static const char fips_round_10[] = "d014f9a8c9ee2589e13f0cc8b6630ca6";

static struct secret key;
static struct keysearch_secret known = {"NAK", &key};
static uint8_t dump[DUMP];

static int load_key(void **state)
{
    (void)state;
    uint8_t bytes[16];
    if (hex_decode(fips_key, bytes, sizeof bytes, NULL) != 16) return -1;
    return secret_init(&key, bytes, sizeof bytes, NULL);
}

// Noise that could be firmware; the same in every run.
static void fill(void)
{
    uint64_t noise = rng_key(20261122, "dump");
    for (size_t i = 0; i < sizeof dump; i++)
        dump[i] = (uint8_t)rng_u64(noise, i);
}

static int find(const void *data, size_t len, struct keysearch_hit *hits)
{
    struct err e = {0};
    int n = keysearch_find(data, len, &known, 1, hits, HITS, &e);
    if (n < 0) fail_msg("%s", e.text);
    return n;
}

// The only thing to be found is this one.
static void expect_one(const void *data, size_t len, enum keysearch_form form, uint8_t xored_with,
                       size_t offset, size_t hit_len)
{
    struct keysearch_hit h[HITS];
    int n = find(data, len, h);
    if (n != 1) fail_msg("%s: %d hits", keysearch_form_name(form), n);
    if (h[0].form != form || h[0].xored_with != xored_with || h[0].offset != offset ||
        h[0].len != hit_len)
        fail_msg("expected %s xor %02x at %zu (%zu), got %s xor %02x at %zu (%zu)",
                 keysearch_form_name(form), xored_with, offset, hit_len,
                 keysearch_form_name(h[0].form), h[0].xored_with, h[0].offset, h[0].len);
    assert_string_equal(h[0].name, "NAK");
    assert_string_equal(h[0].fingerprint, "b5c9d8110e7463e0"); // openssl enc, sha256sum
}

static void plant(const char *hex, size_t offset, uint8_t xored_with)
{
    uint8_t bytes[16];
    fill();
    assert_int_equal(hex_decode(hex, bytes, sizeof bytes, NULL), 16);
    for (size_t i = 0; i < 16; i++)
        dump[offset + i] = bytes[i] ^ xored_with;
}

static void test_keysearch_finds_bytes_in_every_order(void **state)
{
    (void)state;
    // Written by hand from the key above.
    static const struct {
        enum keysearch_form form;
        const char *hex;
    } forms[] = {
        {KEYSEARCH_RAW, "2b7e151628aed2a6abf7158809cf4f3c"},
        {KEYSEARCH_REVERSED, "3c4fcf098815f7aba6d2ae2816157e2b"},
        {KEYSEARCH_WORDS_16, "7e2b1615ae28a6d2f7ab8815cf093c4f"},
        {KEYSEARCH_WORDS_32, "16157e2ba6d2ae288815f7ab3c4fcf09"},
        {KEYSEARCH_BITS, "d47ea86814754b65d5efa81190f3f23c"},
        {KEYSEARCH_BITS_REVERSED, "3cf2f39011a8efd5654b751468a87ed4"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        plant(forms[i].hex, 12345, 0);
        expect_one(dump, sizeof dump, forms[i].form, 0, 12345, 16);
    }
    plant(forms[0].hex, 0, 0);
    expect_one(dump, sizeof dump, KEYSEARCH_RAW, 0, 0, 16);
    plant(forms[0].hex, DUMP - 16, 0);
    expect_one(dump, sizeof dump, KEYSEARCH_RAW, 0, DUMP - 16, 16);
}

static void test_keysearch_finds_every_xor(void **state)
{
    (void)state;
    for (int x = 0; x < 256; x += 15) {
        plant(fips_key, 777, (uint8_t)x);
        expect_one(dump, 65536, KEYSEARCH_RAW, (uint8_t)x, 777, 16);
        plant("3c4fcf098815f7aba6d2ae2816157e2b", 777, (uint8_t)x);
        expect_one(dump, 65536, KEYSEARCH_REVERSED, (uint8_t)x, 777, 16);
    }
}

static void test_keysearch_finds_text(void **state)
{
    (void)state;
    static const struct {
        enum keysearch_form form;
        size_t offset, len;
        const char *text;
    } texts[] = {
        {KEYSEARCH_HEX, 8, 32, "{\"key\":\"2b7e151628aed2a6abf7158809cf4f3c\"}"},
        {KEYSEARCH_HEX, 0, 32, "2B7E151628AED2A6ABF7158809CF4F3C"},
        {KEYSEARCH_HEX, 1, 47, " 2b:7e:15:16:28:ae:d2:a6:ab:f7:15:88:09:cf:4f:3c"},
        {KEYSEARCH_HEX, 3, 92,
         "{0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6, 0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, "
         "0x4f, 0x3c}"},
        {KEYSEARCH_HEX, 2, 62,
         "\\x2b\\x7e\\x15\\x16\\x28\\xae\\xd2\\xa6\\xab\\xf7\\x15\\x88\\x09\\xcf\\x4f\\x3c"},
        {KEYSEARCH_HEX_REVERSED, 0, 32, "3c4fcf098815f7aba6d2ae2816157e2b"},
        // printf '…' | base64, with 0, 1, 2 and 4 bytes before the key
        {KEYSEARCH_BASE64, 0, 21, "K34VFiiu0qar9xWICc9PPA=="},
        {KEYSEARCH_BASE64, 2, 20, "QSt+FRYortKmq/cViAnPTzw="},
        {KEYSEARCH_BASE64, 2, 20, "QSt-FRYortKmq_cViAnPTzw"},
        {KEYSEARCH_BASE64, 3, 21, "QUIrfhUWKK7Spqv3FYgJz088"},
        {KEYSEARCH_BASE64, 6, 21, "QUJDQSt+FRYo\r\nrtKmq/cViAnPTzw="},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t len = texts[i].len;
        if (strchr(texts[i].text, '\r')) len = 22;
        expect_one(texts[i].text, strlen(texts[i].text), texts[i].form, 0, texts[i].offset, len);
    }
    char wide[64]; // UTF-16
    for (size_t i = 0; i < 64; i++)
        wide[i] = i % 2 ? 0 : fips_key[i / 2];
    expect_one(wide, sizeof wide, KEYSEARCH_HEX, 0, 0, 63);
}

static void test_keysearch_finds_the_schedule(void **state)
{
    (void)state;
    struct keysearch_hit h[HITS];
    plant(fips_round_1, 4096, 0);
    expect_one(dump, sizeof dump, KEYSEARCH_SCHEDULE, 0, 4096, 16);
    assert_int_equal(find(dump, sizeof dump, h), 1);
    assert_int_equal(h[0].round, 1);
    plant(fips_round_10, 4097, 0);
    assert_int_equal(find(dump, sizeof dump, h), 1);
    assert_int_equal(h[0].round, 10);
    plant("a8f914d08925eec9c80c3fe1a60c63b6", 5, 0); // round 10, words as a little-endian core has
    expect_one(dump, sizeof dump, KEYSEARCH_SCHEDULE_WORDS_32, 0, 5, 16);
}

static void test_keysearch_finds_nothing_where_nothing_is(void **state)
{
    (void)state;
    struct keysearch_hit h[HITS];
    fill();
    assert_int_equal(find(dump, sizeof dump, h), 0);
    memset(dump, 0xff, sizeof dump);
    assert_int_equal(find(dump, sizeof dump, h), 0);
    for (size_t i = 0; i < 16; i++) { // one bit off in each byte in turn
        plant(fips_key, 300, 0);
        dump[300 + i] ^= 0x10;
        assert_int_equal(find(dump, 65536, h), 0);
    }
    assert_int_equal(find("2b7e151628aed2a6abf7158809cf4f3", 31, h), 0);
    assert_int_equal(find("2b7e151628aed2a6abf7158809cf4f3d", 32, h), 0);
    assert_int_equal(find("", 0, h), 0);
}

static void test_keysearch_counts_beyond_its_room(void **state)
{
    (void)state;
    struct keysearch_hit h[2];
    fill();
    for (size_t i = 0; i < 5; i++)
        memcpy(dump + 1000 * i, key.data, 16);
    assert_int_equal(keysearch_find(dump, sizeof dump, &known, 1, h, 2, NULL), 5);
    assert_int_equal(h[0].offset, 0);
    assert_int_equal(h[1].offset, 1000);
    // A key of equal bytes is not "found" in erased memory, but where it stands.
    struct secret dull;
    uint8_t sevens[16];
    memset(sevens, 0x77, sizeof sevens);
    assert_int_equal(secret_init(&dull, sevens, sizeof sevens, NULL), ERR_OK);
    struct keysearch_secret k = {"dull", &dull};
    memset(dump, 0xff, sizeof dump);
    assert_int_equal(keysearch_find(dump, sizeof dump, &k, 1, h, 2, NULL), 0);
    memcpy(dump + 99, sevens, 16);
    assert_int_equal(keysearch_find(dump, sizeof dump, &k, 1, h, 2, NULL), 1);
    assert_int_equal(h[0].offset, 99);
    struct secret tiny;
    assert_int_equal(secret_init(&tiny, "abc", 3, NULL), ERR_OK);
    struct keysearch_secret t = {"tiny", &tiny};
    struct err e = {0};
    assert_int_equal(keysearch_find(dump, 10, &t, 1, h, 2, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "tiny has 3 bytes"));
}

static int longest(const char *text, struct keysearch_hit *h)
{
    struct err e = {0};
    int n = keysearch_longest_run((const uint8_t *)text, strlen(text), &known, h, &e);
    if (n < 0) fail_msg("%s", e.text);
    return n;
}

static void test_keysearch_measures_runs(void **state)
{
    (void)state;
    struct keysearch_hit h;
    assert_int_equal(longest("+++ ready\r\n", &h), 1); // + is a byte of it
    assert_int_equal(longest("ready\r\n", &h), 0);
    assert_int_equal(longest("0100: 28 AE D2 A6 ab\r\n", &h), 5);
    assert_int_equal(h.form, KEYSEARCH_HEX);
    assert_int_equal(h.offset, 6);
    assert_int_equal(h.len, 14);
    assert_int_equal(longest("\x15\x16\x28 and \xd2\xa6\xab\xf7", &h), 4);
    assert_int_equal(h.form, KEYSEARCH_RAW);
    assert_int_equal(h.offset, 8);
    assert_int_equal(longest(fips_key, &h), 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_keysearch_finds_bytes_in_every_order),
        cmocka_unit_test(test_keysearch_finds_every_xor),
        cmocka_unit_test(test_keysearch_finds_text),
        cmocka_unit_test(test_keysearch_finds_the_schedule),
        cmocka_unit_test(test_keysearch_finds_nothing_where_nothing_is),
        cmocka_unit_test(test_keysearch_counts_beyond_its_room),
        cmocka_unit_test(test_keysearch_measures_runs),
    };
    return cmocka_run_group_tests(tests, load_key, NULL);
}
