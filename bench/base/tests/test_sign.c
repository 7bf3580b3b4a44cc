// Signatures against the openssl program, which makes the keys, checks what we sign, and signs what
// we check.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/base64.h"
#include "bench/base/json.h"
#include "bench/base/rng.h"
#include "bench/base/sign.h"

static char dir[] = "/tmp/sign-XXXXXX";

// Runs a command in the folder of the keys.
static int shell(const char *fmt, ...) FOX_PRINTF(1, 2);
static int shell(const char *fmt, ...)
{
    char command[1024], line[1200];
    va_list args;
    va_start(args, fmt);
    vsnprintf(command, sizeof command, fmt, args);
    va_end(args);
    snprintf(line, sizeof line, "cd %s && { %s; } 2>>log", dir, command);
    return system(line);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return path;
}

static void write_file(const char *name, const void *data, size_t len)
{
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static int make_keys(void **state)
{
    (void)state;
    if (!mkdtemp(dir)) return -1;
    return shell("openssl genpkey -algorithm ed25519 -out a.key && "
                 "openssl pkey -in a.key -pubout -out a.pub && "
                 "openssl genpkey -algorithm ed25519 -out b.key && "
                 "openssl pkey -in b.key -pubout -out b.pub && "
                 "openssl genpkey -algorithm ed448 -out curve.key && "
                 "openssl pkey -in curve.key -pubout -out curve.pub && "
                 "openssl pkey -in a.key -aes128 -passout pass:fox -out locked.key && "
                 "head -c 90 a.key >torn.key && echo hello >text.key && mkdir folder.key && "
                 "cp a.key open.key && chmod 600 *.key && chmod 644 open.key");
}

static int remove_keys(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static struct crypto_key *private_key(const char *name)
{
    struct crypto_key *k = NULL;
    struct err e = {0};
    if (crypto_key_read_private(&k, path_of(name), &e) < 0) fail_msg("%s", e.text);
    return k;
}

static struct crypto_key *public_key(const char *name)
{
    struct crypto_key *k = NULL;
    struct err e = {0};
    if (crypto_key_read_public(&k, path_of(name), &e) < 0) fail_msg("%s", e.text);
    return k;
}

static void test_key_files_are_checked(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        bool is_private;
        const char *said;
    } bad[] = {
        {"open.key", true, "chmod 600"},
        {"locked.key", true, "passphrase"},
        {"curve.key", true, "got one of type ED448"},
        {"curve.pub", false, "got one of type ED448"},
        {"torn.key", true, "got something else"},
        {"text.key", true, "openssl genpkey -algorithm ed25519"},
        {"none.key", true, "openssl genpkey -algorithm ed25519"},
        {"none.pub", false, "No such file"},
        {"folder.key", true, "expected a key file"},
        {"a.key", false, "expected an Ed25519 public key"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct crypto_key *k = NULL;
        struct err e = {0};
        int rc = bad[i].is_private ? crypto_key_read_private(&k, path_of(bad[i].name), &e)
                                   : crypto_key_read_public(&k, path_of(bad[i].name), &e);
        assert_null(k);
        if (rc != ERR_USAGE || !strstr(e.text, bad[i].said) || !strstr(e.text, bad[i].name))
            fail_msg("%s: expected \"%s\", got %s: \"%s\"", bad[i].name, bad[i].said, err_name(rc),
                     e.text);
    }
    crypto_key_free(NULL);
}

// Every bit that opens a private key to somebody else.
static void test_key_file_modes(void **state)
{
    (void)state;
    struct stat st;
    for (unsigned mode = 0400; mode <= 0777; mode++) {
        struct crypto_key *k = NULL;
        if (mode % 0100 && mode >> 6 != 6) continue;
        assert_int_equal(chmod(path_of("a.key"), mode), 0);
        assert_int_equal(stat(path_of("a.key"), &st), 0);
        int rc = crypto_key_read_private(&k, path_of("a.key"), NULL);
        assert_int_equal(rc == ERR_OK, mode % 0100 == 0);
        crypto_key_free(k);
    }
    assert_int_equal(chmod(path_of("a.key"), 0600), 0);
}

static void test_fingerprint_is_what_sha256sum_prints(void **state)
{
    (void)state;
    struct crypto_key *pub = public_key("a.pub"), *key = private_key("a.key"), *again = NULL;
    char ours[SHA256_HEX_LEN], theirs[SHA256_HEX_LEN] = "";
    uint8_t der[ED25519_SPKI_MAX];
    assert_int_equal(shell("openssl pkey -pubin -in a.pub -outform DER | sha256sum >sum"), 0);
    FILE *f = fopen(path_of("sum"), "r");
    assert_non_null(f);
    assert_int_equal(fread(theirs, 1, 64, f), 64);
    fclose(f);
    assert_int_equal(crypto_key_fingerprint(pub, ours, NULL), ERR_OK);
    assert_string_equal(ours, theirs);
    assert_int_equal(crypto_key_fingerprint(key, ours, NULL), ERR_OK);
    assert_string_equal(ours, theirs);

    int n = crypto_key_der(key, der, NULL);
    assert_int_equal(n, 44);
    assert_int_equal(crypto_key_from_der(&again, der, (size_t)n, NULL), ERR_OK);
    assert_int_equal(crypto_key_fingerprint(again, ours, NULL), ERR_OK);
    assert_string_equal(ours, theirs);
    crypto_key_free(again);
    again = NULL;
    for (size_t len = 0; len < 44; len++)
        assert_int_equal(crypto_key_from_der(&again, der, len, NULL), ERR_FORMAT);
    der[44] = 0;
    assert_int_equal(crypto_key_from_der(&again, der, 45, NULL), ERR_FORMAT);
    crypto_key_free(pub);
    crypto_key_free(key);
}

// The example of the DSSE specification.
static void test_pae_of_the_specification(void **state)
{
    (void)state;
    struct bytes out;
    bytes_init(&out, 256);
    assert_int_equal(sign_pae("http://example.com/HelloWorld", "hello world", 11, &out, NULL),
                     ERR_OK);
    assert_string_equal((char *)out.data, "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
    bytes_deinit(&out);
    assert_int_equal(sign_pae("", "", 0, &out, NULL), ERR_OK);
    assert_string_equal((char *)out.data, "DSSEv1 0  0 ");
    bytes_deinit(&out);
}

static void envelope_of(const char *type, const void *body, size_t len, const char *key_name,
                        struct bytes *out)
{
    struct crypto_key *key = private_key(key_name);
    bytes_init(out, 1 << 20);
    assert_int_equal(sign_envelope(type, body, len, key, out, NULL), ERR_OK);
    crypto_key_free(key);
}

static void test_openssl_accepts_our_envelope(void **state)
{
    (void)state;
    static const char body[] = "{\"a\":1}\n";
    struct bytes text;
    envelope_of("application/vnd.test+json", body, strlen(body), "a.key", &text);
    write_file("envelope", text.data, text.len);
    // taken apart by sed, not by us
    static const char recipe[] =
        "sed 's/.*\"payload\":\"\\([^\"]*\\)\".*/\\1/' envelope | openssl base64 -d -A >body && "
        "sed 's/.*\"sig\":\"\\([^\"]*\\)\".*/\\1/' envelope | openssl base64 -d -A >sig && "
        "{ printf 'DSSEv1 25 application/vnd.test+json %d ' $(wc -c <body); cat body; } >pae && "
        "openssl pkeyutl -verify -pubin -inkey %s -rawin -in pae -sigfile sig >/dev/null";
    char command[sizeof recipe + 64];
    for (int other = 0; other < 2; other++) {
        const char *at = strstr(recipe, "%s");
        snprintf(command, sizeof command, "%.*s%s%s", (int)(at - recipe), recipe,
                 other ? "b.pub" : "a.pub", at + 2);
        assert_int_equal(shell("%s", command) == 0, !other);
    }
    bytes_deinit(&text);
}

static void test_we_accept_the_envelope_of_openssl(void **state)
{
    (void)state;
    assert_int_equal(
        shell("printf 'some text' >body && printf 'DSSEv1 4 text 9 some text' >pae && "
              "openssl pkeyutl -sign -inkey b.key -rawin -in pae -out sig && "
              "printf '{ \"payloadType\": \"text\",\\n \"signatures\": [ { \"sig\": \"%%s\" } ], "
              "\"payload\": \"%%s\" }' $(openssl base64 -A <sig) $(openssl base64 -A <body) "
              ">envelope"),
        0);
    struct bytes text;
    struct sign_parts p;
    struct crypto_key *a = public_key("a.pub"), *b = public_key("b.pub");
    bytes_init(&text, 4096);
    assert_int_equal(bytes_read_file(&text, path_of("envelope"), NULL), ERR_OK);
    assert_int_equal(sign_parts_read(&p, (char *)text.data, text.len, NULL), ERR_OK);
    assert_string_equal(p.type, "text");
    assert_string_equal(p.keyid, "");
    assert_int_equal(p.body.len, 9);
    assert_memory_equal(p.body.data, "some text", 9);
    assert_int_equal(sign_parts_verify(&p, b, NULL), 1);
    assert_int_equal(sign_parts_verify(&p, a, NULL), 0);
    p.type[3] = 'T';
    assert_int_equal(sign_parts_verify(&p, b, NULL), 0);
    sign_parts_deinit(&p);
    sign_parts_deinit(&p);
    bytes_deinit(&text);
    crypto_key_free(a);
    crypto_key_free(b);
}

// Whatever bit of an envelope changes: it is no envelope, or the key did not sign it, or it is not
// written the way we write it.
static void test_every_bit_of_an_envelope_is_bound(void **state)
{
    (void)state;
    static const char body[] = "[1,2,3]\n";
    struct bytes text;
    struct crypto_key *key = public_key("a.pub");
    envelope_of("t", body, strlen(body), "a.key", &text);
    for (size_t i = 0; i < text.len * 8; i++) {
        struct sign_parts p;
        struct bytes again;
        bool bound = true;
        text.data[i / 8] ^= (uint8_t)(1 << i % 8);
        bytes_init(&again, 1 << 20);
        if (sign_parts_read(&p, (char *)text.data, text.len, NULL) == ERR_OK) {
            if (sign_parts_verify(&p, key, NULL) == 1) {
                char fingerprint[SHA256_HEX_LEN];
                assert_int_equal(sign_parts_write(&p, &again, NULL), ERR_OK);
                assert_int_equal(crypto_key_fingerprint(key, fingerprint, NULL), ERR_OK);
                bound = strcmp(p.keyid, fingerprint) != 0 || again.len != text.len ||
                        memcmp(again.data, text.data, text.len) != 0;
            }
            sign_parts_deinit(&p);
        }
        if (!bound) fail_msg("bit %zu of byte %zu is free", i % 8, i / 8);
        bytes_deinit(&again);
        text.data[i / 8] ^= (uint8_t)(1 << i % 8);
    }
    bytes_deinit(&text);
    crypto_key_free(key);
}

static void test_envelopes_that_are_none(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "{}",
        "[]",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"AAAA\"}]}",
        "{\"payload\":\"a\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"AAAA\"}]}",
        "{\"payload\":1,\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"AAAA\"}]}",
        "{\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":{\"sig\":\"AAAA\"}}",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct sign_parts p;
        struct err e = {0};
        assert_int_equal(sign_parts_read(&p, bad[i], strlen(bad[i]), &e), ERR_FORMAT);
        if (!strstr(e.text, "expected a DSSE envelope")) fail_msg("%zu: %s", i, e.text);
    }
}

static void test_base64_is_what_openssl_writes(void **state)
{
    (void)state;
    const uint64_t key = rng_key(1, "base64");
    for (size_t len = 0; len <= 100; len += len < 8 ? 1 : 23) {
        uint8_t data[100];
        struct bytes ours, theirs, back;
        for (size_t i = 0; i < len; i++)
            data[i] = (uint8_t)rng_u64(key, i);
        write_file("data", data, len);
        assert_int_equal(shell("openssl base64 -A -in data -out data64"), 0);
        bytes_init(&ours, 1000);
        bytes_init(&theirs, 1000);
        bytes_init(&back, 1000);
        assert_int_equal(base64_encode(data, len, &ours, NULL), ERR_OK);
        assert_int_equal(bytes_read_file(&theirs, path_of("data64"), NULL), ERR_OK);
        assert_int_equal(ours.len, theirs.len);
        if (len > 0) assert_memory_equal(ours.data, theirs.data, ours.len);
        assert_int_equal(base64_decode((char *)ours.data, ours.len, &back, NULL), ERR_OK);
        assert_int_equal(back.len, len);
        if (len > 0) assert_memory_equal(back.data, data, len);
        bytes_deinit(&ours);
        bytes_deinit(&theirs);
        bytes_deinit(&back);
    }
}

static void test_base64_has_one_spelling(void **state)
{
    (void)state;
    static const char *const bad[] = {"A",
                                      "AA",
                                      "AAA",
                                      "A===",
                                      "====",
                                      "AA=A",
                                      "AB==",
                                      "AAB=",
                                      "AA-A",
                                      "AA==AAAA",
                                      "AA A",
                                      "AAA\n",
                                      "AAAAA",
                                      "=AAA",
                                      "A=AA",
                                      "AAAA====",
                                      "\xc3\xa4"
                                      "AA"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct bytes out;
        bytes_init(&out, 100);
        if (base64_decode(bad[i], strlen(bad[i]), &out, NULL) != ERR_FORMAT)
            fail_msg("\"%s\" was taken", bad[i]);
        bytes_deinit(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key_files_are_checked),
        cmocka_unit_test(test_key_file_modes),
        cmocka_unit_test(test_fingerprint_is_what_sha256sum_prints),
        cmocka_unit_test(test_pae_of_the_specification),
        cmocka_unit_test(test_openssl_accepts_our_envelope),
        cmocka_unit_test(test_we_accept_the_envelope_of_openssl),
        cmocka_unit_test(test_every_bit_of_an_envelope_is_bound),
        cmocka_unit_test(test_envelopes_that_are_none),
        cmocka_unit_test(test_base64_is_what_openssl_writes),
        cmocka_unit_test(test_base64_has_one_spelling),
    };
    return cmocka_run_group_tests_name("base/sign", tests, make_keys, remove_keys);
}
