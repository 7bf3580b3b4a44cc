// The store: names that cannot leave the attempt, copies that are what was given, and digests that
// sha256sum agrees with.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/record/store.h"

static char dir[64];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/store-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", dir);
    return system(command);
}

static int file_with(const char *text)
{
    int fd = memfd_create("evidence", 0);
    assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    return fd;
}

static void test_names(void **state)
{
    (void)state;
    static const char *const good[] = {"a", "iq/x.sigmf-data", "a/b/c/d", "k=v,w=1+3", "x..y"};
    static const char *const bad[] = {"",     "/etc/passwd", "../x",     "a/../b", "a//b",
                                      "a/",   ".hidden",     "a/.b",     "a b",    "a\nb",
                                      "a\\b", "a/b/c/d/e",   "\xc3\xa9", "a\"b",   "a:b"};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(store_path_is_safe(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(store_path_is_safe(bad[i]));
    char path[256];
    assert_int_equal(store_attempt_path("A-1", "", 2, path, sizeof path, NULL), ERR_OK);
    assert_string_equal(path, "cases/A-1/_/attempt-2");
    assert_int_equal(store_attempt_path("A/1", "_", 1, path, sizeof path, NULL), ERR_INVALID);
    assert_int_equal(store_attempt_path("A-1", "k=v/..", 1, path, sizeof path, NULL), ERR_INVALID);
}

static void test_copies_and_digests(void **state)
{
    (void)state;
    struct store *s;
    assert_int_equal(store_new(&s, dir, "A-1", "_", 1, NULL), ERR_OK);
    int fd = file_with("abc");
    assert_int_equal(store_put(s, "z.txt", fd, "text/plain", "n", NULL), ERR_OK);
    assert_int_equal(store_put(s, "iq/a.bin", fd, NULL, NULL, NULL), ERR_OK);
    assert_int_equal(store_put(s, "z.txt", fd, NULL, NULL, NULL), ERR_SEQUENCE);
    assert_int_equal(store_put(s, "iq", fd, NULL, NULL, NULL), ERR_SEQUENCE);
    assert_int_equal(store_put(s, "z.txt/x", fd, NULL, NULL, NULL), ERR_SEQUENCE);
    assert_int_equal(store_put(s, "verdict.json.part", fd, NULL, NULL, NULL), ERR_INVALID);
    close(fd);
    struct jval *files = store_files(s, NULL);
    assert_int_equal(jval_len(files), 2);
    const struct jval *first = jval_at(files, 0);
    assert_string_equal(jval_text(jval_get(first, "path"), ""), "iq/a.bin");
    assert_int_equal(jval_int(jval_get(first, "size"), 0), 3);
    // of FIPS 180-2, for "abc"
    assert_string_equal(jval_text(jval_get(first, "sha256"), ""),
                        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    jval_free(files);
    store_free(s);
    assert_int_equal(store_new(&s, dir, "A-1", "_", 1, NULL), ERR_IO); // never overwritten
    char path[128];
    snprintf(path, sizeof path, "cmp -n 3 %s/cases/A-1/_/attempt-1/iq/a.bin - <<X\nabc\nX", dir);
    assert_int_equal(system(path), 0);
}

// The disk fills up in the middle of a file: an error, and no half of it stays.
static void test_full_disk(void **state)
{
    (void)state;
    pid_t child = fork();
    if (child == 0) {
        struct store *s;
        struct err e = {0};
        char text[5000];
        memset(text, 'x', sizeof text);
        text[sizeof text - 1] = 0;
        int fd = file_with(text);
        signal(SIGXFSZ, SIG_IGN);
        struct rlimit limit = {1000, 1000}; // stands in for the disk
        if (store_new(&s, dir, "A-1", "_", 1, NULL) < 0 || setrlimit(RLIMIT_FSIZE, &limit) != 0)
            _exit(1);
        if (store_put(s, "big.txt", fd, NULL, NULL, &e) != ERR_IO) _exit(2);
        if (!strstr(e.text, "evidence \"big.txt\": File too large")) _exit(3);
        struct jval *files = store_files(s, NULL);
        _exit(jval_len(files) == 0 ? 0 : 4);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 0);
    char path[128];
    snprintf(path, sizeof path, "%s/cases/A-1/_/attempt-1/big.txt", dir);
    assert_int_equal(access(path, F_OK), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test_setup_teardown(test_copies_and_digests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
