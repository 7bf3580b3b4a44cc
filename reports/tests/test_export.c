// What machines of others are told of runs that ended well, badly, not at all, or full of hostile
// text. check_exports.py judges: published schemas, and the ledger read anew.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/bytes.h"
#include "bench/base/json.h"
#include "reports/export.h"
#include "reports/tests/sample_run.h"

static char folder[] = "/tmp/test_export.XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static void path_of(char path[512], const char *run, const char *file)
{
    snprintf(path, 512, "%s/%s/%s", folder, run, file);
}

static void export_all(const char *run, const struct sample_run *what)
{
    char dir[512];
    struct err err = {0};
    path_of(dir, run, "");
    dir[strlen(dir) - 1] = '\0';
    if (what) sample_run_make(dir, what);
    if (export_oscal(dir, &err) < 0 || export_sarif(dir, &err) < 0 ||
        export_intoto(dir, NULL, &err) < 0)
        fail_msg("%s", err.text);
}

static void test_strangers_accept_what_is_told(void **state)
{
    (void)state;
    static const char hostile[] = "\"'}]\\ # TO"
                                  "DO\nnot ok 1\t{\"uuid5\":\"x\"} \u202e\u2028\x01\x7f %s";
    char command[1024];
    export_all("failed", &(struct sample_run){0});
    export_all("better", &(struct sample_run){.without_fail = true, .jammed = true});
    export_all("unfinished", &(struct sample_run){.unfinished = true});
    export_all("hostile", &(struct sample_run){.hostile = hostile, .jammed = true});
    snprintf(command, sizeof command,
             "cd '%s' && FOX_SOURCE_DIR='" FOX_SOURCE_DIR "' '" FOX_SOURCE_DIR
             "/reports/tests/check_exports.py' failed better unfinished hostile >&2",
             folder);
    assert_int_equal(system(command), 0);
}

static void read_whole(const char *run, const char *file, struct bytes *out)
{
    char path[512];
    struct err err = {0};
    path_of(path, run, file);
    bytes_init(out, 16 << 20);
    if (bytes_read_file(out, path, &err) < 0) fail_msg("%s", err.text);
}

static void test_same_run_same_bytes_and_no_secret(void **state)
{
    (void)state;
    static const char *const files[] = {EXPORT_OSCAL, EXPORT_SARIF, EXPORT_ITEM, EXPORT_STATEMENT};
    struct bytes before[4], after;
    export_all("twice", &(struct sample_run){.jammed = true});
    for (size_t i = 0; i < 4; i++)
        read_whole("twice", files[i], &before[i]);
    export_all("twice", NULL);
    for (size_t i = 0; i < 4; i++) {
        read_whole("twice", files[i], &after);
        assert_int_equal(after.len, before[i].len);
        assert_memory_equal(after.data, before[i].data, after.len);
        assert_null(strstr((const char *)after.data, "topsecret"));
        assert_null(strstr((const char *)after.data, "c0ffee00c0ffee00"));
        bytes_deinit(&after);
        bytes_deinit(&before[i]);
    }
}

static void test_uuid_is_version_5(void **state)
{
    (void)state;
    char uuid[EXPORT_UUID_LEN];
    struct err err = {0};
    // uuidgen --sha1 --namespace @url --name urn:x-foxbench:a
    assert_int_equal(export_uuid("a", uuid, &err), ERR_OK);
    assert_string_equal(uuid, "7c0bae50-1f19-5380-bf3e-60d6a8d64bcf");
}

static const char *lacks(const struct jval *list, const char *what)
{
    for (size_t i = 0; i < jval_len(list); i++) {
        const char *text = jval_text(jval_get(jval_at(list, i), "lacks"), "");
        if (strstr(text, what)) return text;
    }
    return NULL;
}

static void test_lint_names_what_is_lacking(void **state)
{
    (void)state;
    char dir[512];
    struct err err = {0};
    struct jval *list = NULL;
    path_of(dir, "lint", "");
    sample_run_make(dir, &(struct sample_run){0});
    assert_int_equal(export_lint(dir, &list, &err), ERR_OK);
    assert_non_null(lacks(list, "name of the laboratory"));
    assert_non_null(lacks(list, "SHA-256 of the firmware"));
    assert_non_null(lacks(list, "person who tested"));
    assert_non_null(lacks(list, "a decision on AUTH-UL-003: the radio went away (blame: bench)"));
    assert_non_null(lacks(list, "a decision on CNT-UL-004: the bench gave up"));
    assert_non_null(lacks(list, "tests that level basic demands"));
    assert_non_null(lacks(list, "a signature"));
    assert_null(lacks(list, "the end")); // it has one
    assert_null(lacks(list, "a decision on AUTH-UL-001"));
    jval_free(list);
    path_of(dir, "lint-unfinished", "");
    sample_run_make(dir, &(struct sample_run){.unfinished = true});
    assert_int_equal(export_lint(dir, &list, &err), ERR_OK);
    assert_non_null(lacks(list, "the end"));
    jval_free(list);
}

static void test_broken_runs_are_named(void **state)
{
    (void)state;
    char dir[512], path[512];
    struct err err = {0};
    path_of(dir, "none", "");
    assert_int_equal(export_sarif(dir, &err), ERR_IO);
    assert_non_null(strstr(err.text, "expected a run directory"));

    path_of(dir, "empty", "");
    sample_run_make(dir, &(struct sample_run){0});
    path_of(path, "empty", "wall.jsonl");
    assert_int_equal(truncate(path, 0), 0);
    assert_int_equal(export_oscal(dir, &err), ERR_FORMAT);
    assert_non_null(strstr(err.text, "expected the time of at least one event, found none"));
    path_of(path, "empty", EXPORT_OSCAL);
    assert_int_not_equal(access(path, F_OK), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_strangers_accept_what_is_told),
        cmocka_unit_test(test_same_run_same_bytes_and_no_secret),
        cmocka_unit_test(test_uuid_is_version_5),
        cmocka_unit_test(test_lint_names_what_is_lacking),
        cmocka_unit_test(test_broken_runs_are_named),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
