// AES and digests against published values: FIPS-197, SP 800-38A, the NIST known-answer tests
// (ECBVarKey128, ECBVarTxt128, ECBGFSbox128, ECBKeySbox128), FIPS-180 and RFC 1321. The zero-IV CBC
// chain was computed with the openssl program.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"

static const struct {
    const char *key, *plain, *cipher;
} answers[] = {
    {"000102030405060708090a0b0c0d0e0f", "00112233445566778899aabbccddeeff",
     "69c4e0d86a7b0430d8cdb78070b4c55a"}, // FIPS-197 C.1
    {"2b7e151628aed2a6abf7158809cf4f3c", "6bc1bee22e409f96e93d7e117393172a",
     "3ad77bb40d7a3660a89ecaf32466ef97"}, // SP 800-38A F.1.1
    {"80000000000000000000000000000000", "00000000000000000000000000000000",
     "0edd33d3c621e546455bd8ba1418bec8"},
    {"00000000000000000000000000000000", "80000000000000000000000000000000",
     "3ad78e726c1ec02b7ebfe92b23d9ec34"},
    {"00000000000000000000000000000000", "f34481ec3cc627bacd5dc3fb08f273e6",
     "0336763e966d92595a567cc9ce537f5e"},
    {"10a58869d74be5a374cf867cfb473859", "00000000000000000000000000000000",
     "6d251e6944b051e04eaa6fb4dbf78465"},
};

static void key_of(struct secret *s, const char *hex)
{
    uint8_t bytes[16];
    assert_int_equal(hex_decode(hex, bytes, sizeof bytes, NULL), 16);
    assert_int_equal(secret_init(s, bytes, sizeof bytes, NULL), ERR_OK);
}

static void assert_hex(const uint8_t *data, size_t len, const char *expected)
{
    char text[129];
    hex_encode(data, len, text);
    assert_string_equal(text, expected);
}

static void test_crypto_aes_known_answers(void **state)
{
    (void)state;
    struct crypto_aes128 *aes;
    assert_int_equal(crypto_aes128_new(&aes, NULL), ERR_OK);
    for (size_t i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct secret key;
        uint8_t in[16], out[16];
        key_of(&key, answers[i].key);
        assert_int_equal(hex_decode(answers[i].plain, in, sizeof in, NULL), 16);
        assert_int_equal(crypto_aes128_block(&key, in, out, NULL), ERR_OK);
        assert_hex(out, sizeof out, answers[i].cipher);
        memset(out, 0, sizeof out);
        assert_int_equal(crypto_aes128_try(aes, key.data, in, out, NULL), ERR_OK);
        assert_hex(out, sizeof out, answers[i].cipher);
        assert_int_equal(crypto_aes128_try(aes, key.data, in, in, NULL), ERR_OK); // in place
        assert_hex(in, sizeof in, answers[i].cipher);
        secret_deinit(&key);
    }
    crypto_aes128_free(aes);
    crypto_aes128_free(NULL);
}

static void test_crypto_cbc_chain(void **state)
{
    (void)state;
    struct secret key;
    uint8_t blocks[32];
    struct err e = {0};
    key_of(&key, "2b7e151628aed2a6abf7158809cf4f3c");
    assert_int_equal(hex_decode("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51",
                                blocks, sizeof blocks, NULL),
                     32);
    assert_int_equal(crypto_aes128_cbc(&key, blocks, 2, blocks, NULL), ERR_OK);
    assert_hex(blocks, 32, "3ad77bb40d7a3660a89ecaf32466ef97b148c17f309ee692287ae57cf12add49");
    key.len = 15;
    assert_int_equal(crypto_aes128_cbc(&key, blocks, 2, blocks, &e), ERR_INVALID);
    assert_string_equal(e.text, "AES-128 takes a key of 16 bytes, got 15");
    secret_deinit(&key);
}

static void test_crypto_digests(void **state)
{
    (void)state;
    uint8_t out[SHA256_LEN];
    assert_int_equal(crypto_hash(CRYPTO_MD5, "abc", 3, out, NULL), 16);
    assert_hex(out, 16, "900150983cd24fb0d6963f7d28e17f72");
    assert_int_equal(crypto_hash(CRYPTO_SHA1, "abc", 3, out, NULL), 20);
    assert_hex(out, 20, "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_int_equal(crypto_hash(CRYPTO_SHA256, "abc", 3, out, NULL), 32);
    assert_hex(out, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_int_equal(crypto_sha256("", 0, out, NULL), ERR_OK);
    assert_hex(out, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_string_equal(crypto_hash_name(CRYPTO_SHA1), "SHA-1");
}

// FIPS-180: a million times "a", in pieces of odd sizes, and as a file.
static void test_crypto_running_digest_and_files(void **state)
{
    (void)state;
    static const char million[] =
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
    char path[] = "/tmp/test_crypto.XXXXXX", hex[SHA256_HEX_LEN];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    struct crypto_sha256 *c;
    uint8_t piece[777], out[SHA256_LEN];
    memset(piece, 'a', sizeof piece);
    assert_int_equal(crypto_sha256_new(&c, NULL), ERR_OK);
    for (size_t left = 1000000; left;) {
        size_t n = left < sizeof piece ? left : sizeof piece;
        assert_int_equal(crypto_sha256_update(c, piece, n, NULL), ERR_OK);
        assert_int_equal(write(fd, piece, n), n);
        left -= n;
    }
    close(fd);
    assert_int_equal(crypto_sha256_finish(c, out, NULL), ERR_OK);
    assert_hex(out, sizeof out, million);
    int64_t size = 0;
    assert_int_equal(crypto_sha256_file(path, hex, &size, NULL), ERR_OK);
    assert_string_equal(hex, million);
    assert_int_equal(size, 1000000);
    unlink(path);
    struct err e = {0};
    assert_int_equal(crypto_sha256_file(path, hex, NULL, &e), ERR_IO);
    assert_non_null(strstr(e.text, path));
    crypto_sha256_free(NULL);
}

static void test_crypto_compares_and_wipes(void **state)
{
    (void)state;
    uint8_t a[4] = {1, 2, 3, 4}, b[4] = {1, 2, 3, 5};
    assert_true(crypto_equal(a, b, 3));
    assert_false(crypto_equal(a, b, 4));
    crypto_wipe(a, sizeof a);
    assert_memory_equal(a, "\0\0\0\0", 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crypto_aes_known_answers),
        cmocka_unit_test(test_crypto_cbc_chain),
        cmocka_unit_test(test_crypto_digests),
        cmocka_unit_test(test_crypto_running_digest_and_files),
        cmocka_unit_test(test_crypto_compares_and_wipes),
    };
    return cmocka_run_group_tests_name("base/crypto", tests, NULL, NULL);
}
