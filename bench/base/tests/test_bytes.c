// Byte buffers, hexadecimal text and errors.
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/bytes.h"

static void test_bytes_grow_to_their_maximum(void **state)
{
    (void)state;
    struct bytes b;
    struct err e = {0};
    uint8_t block[300];
    bytes_init(&b, 1000);
    bytes_drop(&b, 0); // nothing there yet
    for (unsigned i = 0; i < 3; i++) {
        memset(block, (int)i, sizeof block);
        assert_int_equal(bytes_append(&b, block, sizeof block, NULL), ERR_OK);
    }
    assert_int_equal(b.len, 900);
    assert_int_equal(b.data[599], 1);
    assert_int_equal(b.data[900], 0);
    assert_int_equal(bytes_append(&b, block, 101, &e), ERR_LIMIT);
    assert_string_equal(e.text, "buffer of at most 1000 bytes cannot take 101 more");
    assert_int_equal(bytes_append(&b, block, 100, NULL), ERR_OK);
    assert_int_equal(bytes_append(&b, block, SIZE_MAX, NULL), ERR_LIMIT);
    bytes_drop(&b, 600);
    assert_int_equal(b.len, 400);
    assert_int_equal(b.data[0], 2);
    bytes_deinit(&b);
    bytes_deinit(&b);
    bytes_deinit(NULL);
}

static void test_bytes_print_and_hand_over(void **state)
{
    (void)state;
    struct bytes b;
    size_t len;
    bytes_init(&b, 64);
    assert_null(bytes_take(&b, &len));
    assert_int_equal(bytes_printf(&b, NULL, "%d-%s", 12, "ab"), ERR_OK);
    assert_int_equal(bytes_printf(&b, NULL, "%c", '!'), ERR_OK);
    assert_int_equal(bytes_printf(&b, NULL, "%100d", 1), ERR_LIMIT);
    char *text = (char *)bytes_take(&b, &len);
    assert_string_equal(text, "12-ab!");
    assert_int_equal(len, 6);
    assert_int_equal(b.len, 0);
    free(text);
}

static void test_bytes_read_files(void **state)
{
    (void)state;
    char path[] = "/tmp/test_bytes.XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "a\0b", 3), 3);
    close(fd);
    struct bytes b;
    struct err e = {0};
    bytes_init(&b, 16);
    assert_int_equal(bytes_read_file(&b, path, NULL), ERR_OK);
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "a\0b", 4);
    unlink(path);
    assert_int_equal(bytes_read_file(&b, path, &e), ERR_IO);
    assert_non_null(strstr(e.text, "No such file"));
    assert_int_equal(bytes_read_file(&b, "/", &e), ERR_IO);
    bytes_deinit(&b);
}

static void test_hex_goes_both_ways(void **state)
{
    (void)state;
    uint8_t all[256], back[256];
    char text[513];
    for (unsigned i = 0; i < 256; i++)
        all[i] = (uint8_t)i;
    hex_encode(all, sizeof all, text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text + 20, "0a0b", 4);
    assert_int_equal(hex_decode(text, back, sizeof back, NULL), 256);
    assert_memory_equal(all, back, sizeof all);
    assert_int_equal(hex_decode("DeAd", back, 2, NULL), 2);
    assert_int_equal(back[0], 0xDE);
    assert_int_equal(hex_decode("", back, 0, NULL), 0);
}

static void refuse_hex(const char *text, size_t max, const char *why)
{
    uint8_t out[4];
    struct err e = {0};
    assert_int_equal(hex_decode(text, out, max, &e), ERR_FORMAT);
    if (!strstr(e.text, why)) fail_msg("expected \"%s\" in \"%s\"", why, e.text);
}

static void test_hex_refuses_other_texts(void **state)
{
    (void)state;
    refuse_hex("abc", 4, "an even number");
    refuse_hex("aabb", 1, "at most 2 hex digits, got 4");
    refuse_hex("aaxb", 4, "got 'xb' at position 2");
    refuse_hex("a ", 4, "got 'a '");
    refuse_hex("\xc3\xa4", 4, "at position 0");
}

static void test_err_keeps_code_and_text(void **state)
{
    (void)state;
    struct err e = {0};
    assert_int_equal(err_set(&e, ERR_BUSY, "port %d", 3), ERR_BUSY);
    assert_int_equal(err_prefix(&e, "device %s", "A"), ERR_BUSY);
    assert_string_equal(e.text, "device A: port 3");
    assert_int_equal(err_set(NULL, ERR_IO, "x"), ERR_IO);
    assert_string_equal(err_name(ERR_NOMEM), "NOMEM");
    assert_string_equal(err_name(ERR_OK), "OK");
    assert_string_equal(err_name(-999), "UNKNOWN");
    char longer[1000];
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = 0;
    err_set(&e, ERR_IO, "%s", longer);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
    assert_int_equal(err_prefix(&e, "%s", longer), ERR_IO);
    assert_int_equal(strlen(e.text), sizeof e.text - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_grow_to_their_maximum),
        cmocka_unit_test(test_bytes_print_and_hand_over),
        cmocka_unit_test(test_bytes_read_files),
        cmocka_unit_test(test_hex_goes_both_ways),
        cmocka_unit_test(test_hex_refuses_other_texts),
        cmocka_unit_test(test_err_keeps_code_and_text),
    };
    return cmocka_run_group_tests_name("base/bytes", tests, NULL, NULL);
}
