// verify finds every flipped bit, tells a torn line from an altered one, and names the place.
//
// The run directory is a real one: foxbench run with the fake worker of this folder.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "bench/base/rng.h"
#include "bench/record/verify.h"

enum { FLIPS = 1500 };

static char base[64];
static char run_dir[256];
static char files[64][256]; // of the run, relative
static size_t n_files;

static int shell(const char *fmt, ...)
{
    char command[2048];
    va_list args;
    va_start(args, fmt);
    vsnprintf(command, sizeof command, fmt, args);
    va_end(args);
    return system(command);
}

static int make_run(void **state)
{
    (void)state;
    snprintf(base, sizeof base, "/tmp/verify-XXXXXX");
    if (!mkdtemp(base)) return -1;
    snprintf(run_dir, sizeof run_dir, "%s/results/latest/", base);
    // exit 1: the selection has a fail
    int rc = shell("FOXBENCH_WORKER=%s/../tests/fake_worker FOXBENCH_LAB=%s/bench/record/tests/"
                   "fake_lab.sh %s/foxbench run PASS FAIL CRASH NA PASS -o %s/results "
                   ">%s/tap 2>%s/err",
                   FOX_BIN_DIR, FOX_SOURCE_DIR, FOX_BIN_DIR, base, base, base);
    if (rc != 1 << 8) return -1;
    char list[128], line[256];
    snprintf(list, sizeof list, "cd %s && find . -type f -not -path './report/*' | sort", run_dir);
    FILE *p = popen(list, "r");
    while (p && fgets(line, sizeof line, p) && n_files < 64) {
        line[strcspn(line, "\n")] = 0;
        if (strcmp(line, "./junit.xml") == 0) continue;
        snprintf(files[n_files++], sizeof *files, "%s", line + 2);
    }
    return p && pclose(p) == 0 && n_files >= 12 ? 0 : -1;
}

static int remove_run(void **state)
{
    (void)state;
    return shell("rm -rf %s", base);
}

static void verify(enum verify_state expected, const char *where)
{
    struct verify_result r;
    struct err e = {0};
    if (verify_run(&r, run_dir, &e) < 0) fail_msg("%s", e.text);
    if (r.state != expected || (where && strncmp(r.where, where, strlen(where)) != 0))
        fail_msg("expected state %d at %s, got %d at \"%s\": %s", expected, where ? where : "-",
                 r.state, r.where, r.why);
    verify_result_deinit(&r);
}

static int open_file(const char *name)
{
    char path[600];
    snprintf(path, sizeof path, "%s%s", run_dir, name);
    int fd = open(path, O_RDWR);
    assert_true(fd >= 0);
    return fd;
}

static void flip(const char *name, off_t byte, int bit)
{
    int fd = open_file(name);
    unsigned char c;
    assert_true(pread(fd, &c, 1, byte) == 1);
    c ^= (unsigned char)(1 << bit);
    assert_true(pwrite(fd, &c, 1, byte) == 1);
    close(fd);
}

static off_t size_of(const char *name)
{
    int fd = open_file(name);
    off_t size = lseek(fd, 0, SEEK_END);
    close(fd);
    return size;
}

static void check_flip(const char *name, off_t byte, int bit)
{
    flip(name, byte, bit);
    verify(VERIFY_ALTERED, name);
    flip(name, byte, bit);
}

static void test_intact(void **state)
{
    (void)state;
    struct verify_result r;
    assert_int_equal(verify_run(&r, run_dir, NULL), ERR_OK);
    assert_int_equal(r.state, VERIFY_INTACT);
    // everything but the two ledgers
    assert_int_equal(r.files, n_files - 2);
    for (size_t i = 0; i < jval_len(r.uncovered); i++) {
        const char *path = jval_text(jval_at(r.uncovered, i), "");
        assert_true(strcmp(path, "junit.xml") == 0 || strncmp(path, "report/", 7) == 0);
    }
    verify_result_deinit(&r);
}

static void test_random_flips_are_found(void **state)
{
    (void)state;
    uint64_t key = rng_key(1, "flips");
    for (uint64_t i = 0; i < FLIPS; i++) {
        const char *name = files[rng_u64(key, 3 * i) % n_files];
        off_t size = size_of(name);
        check_flip(name, (off_t)(rng_u64(key, 3 * i + 1) % (uint64_t)size),
                   (int)(rng_u64(key, 3 * i + 2) % 8));
    }
}

// The last lines have nothing after them: every bit of them must be bound by something else.
static void test_every_bit_of_the_last_lines(void **state)
{
    (void)state;
    static const char *const ledgers[] = {"events.jsonl", "wall.jsonl"};
    for (size_t k = 0; k < 2; k++) {
        off_t size = size_of(ledgers[k]);
        for (off_t at = size - 130; at < size; at++)
            for (int bit = 0; bit < 8; bit++)
                check_flip(ledgers[k], at, bit);
    }
}

static void truncate_file(const char *name, off_t size)
{
    int fd = open_file(name);
    assert_int_equal(ftruncate(fd, size), 0);
    close(fd);
}

static void test_torn_last_line_is_unfinished(void **state)
{
    (void)state;
    static const char *const ledgers[] = {"events.jsonl", "wall.jsonl"};
    for (size_t k = 0; k < 2; k++) {
        assert_int_equal(shell("cp %s%s %s/keep", run_dir, ledgers[k], base), 0);
        off_t size = size_of(ledgers[k]);
        for (off_t lost = 1; lost < 60; lost++) {
            truncate_file(ledgers[k], size - lost);
            verify(VERIFY_UNFINISHED, "");
        }
        assert_int_equal(shell("cp %s/keep %s%s", base, run_dir, ledgers[k]), 0);
    }
    verify(VERIFY_INTACT, "");
}

// Removes, doubles, swaps and adds what no torn line explains.
static void test_edits_are_found(void **state)
{
    (void)state;
    static const struct {
        const char *edit; // in the run directory
        const char *where;
    } edits[] = {
        {"sed -i '$d' events.jsonl", "events.jsonl"},
        {"sed -i '$d' events.jsonl; sed -i '$d' events.jsonl", "events.jsonl"},
        {"sed -i '5d' events.jsonl", "events.jsonl line 5"},
        {"sed -i '5p' events.jsonl", "events.jsonl line 6"},
        {"sed -i '5d' wall.jsonl", "wall.jsonl"},
        {"tail -1 events.jsonl >> events.jsonl", "events.jsonl"},
        {"echo >> wall.jsonl", "wall.jsonl"},
        {"printf x >> wall.jsonl", "wall.jsonl"},
        {"sed -i 's/\"verdict\":\"fail\"/\"verdict\":\"pass\"/' events.jsonl", "events.jsonl line"},
        {"rm cases/FAKE-PASS-1/_/attempt-1/log.txt", "cases/FAKE-PASS-1/_/attempt-1/log.txt"},
        {"ln -sf /etc/hostname cases/FAKE-PASS-1/_/attempt-1/log.txt",
         "cases/FAKE-PASS-1/_/attempt-1/log.txt"},
        {": > run.tap", "run.tap"},
        {"rm plan.json", "plan.json"},
        {"rm events.jsonl", "events.jsonl"},
        {"sed -i 's/\"fail\"/\"pass\"/' cases/FAKE-FAIL-2/_/attempt-1/verdict.json",
         "cases/FAKE-FAIL-2/_/attempt-1/verdict.json"},
    };
    assert_int_equal(shell("cp -a %s %s/copy", run_dir, base), 0);
    char real[256];
    snprintf(real, sizeof real, "%s", run_dir);
    snprintf(run_dir, sizeof run_dir, "%s/edited/", base);
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        assert_int_equal(shell("rm -rf %s/edited && cp -a %s/copy %s/edited", base, base, base), 0);
        assert_int_equal(shell("cd %s && %s", run_dir, edits[i].edit), 0);
        verify(VERIFY_ALTERED, edits[i].where);
    }
    snprintf(run_dir, sizeof run_dir, "%s", real);
}

static void test_extra_files_do_no_harm(void **state)
{
    (void)state;
    assert_int_equal(shell("echo hello > %snotes.txt", run_dir), 0);
    struct verify_result r;
    assert_int_equal(verify_run(&r, run_dir, NULL), ERR_OK);
    assert_int_equal(r.state, VERIFY_INTACT);
    bool named = false;
    for (size_t i = 0; i < jval_len(r.uncovered); i++)
        named = named || strcmp(jval_text(jval_at(r.uncovered, i), ""), "notes.txt") == 0;
    assert_true(named);
    verify_result_deinit(&r);
    assert_int_equal(shell("rm %snotes.txt", run_dir), 0);
}

static void test_not_a_run_directory(void **state)
{
    (void)state;
    struct verify_result r;
    struct err e;
    assert_int_equal(verify_run(&r, "/proc", &e), ERR_NOTFOUND);
    assert_non_null(strstr(e.text, "expected a run directory"));
    assert_int_equal(verify_run(&r, "/nonexistent", &e), ERR_NOTFOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_intact),
        cmocka_unit_test(test_random_flips_are_found),
        cmocka_unit_test(test_every_bit_of_the_last_lines),
        cmocka_unit_test(test_torn_last_line_is_unfinished),
        cmocka_unit_test(test_edits_are_found),
        cmocka_unit_test(test_extra_files_do_no_harm),
        cmocka_unit_test(test_not_a_run_directory),
    };
    return cmocka_run_group_tests(tests, make_run, remove_run);
}
