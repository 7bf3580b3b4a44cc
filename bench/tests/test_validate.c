// The kill matrix: what counts as a kill, what is selected, how a run directory is read.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "bench/validate_child.h"
#include "bench/validate_select.h"

// A string that may be changed, as those of argv.
#define TEXT(s) ((char[]){s})

static const char cases_text[] =
    "[{\"id\":\"AUTH-UL-001\",\"suite\":\"AUTH\",\"profiles\":[\"smoke\"],"
    "\"faults\":[\"MUT-A-001\",\"MUT-A-002\"]},"
    "{\"id\":\"AUTH-UL-003\",\"suite\":\"AUTH\",\"profiles\":[],\"faults\":[\"MUT-A-002\"]},"
    "{\"id\":\"CNT-UL-001\",\"suite\":\"CNT\",\"profiles\":[\"smoke\"],\"faults\":[\"MUT-C-001\"]}"
    "]";
static const char faults_text[] = "MUT-A-001  leaves the payload out\nMUT-A-002  wrong key\n"
                                  "MUT-C-001  counter stays\nMUT-X-001  nobody looks for it\n";

static struct jval *cases_of(void)
{
    struct jval *j;
    struct err e = {0};
    if (jval_parse(&j, cases_text, strlen(cases_text), &e) < 0) fail_msg("%s", e.text);
    return j;
}

static int select_into(struct matrix *m, const struct validate_options *o, struct err *err)
{
    struct jval *cases = cases_of();
    matrix_init(m);
    int rc = validate_select(m, o, cases, faults_text, err);
    jval_free(cases);
    return rc;
}

static void put(struct matrix_outcome *o, enum verdict v, enum blame b)
{
    *o = (struct matrix_outcome){0};
    matrix_outcome_add(o, v, b, "because");
}

static void test_only_a_fail_of_the_device_kills(void **state)
{
    (void)state;
    static const struct {
        bool named;
        enum verdict verdict;
        enum blame blame;
        enum verdict reference;
        enum matrix_kind expected;
    } table[] = {
        {true, VERDICT_FAIL, BLAME_DEVICE, VERDICT_PASS, MATRIX_KILLED},
        {true, VERDICT_FAIL, BLAME_DEVICE, VERDICT_INFO, MATRIX_KILLED},
        {true, VERDICT_FAIL, BLAME_DEVICE, VERDICT_FAIL, MATRIX_UNPROVEN},
        {true, VERDICT_FAIL, BLAME_DEVICE, VERDICT_INCONCLUSIVE, MATRIX_UNPROVEN},
        {true, VERDICT_FAIL, BLAME_DEVICE, VERDICT_ERROR, MATRIX_UNPROVEN},
        {true, VERDICT_FAIL, BLAME_BENCH, VERDICT_PASS, MATRIX_ERROR},
        {true, VERDICT_ERROR, BLAME_BENCH, VERDICT_PASS, MATRIX_ERROR},
        {true, VERDICT_ERROR, BLAME_DEVICE, VERDICT_PASS, MATRIX_ERROR},
        {true, VERDICT_NOTRUN, BLAME_BENCH, VERDICT_PASS, MATRIX_ERROR},
        {true, VERDICT_INCONCLUSIVE, BLAME_BENCH, VERDICT_PASS, MATRIX_OPEN},
        {true, VERDICT_PASS, BLAME_NONE, VERDICT_PASS, MATRIX_MISSED},
        {true, VERDICT_WARN, BLAME_DEVICE, VERDICT_PASS, MATRIX_MISSED},
        {true, VERDICT_NA, BLAME_NONE, VERDICT_NA, MATRIX_NA},
        {false, VERDICT_FAIL, BLAME_DEVICE, VERDICT_PASS, MATRIX_STRAY},
        {false, VERDICT_PASS, BLAME_NONE, VERDICT_PASS, MATRIX_CLEAN},
    };
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct matrix_cell cell = {.named = table[i].named};
        struct matrix_outcome reference;
        put(&cell.outcome, table[i].verdict, table[i].blame);
        put(&reference, table[i].reference, BLAME_NONE);
        enum matrix_kind got = matrix_judge(&cell, &reference);
        if (got != table[i].expected)
            fail_msg("row %zu: expected %d, got %d", i, table[i].expected, got);
    }
    const struct matrix_cell nothing = {.named = true};
    struct matrix_outcome reference;
    put(&reference, VERDICT_PASS, BLAME_NONE);
    assert_int_equal(matrix_judge(&nothing, &reference), MATRIX_NONE);
}

static void test_a_fail_of_one_axis_is_not_hidden(void **state)
{
    (void)state;
    struct matrix_outcome o = {0};
    matrix_outcome_add(&o, VERDICT_PASS, BLAME_NONE, "fine");
    matrix_outcome_add(&o, VERDICT_FAIL, BLAME_DEVICE, "wrong tag");
    matrix_outcome_add(&o, VERDICT_ERROR, BLAME_BENCH, "radio gone");
    matrix_outcome_add(&o, VERDICT_NOTRUN, BLAME_BENCH, "no radio");
    assert_int_equal(o.verdict, VERDICT_FAIL);
    assert_string_equal(o.reason, "wrong tag");
    o = (struct matrix_outcome){0};
    matrix_outcome_add(&o, VERDICT_NA, BLAME_NONE, "no such feature");
    matrix_outcome_add(&o, VERDICT_PASS, BLAME_NONE, "fine");
    assert_int_equal(o.verdict, VERDICT_PASS);
}

static void test_selection(void **state)
{
    (void)state;
    struct matrix m;
    struct err e = {0};
    assert_int_equal(select_into(&m, &(struct validate_options){0}, &e), ERR_OK);
    assert_int_equal(m.n_cases, 3);
    assert_int_equal(m.n_faults, 4); // also the one that nobody names
    assert_true(m.faults[1].cells[0].named);
    assert_true(m.faults[1].cells[1].named);
    assert_false(m.faults[1].cells[2].named);
    matrix_deinit(&m);

    char *auth[] = {TEXT("AUTH")}, *glob[] = {TEXT("*-UL-001")},
         *wrong[] = {TEXT("AUTH-UL-001"), TEXT("NO-SUCH")};
    assert_int_equal(select_into(&m, &(struct validate_options){.select = auth, .n_select = 1}, &e),
                     ERR_OK);
    assert_int_equal(m.n_cases, 2);
    assert_int_equal(m.n_faults, 2);
    matrix_deinit(&m);
    assert_int_equal(select_into(&m, &(struct validate_options){.select = glob, .n_select = 1}, &e),
                     ERR_OK);
    assert_int_equal(m.n_cases, 2);
    assert_string_equal(m.cases[1].id, "CNT-UL-001");
    matrix_deinit(&m);
    assert_int_equal(select_into(&m, &(struct validate_options){.profile = "smoke"}, &e), ERR_OK);
    assert_int_equal(m.n_cases, 2);
    assert_int_equal(m.n_faults, 3);
    matrix_deinit(&m);
    assert_int_equal(select_into(&m, &(struct validate_options){.fault = "MUT-A-*"}, &e), ERR_OK);
    assert_int_equal(m.n_faults, 2);
    matrix_deinit(&m);

    assert_int_equal(
        select_into(&m, &(struct validate_options){.select = wrong, .n_select = 2}, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "unknown case 'NO-SUCH'"));
    matrix_deinit(&m);
    assert_int_equal(select_into(&m, &(struct validate_options){.fault = "MUT-Z*"}, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "got 'MUT-Z*'"));
    matrix_deinit(&m);
    assert_int_equal(select_into(&m, &(struct validate_options){.profile = "none"}, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "unknown profile 'none'"));
    matrix_deinit(&m);
}

static void test_options(void **state)
{
    (void)state;
    struct validate_options o;
    struct err e = {0};
    char *good[] = {TEXT("validate"), TEXT("--fault"), TEXT("MUT-*"),
                    TEXT("AUTH"),     TEXT("--json"),  TEXT("--profile=smoke"),
                    TEXT("CNT"),      TEXT("--full"),  NULL};
    assert_int_equal(validate_options_parse(&o, 8, good, &e), ERR_OK);
    assert_int_equal(o.n_select, 2);
    assert_string_equal(o.select[1], "CNT");
    assert_string_equal(o.fault, "MUT-*");
    assert_string_equal(o.profile, "smoke");
    assert_true(o.json && o.full);
    char *twice[] = {TEXT("validate"), TEXT("--fault"), TEXT("a"),
                     TEXT("--fault"),  TEXT("b"),       NULL};
    assert_int_equal(validate_options_parse(&o, 5, twice, &e), ERR_USAGE);
    char *open[] = {TEXT("validate"), TEXT("--profile"), NULL};
    assert_int_equal(validate_options_parse(&o, 2, open, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "expected a value"));
}

// Reads what people and programs see of a small matrix with one of everything that matters.
static void test_survivors_and_their_reasons(void **state)
{
    (void)state;
    struct matrix m;
    struct err e = {0};
    struct matrix_canary canary = {.fault = "MUT-A-002", .id = "AUTH-UL-003"};
    assert_int_equal(select_into(&m, &(struct validate_options){0}, &e), ERR_OK);
    for (size_t c = 0; c < m.n_cases; c++)
        put(&m.cases[c].reference, VERDICT_PASS, BLAME_NONE);
    put(&m.faults[0].cells[0].outcome, VERDICT_FAIL, BLAME_DEVICE);
    put(&m.faults[1].cells[0].outcome, VERDICT_FAIL, BLAME_DEVICE);
    put(&m.faults[1].cells[1].outcome, VERDICT_PASS, BLAME_NONE);
    put(&m.faults[2].cells[2].outcome, VERDICT_ERROR, BLAME_BENCH);
    put(&canary.reference, VERDICT_PASS, BLAME_NONE);
    put(&canary.outcome, VERDICT_FAIL, BLAME_DEVICE);
    put(&canary.broken, VERDICT_NOTRUN, BLAME_BENCH);

    char why[256];
    assert_true(matrix_is_killed(&m, 0));
    matrix_survival(&m, 0, why, sizeof why);
    assert_string_equal(why, "");
    assert_true(matrix_is_killed(&m, 1)); // by one of two
    assert_int_equal(matrix_count(&m, MATRIX_MISSED), 1);
    assert_false(matrix_is_killed(&m, 2));
    matrix_survival(&m, 2, why, sizeof why);
    assert_string_equal(why, "CNT-UL-001 is error: because");
    matrix_survival(&m, 3, why, sizeof why);
    assert_string_equal(why, "no case names it");
    assert_true(matrix_canary_died(&canary));
    assert_true(matrix_broken_is_no_kill(&canary));

    struct jval *j = matrix_json(&m, &canary, &e);
    assert_non_null(j);
    assert_int_equal(jval_len(j), 7);
    assert_int_equal(jval_len(jval_get(j, "faults")), 4);
    assert_int_equal(jval_len(jval_get(j, "killed")), 2);
    assert_int_equal(jval_len(jval_get(j, "survivors")), 2);
    assert_true(jval_number(jval_get(j, "ratio"), 0) == 0.5);
    assert_true(jval_bool(jval_get(jval_get(j, "reference"), "sound"), false));
    assert_true(jval_bool(jval_get(jval_get(j, "canary"), "killed"), false));
    const struct jval *cell = jval_get(jval_get(jval_get(j, "matrix"), "MUT-A-002"), "AUTH-UL-003");
    assert_string_equal(jval_text(jval_get(cell, "is"), ""), "missed");
    jval_free(j);

    struct bytes out;
    bytes_init(&out, 1 << 16);
    assert_int_equal(matrix_print(&m, &canary, &out, &e), ERR_OK);
    const char *text = (const char *)out.data;
    assert_non_null(strstr(text, "MUT-A-001  KILL     .     .  yes\n"));
    assert_non_null(strstr(text, "MUT-A-002  KILL  PASS     .  yes\n"));
    assert_non_null(strstr(text, "MUT-C-001     .     .   err  NO\n"));
    assert_non_null(strstr(text, "MUT-A-002: AUTH-UL-003 names it and lets it pass"));
    assert_non_null(strstr(text, "MUT-X-001 (nobody looks for it)\n    no case names it\n"));
    assert_non_null(strstr(text, "2 of 4 faults killed\n"));
    bytes_deinit(&out);

    put(&canary.outcome, VERDICT_ERROR, BLAME_BENCH);
    assert_false(matrix_canary_died(&canary));
    put(&canary.broken, VERDICT_FAIL, BLAME_DEVICE);
    assert_false(matrix_broken_is_no_kill(&canary));
    put(&canary.broken, VERDICT_PASS, BLAME_NONE);
    assert_false(matrix_broken_is_no_kill(&canary));
    matrix_deinit(&m);
}

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[256];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void test_a_run_directory_is_read(void **state)
{
    (void)state;
    char dir[] = "/tmp/test_validate.XXXXXX", command[64];
    struct matrix m;
    struct err e = {0};
    struct matrix_outcome o[3] = {0};
    assert_non_null(mkdtemp(dir));
    assert_int_equal(select_into(&m, &(struct validate_options){0}, &e), ERR_OK);
    assert_int_equal(child_read(dir, &m, o, &e), ERR_IO); // no plan.json
    write_file(dir, "plan.json",
               "{\"cases\":[{\"id\":\"AUTH-UL-001\",\"na\":null},"
               "{\"id\":\"AUTH-UL-003\",\"na\":\"no key is declared\"},{\"id\":\"CNT-UL-001\"}]}");
    write_file(
        dir, "events.jsonl",
        "{\"type\":\"run.begin\"}\n"
        "{\"type\":\"case.end\",\"case\":\"AUTH-UL-001\",\"axes\":\"_\",\"verdict\":\"fail\","
        "\"blame\":\"device\",\"reason\":\"wrong tag\"}\n"
        "{\"type\":\"run.end\",\"notrun\":[{\"case\":\"CNT-UL-001\",\"axes\":\"_\","
        "\"reason\":\"the bench gave up\"}]}\n");
    if (child_read(dir, &m, o, &e) < 0) fail_msg("%s", e.text);
    assert_int_equal(o[0].verdict, VERDICT_FAIL);
    assert_int_equal(o[0].blame, BLAME_DEVICE);
    assert_string_equal(o[0].reason, "wrong tag");
    assert_int_equal(o[1].verdict, VERDICT_NA);
    assert_string_equal(o[1].reason, "no key is declared");
    assert_int_equal(o[2].verdict, VERDICT_NOTRUN);
    assert_string_equal(o[2].reason, "the bench gave up");
    write_file(dir, "events.jsonl",
               "{\"type\":\"case.end\",\"case\":\"AUTH-UL-001\",\"verdict\":\"dead\"}\n");
    assert_int_equal(child_read(dir, &m, o, &e), ERR_FORMAT);
    assert_non_null(strstr(e.text, "verdict \"dead\""));
    matrix_deinit(&m);
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    assert_int_equal(system(command), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_a_fail_of_the_device_kills),
        cmocka_unit_test(test_a_fail_of_one_axis_is_not_hidden),
        cmocka_unit_test(test_selection),
        cmocka_unit_test(test_options),
        cmocka_unit_test(test_survivors_and_their_reasons),
        cmocka_unit_test(test_a_run_directory_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
