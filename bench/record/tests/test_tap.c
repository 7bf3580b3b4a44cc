// TAP lines, byte by byte, and random titles through prove.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/base/rng.h"
#include "bench/record/tap.h"
#include "bench/record/text.h"

static char *written;
static size_t written_len;

static void point(enum verdict v, const char *title, const char *reason)
{
    struct tap t;
    FILE *f = open_memstream(&written, &written_len);
    assert_int_equal(tap_begin(&t, f, NULL, 1, NULL), ERR_OK);
    const struct tap_point p = {
        .id = "A-1", .title = title, .verdict = v, .blame = BLAME_DEVICE, .reason = reason};
    assert_int_equal(tap_point(&t, &p, NULL), ERR_OK);
    fclose(f);
}

static void check(enum verdict v, const char *title, const char *reason, const char *expected)
{
    point(v, title, reason);
    assert_string_equal(written + strlen("TAP version 13\n1..1\n"), expected);
    free(written);
}

static void test_points(void **state)
{
    (void)state;
    check(VERDICT_PASS, "fine", "every demand met (3)", "ok 1 - A-1 fine\n");
    check(VERDICT_FAIL, "a #1 \\ b", "say \"no\" \\",
          "not ok 1 - A-1 a \\#1 \\\\ b\n  ---\n  verdict: fail\n  blame: device\n"
          "  reason: \"say \\\"no\\\" \\\\\"\n  ...\n");
    check(VERDICT_NA, "t", "no downlink # declared",
          "ok 1 - A-1 t # SKIP no downlink \\# declared\n");
    check(VERDICT_NA, "t", "", "ok 1 - A-1 t # SKIP not applicable: the feature is not declared\n");
    check(VERDICT_NOTRUN, "x\ny\tz\x7f", "r",
          "not ok 1 - A-1 x y z \n  ---\n  verdict: notrun\n  blame: device\n  reason: \"r\"\n  "
          "...\n");
    check(VERDICT_WARN, "\xff\xc3\xa9\xed\xa0\x80", "r",
          "ok 1 - A-1 \xef\xbf\xbd\xc3\xa9\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\n  ---\n"
          "  verdict: warn\n  blame: device\n  reason: \"r\"\n  ...\n");
}

static void test_nothing_planned_is_skipped(void **state)
{
    (void)state;
    struct tap t;
    FILE *f = open_memstream(&written, &written_len);
    assert_int_equal(tap_begin(&t, f, NULL, 0, NULL), ERR_OK);
    fclose(f);
    assert_string_equal(written, "TAP version 13\n1..0 # SKIP nothing is applicable\n");
    free(written);
}

static void add(char *text, size_t size, const char *part)
{
    size_t n = strlen(text);
    snprintf(text + n, size - n, "%s", part);
}

// Titles made of what TAP parsers react to: 40 points, every third red. prove must see just those.
static void test_random_titles_through_prove(void **state)
{
    (void)state;
    static const char *const parts[] = {
        "# TODO", "# SKIP", "#",  "\\",   "\n",        "ok 1",          "not ok",
        "1..1",   " - ",    "\"", "\r",   "Bail out!", "\xff",          "\xe2\x80\xa8",
        "  ---",  "...",    "\t", "todo", "\x1b[0m",   "pragma +strict"};
    enum { PARTS = sizeof parts / sizeof *parts, POINTS = 40 };
    uint64_t key = rng_key(1, "titles"), n = 0;
    char path[] = "/tmp/tap-XXXXXX", command[128], out[4096];
    int fd = mkstemp(path);
    FILE *f = fdopen(fd, "w");
    struct tap t;
    assert_int_equal(tap_begin(&t, f, NULL, POINTS, NULL), ERR_OK);
    for (int i = 0; i < POINTS; i++) {
        char title[256] = "", reason[256] = "";
        for (int k = 0; k < 8; k++) {
            add(title, sizeof title, parts[rng_u64(key, n++) % PARTS]);
            add(reason, sizeof reason, parts[rng_u64(key, n++) % PARTS]);
        }
        const struct tap_point p = {.id = "A-1",
                                    .title = title,
                                    .verdict = i % 3 == 0   ? VERDICT_FAIL
                                               : i % 3 == 1 ? VERDICT_PASS
                                                            : VERDICT_NA,
                                    .blame = BLAME_DEVICE,
                                    .reason = reason};
        assert_int_equal(tap_point(&t, &p, NULL), ERR_OK);
    }
    fclose(f);
    snprintf(command, sizeof command, "prove -v -e cat %s 2>&1 | tail -12", path);
    FILE *p = popen(command, "r");
    assert_non_null(p);
    out[fread(out, 1, sizeof out - 1, p)] = 0;
    pclose(p);
    unlink(path);
    if (!strstr(out, "Failed 14/40 subtests") ||
        !strstr(out, "(less 13 skipped subtests: 13 okay)") || strstr(out, "TODO passed") ||
        strstr(out, "Parse errors"))
        fail_msg("expected 14 failed, 13 skipped, 13 passed, got:\n%s", out);
}

// A full disk under run.tap is an error; a reader of stdout that went away is not.
static void test_full_disk(void **state)
{
    (void)state;
    struct tap t;
    struct err e;
    FILE *full = fopen("/dev/full", "w"), *null = fopen("/dev/null", "w");
    assert_non_null(full);
    assert_int_equal(tap_begin(&t, full, NULL, 1, &e), ERR_IO);
    assert_non_null(strstr(e.text, "run.tap cannot be written: No space left"));
    assert_int_equal(tap_begin(&t, null, full, 1, NULL), ERR_OK);
    fclose(full);
    fclose(null);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_nothing_planned_is_skipped),
        cmocka_unit_test(test_random_titles_through_prove),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
