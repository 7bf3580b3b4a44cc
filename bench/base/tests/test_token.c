// Keys in tokens: SoftHSM2 computes, OpenSSL judges; a module that fails on demand shows the rest.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/rng.h"
#include "bench/base/token.h"
#include "soft_token.h"

static const uint8_t nak[24] = {0x2b, 0x7e, 0x15, 0x16, 0x28, 0xae, 0xd2, 0xa6,
                                0xab, 0xf7, 0x15, 0x88, 0x09, 0xcf, 0x4f, 0x3c};
static struct soft_token soft;

static void test_token_uri_names_a_key(void **state)
{
    (void)state;
    struct token_uri u;
    const char *const text = "pkcs11:token=My%20HSM;serial=0a1B;model=m;manufacturer=%41;"
                             "object=k%3bk;type=secret-key;id=%00%ff7?module-path=/lib/x.so&"
                             "pin-source=file:///run/pin";
    assert_int_equal(token_uri_parse(&u, text, NULL), ERR_OK);
    assert_string_equal(u.token, "My HSM");
    assert_string_equal(u.serial, "0a1B");
    assert_string_equal(u.manufacturer, "A");
    assert_string_equal(u.object, "k;k");
    assert_int_equal(u.id_len, 3);
    assert_memory_equal(u.id, "\0\xff\x37", 3);
    assert_string_equal(u.module_path, "/lib/x.so");
    assert_string_equal(u.pin_path, "/run/pin");
    assert_int_equal(
        token_uri_parse(&u, "pkcs11:serial=1;id=%01?module-path=a.so&pin-source=file:pin", NULL),
        ERR_OK);
    assert_string_equal(u.pin_path, "pin");
    assert_string_equal(u.token, "");
}

static void test_token_uri_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } rows[] = {
        {"file:k", "expected pkcs11:token="},
        {"pkcs11:", "token= or serial= is missing"},
        {"pkcs11:object=k?module-path=m", "token= or serial= is missing"},
        {"pkcs11:token=t?module-path=m", "object= or id= is missing"},
        {"pkcs11:token=t;object=k", "module-path= is missing"},
        {"pkcs11:token=t;object=k?module-path=m&pin-value=5678", "a pin never stands in"},
        {"pkcs11:token=t;object=k;pin-value=5678?module-path=m", "a pin never stands in"},
        {"pkcs11:token=t;object=k?module-name=m", "write module-path="},
        {"pkcs11:token=t;slot-id=5678;object=k?module-path=m", "slots change their numbers"},
        {"pkcs11:token=t;colour=5678;object=k?module-path=m", "unknown attribute colour;"},
        {"pkcs11:token=t;object=k?module-path=m&token=5678", "unknown attribute token;"},
        {"pkcs11:5678", "unknown attribute;"},
        {"pkcs11:token=t;;object=k?module-path=m", "unknown attribute;"},
        {"pkcs11:token;object=k?module-path=m", "expected token=VALUE"},
        {"pkcs11:token=t;token=5678;object=k?module-path=m", "token stands there twice"},
        {"pkcs11:token=;object=k?module-path=m", "token: expected 1 to 32 bytes, got none"},
        {"pkcs11:token=123456789012345678901234567890123;object=k?module-path=m",
         "token: expected 1 to 32 bytes, got more"},
        {"pkcs11:token=5678%;object=k?module-path=m", "two hex digits after '%'"},
        {"pkcs11:token=5678%2;object=k?module-path=m", "two hex digits after '%'"},
        {"pkcs11:token=5678%2g;object=k?module-path=m", "two hex digits after '%'"},
        {"pkcs11:token=5678%00;object=k?module-path=m", "got a zero byte"},
        {"pkcs11:token=t;object=k;type=public?module-path=m", "a secret-key, nothing else"},
        {"pkcs11:token=t;object=k?module-path=m&pin-source=5678", "expected file:PATH"},
        {"pkcs11:token=t;object=k?module-path=m&pin-source=|5678", "expected file:PATH"},
        {"pkcs11:token=t;object=k?module-path=m&pin-source=file:", "expected file:PATH"},
        {"pkcs11:token=t;object=k?module-path=m&pin-source=file://", "expected a path"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct token_uri u;
        struct err e = {0};
        assert_int_equal(token_uri_parse(&u, rows[i].text, &e), ERR_USAGE);
        if (!strstr(e.text, rows[i].why))
            fail_msg("%s: expected \"%s\" in \"%s\"", rows[i].text, rows[i].why, e.text);
        if (strstr(e.text, "5678")) fail_msg("the text shows a value: %s", e.text);
    }
}

// ---- SoftHSM2

static int begin(void **state)
{
    (void)state;
    const struct soft_key keys[] = {
        {.label = "nak", .key = nak, .len = 16},
        {.label = "long", .key = nak, .len = 24},
        {.label = "verify only", .key = nak, .len = 16, .may_not_encrypt = true},
        {.label = "note", .key = nak, .len = 16, .is_data = true},
        {.label = "twin", .key = nak, .len = 16},
        {.label = "twin", .key = nak, .len = 16},
    };
    soft_token_begin(&soft, "lab");
    soft_token_add(&soft, "other");
    soft_token_import(&soft, "lab", keys, sizeof keys / sizeof *keys);
    return 0;
}

static int end(void **state)
{
    (void)state;
    soft_token_end(&soft);
    return 0;
}

static struct token_key *opened(const char *object)
{
    struct token_key *k = NULL;
    struct err e = {0};
    char ref[512];
    soft_token_ref(&soft, "lab", object, ref);
    if (token_key_open(&k, ref, NULL, &e) < 0) fail_msg("%s", e.text);
    return k;
}

static void test_token_computes_what_openssl_does(void **state)
{
    (void)state;
    struct token_key *k = opened("nak"), *second = opened("nak");
    struct secret key;
    uint8_t in[256], out[256], expected[256];
    assert_int_equal(secret_init(&key, nak, 16, NULL), ERR_OK);
    uint64_t noise = rng_key(4, "token");
    for (size_t i = 0; i < sizeof in; i++)
        in[i] = (uint8_t)rng_u64(noise, i);
    for (size_t n = 1; n <= 16; n++) {
        assert_int_equal(crypto_aes128_cbc(&key, in, n, expected, NULL), ERR_OK);
        assert_int_equal(token_key_cbc(n % 2 ? k : second, in, n, out, NULL), ERR_OK);
        assert_memory_equal(out, expected, n * 16);
    }
    memcpy(out, in, 32);
    assert_int_equal(token_key_cbc(k, out, 2, out, NULL), ERR_OK); // in place
    assert_memory_equal(out, expected, 32);
    token_key_close(second); // the first goes on
    assert_int_equal(token_key_cbc(k, in, 1, out, NULL), ERR_OK);
    assert_memory_equal(out, expected, 16);
    struct err e = {0};
    assert_int_equal(token_key_cbc(k, in, 0, out, &e), ERR_INVALID);
    assert_int_equal(token_key_cbc(k, in, 17, out, &e), ERR_INVALID);
    assert_non_null(strstr(e.text, "got 17"));
    assert_string_equal(token_key_info(k)->label, "lab");
    assert_string_equal(token_key_info(k)->model, "SoftHSM v2");
    assert_int_equal(strlen(token_key_info(k)->serial), 16);
    token_key_close(k);
    token_key_close(NULL);
    secret_deinit(&key);
    token_key_close(opened("nak")); // once more after the last
}

static void refuse_ref(const char *ref, const char *base_dir, int code, const char *why)
{
    struct token_key *k = NULL;
    struct err e = {0};
    int rc = token_key_open(&k, ref, base_dir, &e);
    if (rc != code || !strstr(e.text, why))
        fail_msg("%s: expected %d \"%s\", got %d \"%s\"", ref, code, why, rc, e.text);
    if (strstr(e.text, "1234")) fail_msg("the text shows the pin: %s", e.text);
    assert_null(k);
}

static void refuse(const char *token, const char *object, int code, const char *why)
{
    char ref[512];
    soft_token_ref(&soft, token, object, ref);
    refuse_ref(ref, NULL, code, why);
}

static void test_token_names_what_is_wrong_with_the_key(void **state)
{
    (void)state;
    refuse("lab", "nobody", ERR_USAGE, "token 'lab' has no object 'nobody'");
    refuse("lab", "long", ERR_USAGE, "'long' in token 'lab' is an AES key of 24 bytes");
    refuse("lab", "verify only", ERR_USAGE, "may not encrypt (CKA_ENCRYPT is false)");
    refuse("lab", "note", ERR_USAGE, "is a data object; expected an AES key of 16 bytes");
    refuse("lab", "twin", ERR_USAGE, "2 AES keys 'twin' are in token 'lab'");
    refuse("other", "nak", ERR_USAGE, "token 'other' has no object 'nak'");
    refuse("drawer", "nak", ERR_NOTFOUND, "token 'drawer' is not there; plug it in");
    refuse("drawer", "nak", ERR_NOTFOUND, "'lab' (serial ");
    refuse("drawer", "nak", ERR_NOTFOUND, "'other' (serial ");
    char ref[512];
    snprintf(ref, sizeof ref, "pkcs11:token=lab;id=nobody?module-path=%s&pin-source=file:%s/pin",
             soft.module, soft.folder);
    refuse_ref(ref, NULL, ERR_USAGE, "no object 'id 6e6f626f6479'");
    snprintf(ref, sizeof ref, "pkcs11:token=lab;id=nak?module-path=%s&pin-source=file:pin",
             soft.module);
    struct token_key *k = NULL;
    assert_int_equal(token_key_open(&k, ref, soft.folder, NULL), ERR_OK); // relative to the folder
    token_key_close(k);
}

static void write_pin(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", soft.folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_token_names_what_is_wrong_with_the_pin(void **state)
{
    (void)state;
    char ref[512], long_pin[80];
    memset(long_pin, '1', sizeof long_pin - 1);
    long_pin[sizeof long_pin - 1] = '\0';
    snprintf(ref, sizeof ref, "pkcs11:token=lab;object=nak?module-path=%s", soft.module);
    refuse_ref(ref, NULL, ERR_USAGE, "wants a pin, and the reference names none");
    snprintf(ref + strlen(ref), sizeof ref - strlen(ref), "&pin-source=file:wrong");
    refuse_ref(ref, soft.folder, ERR_USAGE, "No such file");
    write_pin("wrong", "");
    refuse_ref(ref, soft.folder, ERR_USAGE,
               "expected a pin of 1 to 64 bytes on one line, got none");
    write_pin("wrong", "\n");
    refuse_ref(ref, soft.folder, ERR_USAGE, "got none");
    write_pin("wrong", long_pin);
    refuse_ref(ref, soft.folder, ERR_USAGE, "got more");
    write_pin("wrong", "9999");
    refuse_ref(ref, soft.folder, ERR_USAGE, "refuses the pin of wrong (CKR_PIN_INCORRECT)");
    write_pin("wrong", "1234"); // without a newline
    struct token_key *k = NULL;
    assert_int_equal(token_key_open(&k, ref, soft.folder, NULL), ERR_OK);
    token_key_close(k);
}

static void test_token_names_what_is_wrong_with_the_module(void **state)
{
    (void)state;
    char path[128];
    write_pin("text.so", "no library\n");
    snprintf(path, sizeof path, "pkcs11:token=lab;object=nak?module-path=%s/text.so", soft.folder);
    refuse_ref(path, NULL, ERR_USAGE, "cannot be loaded: ");
    refuse_ref("pkcs11:token=lab;object=nak?module-path=/nowhere.so", NULL, ERR_USAGE,
               "module /nowhere.so cannot be loaded: ");
    refuse_ref("pkcs11:token=lab;object=nak?module-path=libm.so.6", soft.folder, ERR_USAGE,
               "is a library, but none of PKCS#11 version 2");
}

static void test_token_that_disappears_is_gone(void **state)
{
    (void)state;
    struct token_key *k = opened("nak");
    uint8_t block[16] = {0};
    struct err e = {0};
    char command[160];
    assert_int_equal(token_key_cbc(k, block, 1, block, NULL), ERR_OK);
    snprintf(command, sizeof command, "rm -r '%s'/tokens/*", soft.folder);
    assert_int_equal(system(command), 0);
    assert_int_equal(token_key_cbc(k, block, 1, block, &e), ERR_GONE);
    assert_non_null(strstr(e.text, "token 'lab' is gone: C_EncryptInit gave CKR_"));
    token_key_close(k);
    refuse("lab", "nak", ERR_NOTFOUND, "has: no token");
}

// ---- the module that fails on demand

static const char fake_ref[] = "pkcs11:token=fake;object=k?module-path=" FOX_BIN_DIR
                               "/../tests/fake_token.so&pin-source=file:/dev/null";

static void test_token_faults_while_it_is_opened(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        int code;
        const char *why;
    } rows[] = {
        {"version=3", ERR_USAGE, "none of PKCS#11 version 2"},
        {"Initialize=0x5@1", ERR_USAGE, "does not start: C_Initialize gave CKR_GENERAL_ERROR"},
        {"GetSlotList=0x30@1", ERR_CRYPTO, "C_GetSlotList gave CKR_DEVICE_ERROR (0x30)"},
        {"tokens=0", ERR_NOTFOUND, "has: no token"},
        {"GetTokenInfo=0xe0@1", ERR_NOTFOUND, "has: no token"},
        {"tokens=2", ERR_USAGE,
         "2 tokens fit 'fake'; add serial= to the reference; there are: "
         "'fake' (serial first), 'fake' (serial second)"},
        {"GetMechanismInfo=0x70@1", ERR_UNSUPPORTED, "cannot encrypt with AES-CBC"},
        {"rights=0", ERR_UNSUPPORTED, "cannot encrypt with AES-CBC"},
        {"GetMechanismInfo=0xe0@1", ERR_GONE, "C_GetMechanismInfo gave CKR_TOKEN_NOT_PRESENT"},
        {"OpenSession=0xe0@1", ERR_GONE, "C_OpenSession gave CKR_TOKEN_NOT_PRESENT"},
        {"OpenSession=0xb1@1", ERR_CRYPTO, "C_OpenSession gave CKR_SESSION_COUNT"},
        {"flags=0x20004", ERR_USAGE, "locks itself at the next wrong pin; the bench does not try"},
        {"flags=0x40004", ERR_USAGE, "is locked; the bench does not try"},
        {"FindObjectsInit=0x32@1", ERR_GONE, "C_FindObjectsInit gave CKR_DEVICE_REMOVED"},
        {"FindObjects=0x30@1", ERR_GONE, "C_FindObjects gave CKR_DEVICE_ERROR"},
        {"keys=0", ERR_USAGE, "has no object 'k'"},
        {"class=2", ERR_USAGE, "is a public key; expected an AES key"},
        {"class=3", ERR_USAGE, "is a private key; expected an AES key"},
        {"type=0x13", ERR_USAGE, "is a secret key of another kind"},
        {"len=32", ERR_USAGE, "is an AES key of 32 bytes; a device's key has 16"},
        {"EncryptInit=0x68@1", ERR_CRYPTO, "C_EncryptInit gave CKR_KEY_FUNCTION_NOT_PERMITTED"},
        {"Encrypt=0x80000777@1", ERR_CRYPTO, "C_Encrypt gave an error of its own (0x80000777)"},
        {"short=1", ERR_CRYPTO, "C_Encrypt gave 15 bytes for 16; the token is faulty"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        setenv("FAKE_TOKEN", rows[i].fault, 1);
        refuse_ref(fake_ref, NULL, rows[i].code, rows[i].why);
    }
    setenv("FAKE_TOKEN", "flags=4 Login=0xa4@1", 1);
    refuse_ref("pkcs11:token=fake;object=k?module-path=" FOX_BIN_DIR
               "/../tests/fake_token.so&pin-source=file:" FOX_SOURCE_DIR "/LICENSE",
               NULL, ERR_USAGE, "got more"); // a text is no pin
    char folder[] = "/tmp/test-token.XXXXXX", ref[512], path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/pin", folder);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("1\n", f);
    fclose(f);
    snprintf(ref, sizeof ref,
             "pkcs11:token=fake;object=k?module-path=%s/../tests/fake_token.so&"
             "pin-source=file:%s",
             FOX_BIN_DIR, path);
    refuse_ref(ref, NULL, ERR_USAGE, "takes no pin at present (CKR_PIN_LOCKED)");
    setenv("FAKE_TOKEN", "flags=4 Login=0x32@1", 1);
    refuse_ref(ref, NULL, ERR_GONE, "C_Login gave CKR_DEVICE_REMOVED");
    setenv("FAKE_TOKEN", "flags=4 Login=0x100@1", 1); // another session has logged in before
    struct token_key *k = NULL;
    assert_int_equal(token_key_open(&k, ref, NULL, NULL), ERR_OK);
    token_key_close(k);
    unlink(path);
    rmdir(folder);
}

static void test_token_faults_in_mid_run(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        int code;
        const char *why;
    } rows[] = {
        {"Encrypt=0x32@3", ERR_GONE, "C_Encrypt gave CKR_DEVICE_REMOVED (0x32)"},
        {"Encrypt=0xe0@3", ERR_GONE, "C_Encrypt gave CKR_TOKEN_NOT_PRESENT (0xE0)"},
        {"Encrypt=0xb3@3", ERR_GONE, "C_Encrypt gave CKR_SESSION_HANDLE_INVALID (0xB3)"},
        {"EncryptInit=0xb3@3", ERR_GONE, "C_EncryptInit gave CKR_SESSION_HANDLE_INVALID"},
        {"EncryptInit=0x101@3", ERR_GONE, "C_EncryptInit gave CKR_USER_NOT_LOGGED_IN"},
        {"Encrypt=0x6@3", ERR_CRYPTO, "C_Encrypt gave CKR_FUNCTION_FAILED"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct token_key *k = NULL;
        struct err e = {0};
        uint8_t block[16] = {0};
        setenv("FAKE_TOKEN", rows[i].fault, 1);
        assert_int_equal(token_key_open(&k, fake_ref, NULL, &e), ERR_OK);
        assert_int_equal(token_key_cbc(k, block, 1, block, &e), ERR_OK);
        for (int n = 0; n < 2; n++) { // and it stays so
            assert_int_equal(token_key_cbc(k, block, 1, block, &e), rows[i].code);
            if (!strstr(e.text, rows[i].why)) fail_msg("%s: %s", rows[i].fault, e.text);
        }
        token_key_close(k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_token_uri_names_a_key),
        cmocka_unit_test(test_token_uri_refuses),
        cmocka_unit_test(test_token_computes_what_openssl_does),
        cmocka_unit_test(test_token_names_what_is_wrong_with_the_key),
        cmocka_unit_test(test_token_names_what_is_wrong_with_the_pin),
        cmocka_unit_test(test_token_names_what_is_wrong_with_the_module),
        cmocka_unit_test(test_token_that_disappears_is_gone),
        cmocka_unit_test(test_token_faults_while_it_is_opened),
        cmocka_unit_test(test_token_faults_in_mid_run),
    };
    return cmocka_run_group_tests_name("base/token", tests, begin, end);
}
