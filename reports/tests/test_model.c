// What the model makes of attempts: which one counts, and what a case without any is.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bench/base/json.h"
#include "reports/model.h"

static char folder[] = "/tmp/test_model.XXXXXX";

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

static void put(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

// The model of a run with these cases planned and these events. jval_free it.
static struct jval *model_of(const char *cases, const char *events)
{
    char plan[1024];
    struct jval *model;
    struct err err = {0};
    snprintf(plan, sizeof plan, "{\"cases\":[%s]}", cases);
    put("run.json", "{}");
    put("plan.json", plan);
    put("events.jsonl", events);
    put("wall.jsonl", "");
    if (model_read(folder, &model, &err) != 0) fail_msg("%s", err.text);
    return model;
}

static const char *field(const struct jval *model, size_t i, const char *name)
{
    return jval_text(jval_get(jval_at(jval_get(model, "cases"), i), name), "(none)");
}

#define END(attempt, verdict, blame)                                                               \
    "{\"seq\":1,\"t\":1,\"type\":\"case.end\",\"case\":\"A-1\",\"axes\":\"_\","                    \
    "\"attempt\":" attempt ",\"verdict\":\"" verdict "\",\"blame\":\"" blame                       \
    "\",\"reason\":\"" verdict " " attempt "\",\"files\":[]}\n"
#define BEGIN(attempt)                                                                             \
    "{\"seq\":0,\"t\":0,\"type\":\"case.begin\",\"case\":\"A-1\",\"axes\":\"_\","                  \
    "\"attempt\":" attempt "}\n"

static void test_which_attempt_counts(void **state)
{
    (void)state;
    static const struct {
        const char *events, *verdict, *reason, *state;
    } cases[] = {
        {END("1", "pass", "none"), "pass", "pass 1", "attempted"},
        // spoilt by the bench: a later attempt that ended takes its place
        {END("1", "error", "bench") END("2", "pass", "none"), "pass", "pass 2", "attempted"},
        {BEGIN("1") END("2", "fail", "device"), "fail", "fail 2", "attempted"},
        {END("1", "error", "bench") BEGIN("2"), "error", "error 1", "attempted"},
        // spoilt by the suite, or a fail: stays
        {END("1", "error", "suite") END("2", "pass", "none"), "error", "error 1", "attempted"},
        {END("1", "fail", "device") END("2", "pass", "none"), "fail", "fail 1", "attempted"},
        {END("1", "pass", "none") END("2", "inconclusive", "bench"), "inconclusive",
         "inconclusive 2", "attempted"},
        {BEGIN("1"), "notrun", "the run ended before this attempt did", "unfinished"},
        {"", "notrun", "the run ended before this case began", "notrun"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct jval *model = model_of("{\"id\":\"A-1\",\"axes\":\"_\"}", cases[i].events);
        assert_string_equal(field(model, 0, "verdict"), cases[i].verdict);
        assert_string_equal(field(model, 0, "reason"), cases[i].reason);
        assert_string_equal(field(model, 0, "state"), cases[i].state);
        jval_free(model);
    }
}

static void test_axes_tell_cases_apart(void **state)
{
    (void)state;
    struct jval *model = model_of(
        "{\"id\":\"A-1\",\"axes\":{\"b\":\"2\",\"a\":\"1\"}},{\"id\":\"A-1\",\"axes\":\"a=1,b=3\"},"
        "{\"id\":\"B-1\",\"axes\":{},\"na\":\"no such feature\"}",
        "{\"seq\":1,\"t\":1,\"type\":\"case.end\",\"case\":\"A-1\",\"axes\":\"a=1,b=2\","
        "\"attempt\":1,\"verdict\":\"pass\",\"blame\":\"none\",\"reason\":\"\",\"files\":[]}\n");
    assert_string_equal(field(model, 0, "axes"), "a=1,b=2");
    assert_string_equal(field(model, 0, "verdict"), "pass");
    assert_string_equal(field(model, 1, "verdict"), "notrun");
    assert_string_equal(field(model, 2, "axes"), "_");
    assert_string_equal(field(model, 2, "state"), "na");
    assert_string_equal(field(model, 2, "reason"), "no such feature");
    jval_free(model);
}

// A second worker may run at another rate: seconds go on where the first one stopped.
static void test_seconds_follow_the_clock_events(void **state)
{
    (void)state;
    struct jval *model =
        model_of("{\"id\":\"A-1\"}",
                 "{\"seq\":0,\"t\":0,\"type\":\"clock\",\"rate_hz\":1000,\"worker\":1}\n"
                 "{\"seq\":1,\"t\":5000,\"type\":\"note\",\"text\":\"five\"}\n"
                 "{\"seq\":2,\"t\":6000,\"type\":\"clock\",\"rate_hz\":500,\"worker\":2}\n"
                 "{\"seq\":3,\"t\":7000,\"type\":\"note\",\"text\":\"eight\"}\n");
    const struct jval *outside = jval_get(model, "outside");
    assert_true(jval_number(jval_get(jval_at(outside, 1), "t_s"), 0) == 5.0);
    assert_true(jval_number(jval_get(jval_at(outside, 3), "t_s"), 0) == 8.0);
    jval_free(model);
}

static void test_unknown_verdict_is_an_error(void **state)
{
    (void)state;
    struct jval *model;
    struct err err = {0};
    put("run.json", "{}");
    put("plan.json", "{\"cases\":[{\"id\":\"A-1\"}]}");
    put("wall.jsonl", "");
    put("events.jsonl", END("1", "splendid", "none"));
    assert_int_equal(model_read(folder, &model, &err), ERR_FORMAT);
    assert_null(model);
    assert_non_null(strstr(err.text, "case.end of A-1 has verdict \"splendid\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_attempt_counts),
        cmocka_unit_test(test_axes_tell_cases_apart),
        cmocka_unit_test(test_seconds_follow_the_clock_events),
        cmocka_unit_test(test_unknown_verdict_is_an_error),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
