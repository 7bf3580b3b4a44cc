// Key references are read strictly, and no error ever shows a key.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/secret.h"

static const char digits[] = "00112233445566778899AABBCCDDEEFF";

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_secret_reads_files_and_variables(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_secret.XXXXXX", path[64], ref[80], print[SECRET_FINGERPRINT_LEN];
    struct secret a, b;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/k", folder);
    snprintf(ref, sizeof ref, "file:%s", path);
    write_file(path, "0011 2233 4455 6677\n8899aabbccddeeff\n");
    assert_int_equal(secret_from_ref(&a, ref, NULL, 16, NULL), ERR_OK);
    assert_int_equal(a.len, 16);
    assert_int_equal(a.data[15], 0xFF);
    assert_int_equal(secret_from_ref(&b, "file:k", folder, 16, NULL), ERR_OK);
    assert_true(secret_equal(&a, &b));
    secret_deinit(&b);
    setenv("TEST_SECRET", digits, 1);
    assert_int_equal(secret_from_ref(&b, "env:TEST_SECRET", NULL, 16, NULL), ERR_OK);
    assert_true(secret_equal(&a, &b));
    b.data[3] ^= 1;
    assert_false(secret_equal(&a, &b));
    secret_fingerprint(&a, print); // openssl enc -aes-128-ecb, sha256sum
    assert_string_equal(print, "63c16c6dffa82e76");
    secret_deinit(&a);
    assert_int_equal(a.len, 0);
    assert_int_equal(a.data[15], 0);
    secret_deinit(&b);
    secret_deinit(NULL);
    unlink(path);
    rmdir(folder);
}

static void refuse(const char *ref, int code, const char *why)
{
    struct secret s;
    struct err e = {0};
    assert_int_equal(secret_from_ref(&s, ref, NULL, 16, &e), code);
    if (!strstr(e.text, why)) fail_msg("expected \"%s\" in \"%s\"", why, e.text);
    if (strstr(e.text, "2233")) fail_msg("the text shows the key: %s", e.text);
}

static void test_secret_refuses_without_showing(void **state)
{
    (void)state;
    char path[] = "/tmp/test_secret_bad.XXXXXX", ref[64];
    close(mkstemp(path));
    snprintf(ref, sizeof ref, "file:%s", path);
    write_file(path, "00112233");
    refuse(ref, ERR_FORMAT, "expected exactly 32 hex digits");
    write_file(path, "00112233445566778899AABBCCDDEEFF00");
    refuse(ref, ERR_FORMAT, "expected exactly 32 hex digits");
    write_file(path, "00112233445566778899AABBCCDDEEFG");
    refuse(ref, ERR_FORMAT, "expected exactly 32 hex digits");
    write_file(path, "");
    refuse(ref, ERR_FORMAT, "expected exactly 32 hex digits");
    unlink(path);
    refuse(ref, ERR_IO, "No such file");
    refuse("file:/", ERR_IO, "directory");
    unsetenv("TEST_SECRET_NONE");
    refuse("env:TEST_SECRET_NONE", ERR_NOTFOUND, "not set");
    refuse(digits, ERR_USAGE, "never the key itself");
    refuse("hex:00112233445566778899AABBCCDDEEFF", ERR_USAGE, "of kind 'hex'");
    refuse("00:11:2233445566778899AABBCCDDEEFF", ERR_USAGE, "of kind ''");
    struct secret s;
    uint8_t big[SECRET_MAX + 1] = {0};
    assert_int_equal(secret_init(&s, big, sizeof big, NULL), ERR_LIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret_reads_files_and_variables),
        cmocka_unit_test(test_secret_refuses_without_showing),
    };
    return cmocka_run_group_tests_name("base/secret", tests, NULL, NULL);
}
