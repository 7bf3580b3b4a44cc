// The devices' memory: time, torn writes, persistence.
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "dut/lab/nvm.h"

enum { SIZE = 64, MS = 1000000 }; // a byte takes 0.1 ms

static char path[64];

static int setup(void **state)
{
    (void)state;
    snprintf(path, sizeof path, "/tmp/test_lab_nvm.XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 || close(fd) < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    return unlink(path);
}

static struct nvm *open_it(void)
{
    struct nvm *m;
    assert_int_equal(nvm_open(&m, path, SIZE, NULL, NULL), ERR_OK);
    return m;
}

static void test_nvm_begins_erased(void **state)
{
    (void)state;
    struct nvm *m = open_it();
    uint8_t data[SIZE], erased[SIZE];
    memset(erased, 0xff, SIZE);
    assert_int_equal(nvm_read(m, 0, 0, SIZE, data), 0);
    assert_memory_equal(data, erased, SIZE);
    assert_int_equal(nvm_read(m, 0, 1, SIZE, data), EINVAL);
    assert_int_equal(nvm_read(m, 0, SIZE + 1, 0, data), EINVAL);
    int64_t done;
    assert_int_equal(nvm_write(m, 0, SIZE - 1, data, 2, &done), EINVAL);
    assert_int_equal(nvm_write(m, 0, SIZE_MAX, data, 2, &done), EINVAL);
    nvm_close(m);
}

static void test_nvm_begins_as_told_and_keeps_what_it_has(void **state)
{
    (void)state;
    uint8_t initial[SIZE] = "the maker's record", data[SIZE];
    struct nvm *m;
    int64_t done;
    assert_int_equal(nvm_open(&m, path, SIZE, initial, NULL), ERR_OK);
    assert_int_equal(nvm_read(m, 0, 0, SIZE, data), 0);
    assert_memory_equal(data, initial, SIZE);
    assert_int_equal(nvm_write(m, 0, 4, (const uint8_t *)"user ", 5, &done), 0);
    nvm_settle(m, done);
    nvm_close(m);
    assert_int_equal(nvm_open(&m, path, SIZE, initial, NULL), ERR_OK); // only a new one is filled
    assert_int_equal(nvm_read(m, 0, 0, SIZE, data), 0);
    assert_string_equal((const char *)data, "the user 's record");
    nvm_close(m);
}

static void test_nvm_keeps_exactly_what_was_written_by_the_cut(void **state)
{
    (void)state;
    // Every possible moment of a cut inside a write of 10 bytes that begins at 5 ms.
    for (int64_t cut = 5 * MS; cut <= 6 * MS + 1; cut += MS / 20) {
        assert_int_equal(truncate(path, 0), 0);
        struct nvm *m = open_it();
        int64_t done;
        assert_int_equal(nvm_write(m, 5 * MS, 3, (const uint8_t *)"0123456789", 10, &done), 0);
        assert_int_equal(done, 6 * MS);
        nvm_cut(m, cut);
        nvm_settle(m, 100 * MS); // nothing goes on after the cut
        nvm_close(m);
        m = open_it(); // from the file
        uint8_t data[16];
        assert_int_equal(nvm_read(m, 0, 0, 16, data), 0);
        size_t kept = (size_t)((cut - 5 * MS) / (MS / 10));
        for (size_t i = 0; i < 16; i++) {
            uint8_t expected = i >= 3 && i < 3 + kept && i < 13 ? (uint8_t)('0' + i - 3) : 0xff;
            if (data[i] != expected)
                fail_msg("cut at %lld ns: byte %zu is %02x, expected %02x", (long long)cut, i,
                         data[i], expected);
        }
        nvm_close(m);
    }
}

static void test_nvm_writes_follow_each_other(void **state)
{
    (void)state;
    struct nvm *m = open_it();
    int64_t first, second;
    uint8_t data[4];
    assert_int_equal(nvm_write(m, 0, 0, (const uint8_t *)"aaaa", 4, &first), 0);
    assert_int_equal(nvm_write(m, MS / 10, 0, (const uint8_t *)"bb", 2, &second), 0);
    assert_int_equal(first, 4 * MS / 10);
    assert_int_equal(second, 6 * MS / 10); // after the first one
    assert_int_equal(nvm_read(m, 5 * MS / 10, 0, 4, data), 0);
    assert_memory_equal(data, "baaa", 4);
    assert_int_equal(nvm_read(m, 6 * MS / 10, 0, 4, data), 0);
    assert_memory_equal(data, "bbaa", 4);
    nvm_close(m);
}

static void test_nvm_refuses_a_file_of_another_size(void **state)
{
    (void)state;
    assert_int_equal(truncate(path, 10), 0);
    struct nvm *m = NULL;
    struct err e = {0};
    assert_int_equal(nvm_open(&m, path, SIZE, NULL, &e), ERR_FORMAT);
    assert_non_null(strstr(e.text, "has 10 bytes, expected 64"));
    assert_int_equal(nvm_open(&m, "/no/such/folder/x.nvm", SIZE, NULL, &e), ERR_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nvm_begins_erased, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nvm_begins_as_told_and_keeps_what_it_has, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_nvm_keeps_exactly_what_was_written_by_the_cut, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_nvm_writes_follow_each_other, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nvm_refuses_a_file_of_another_size, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
