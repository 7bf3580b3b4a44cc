// The fold: the properties that design.md 7 asks for, over random histories, and the words of the
// lists.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "bench/base/rng.h"
#include "bench/record/verdict.h"

enum { ORDERED = 6, HISTORIES = 20000, LONGEST = 12 };

static const enum verdict ordered[ORDERED] = {VERDICT_INFO,         VERDICT_PASS, VERDICT_WARN,
                                              VERDICT_INCONCLUSIVE, VERDICT_FAIL, VERDICT_ERROR};

// What design.md 7 says, written out again: info < pass < warn < inconclusive < fail < error.
static int rank_of(enum verdict v)
{
    for (int i = 0; i < ORDERED; i++)
        if (ordered[i] == v) return i;
    return -1;
}

static void test_random_histories(void **state)
{
    (void)state;
    uint64_t key = rng_key(1, "histories"), n = 0;
    for (int h = 0; h < HISTORIES; h++) {
        struct verdict_fold f = {0};
        int length = 1 + (int)(rng_u64(key, n++) % LONGEST), worst = -1;
        enum blame blamed = BLAME_NONE;
        char reason[16] = "";
        for (int i = 0; i < length; i++) {
            enum verdict v = ordered[rng_u64(key, n++) % ORDERED];
            enum blame b = (enum blame)(rng_u64(key, n++) % BLAMES);
            char text[16];
            snprintf(text, sizeof text, "%d", i);
            if (v == VERDICT_FAIL && b != BLAME_DEVICE) v = VERDICT_ERROR;
            int before = f.n > 0 ? rank_of(f.verdict) : -1;
            verdict_fold_add(&f, v, b, text);
            assert_true(rank_of(f.verdict) >= before);
            if (rank_of(v) > worst) {
                worst = rank_of(v);
                blamed = worst < rank_of(VERDICT_WARN) ? BLAME_NONE : b;
                snprintf(reason, sizeof reason, "%s", text);
            }
        }
        verdict_fold_end(&f);
        assert_int_equal(rank_of(f.verdict), worst);
        assert_int_equal(f.blame, blamed);
        if (f.verdict == VERDICT_PASS) snprintf(reason, sizeof reason, "(%d)", length);
        assert_non_null(strstr(f.reason, reason));
    }
}

static void test_empty_is_inconclusive_for_the_suite(void **state)
{
    (void)state;
    struct verdict_fold f = {0};
    verdict_fold_end(&f);
    assert_int_equal(f.verdict, VERDICT_INCONCLUSIVE);
    assert_int_equal(f.blame, BLAME_SUITE);
}

static void test_only_a_device_fails(void **state)
{
    (void)state;
    for (enum blame b = 0; b < BLAMES; b++) {
        struct verdict_fold f = {0};
        verdict_fold_add(&f, VERDICT_FAIL, b, "");
        assert_int_equal(f.verdict, b == BLAME_DEVICE ? VERDICT_FAIL : VERDICT_ERROR);
    }
}

static void test_verdicts_of_the_plan_are_no_outcome(void **state)
{
    (void)state;
    static const enum verdict outside[] = {VERDICT_NOTRUN, VERDICT_NA, VERDICT_WAIVED};
    for (size_t i = 0; i < 3; i++) {
        struct verdict_fold f = {0};
        verdict_fold_add(&f, outside[i], BLAME_DEVICE, "");
        assert_int_equal(f.verdict, VERDICT_ERROR);
        assert_int_equal(f.blame, BLAME_BENCH);
    }
}

// Events as a worker sends them, and what they must give.
static void test_events(void **state)
{
    (void)state;
    static const struct {
        const char *event;
        int code;
        enum verdict verdict; // VERDICTS: none
        enum blame blame;
        const char *reason;
    } cases[] = {
        {"{\"type\":\"note\",\"verdict\":\"fail\"}", ERR_OK, VERDICTS, 0, ""},
        {"{\"type\":\"uplink\"}", ERR_OK, VERDICTS, 0, ""},
        {"{\"type\":\"fault\",\"text\":\"no radio\"}", ERR_OK, VERDICT_ERROR, BLAME_BENCH,
         "no radio"},
        {"{\"type\":\"fault\",\"blame\":\"suite\",\"text\":\"x.lua:3\",\"verdict\":\"pass\"}",
         ERR_OK, VERDICT_ERROR, BLAME_SUITE, "x.lua:3"},
        {"{\"type\":\"expect\",\"subject\":\"tag\",\"demand\":\"equals\",\"expected\":\"ab\","
         "\"actual\":\"cd\",\"verdict\":\"fail\",\"blame\":\"device\"}",
         ERR_OK, VERDICT_FAIL, BLAME_DEVICE, "tag equals: expected ab, got cd"},
        {"{\"type\":\"expect\",\"subject\":\"count\",\"expected\":3,\"actual\":4,\"verdict\":"
         "\"fail\"}",
         ERR_OK, VERDICT_FAIL, BLAME_DEVICE, "count: expected 3, got 4"},
        {"{\"type\":\"measure\",\"name\":\"rate\",\"value\":101.5,\"unit\":\"bit/s\",\"limit\":"
         "\"99..101\",\"verdict\":\"fail\"}",
         ERR_OK, VERDICT_FAIL, BLAME_DEVICE, "rate is 101.5 bit/s, limit 99..101"},
        {"{\"type\":\"claim\",\"event\":\"lost\",\"verdict\":\"inconclusive\",\"reason\":\"cut\"}",
         ERR_OK, VERDICT_INCONCLUSIVE, BLAME_BENCH, "cut"},
        {"{\"type\":\"expect\",\"subject\":\"x\"}", ERR_FORMAT, VERDICTS, 0, ""},
        {"{\"type\":\"measure\",\"verdict\":\"notrun\"}", ERR_FORMAT, VERDICTS, 0, ""},
        {"{\"type\":\"measure\",\"verdict\":\"PASS\"}", ERR_FORMAT, VERDICTS, 0, ""},
        {"{\"type\":\"expect\",\"verdict\":\"fail\",\"blame\":\"cat\"}", ERR_FORMAT, VERDICTS, 0,
         ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct jval *event;
        struct verdict_fold f = {0};
        assert_int_equal(jval_parse(&event, cases[i].event, strlen(cases[i].event), NULL), ERR_OK);
        assert_int_equal(verdict_fold_event(&f, event, NULL), cases[i].code);
        assert_int_equal(f.n, cases[i].verdict != VERDICTS);
        if (f.n > 0) {
            assert_int_equal(f.verdict, cases[i].verdict);
            assert_int_equal(f.blame, cases[i].blame);
            assert_string_equal(f.reason, cases[i].reason);
        }
        jval_free(event);
    }
}

static void test_words(void **state)
{
    (void)state;
    enum verdict v;
    enum blame b;
    assert_true(verdict_find("inconclusive", &v) && v == VERDICT_INCONCLUSIVE);
    assert_false(verdict_find("PASS", &v) || verdict_find("", &v) || verdict_find(NULL, &v));
    assert_true(blame_find("operator", &b) && b == BLAME_OPERATOR);
    assert_string_equal(verdict_name(VERDICT_NA), "na");
    assert_false(verdict_is_ok(VERDICT_INCONCLUSIVE) || verdict_is_ok(VERDICT_ERROR) ||
                 verdict_is_ok(VERDICT_NOTRUN));
    assert_true(verdict_is_ok(VERDICT_WARN) && verdict_is_ok(VERDICT_NA));
}

// A reason is cut at a character, never inside one.
static void test_reason_stays_utf8(void **state)
{
    (void)state;
    char text[2000];
    for (size_t i = 0; i + 3 < sizeof text; i += 2)
        memcpy(text + i, "\xc3\xa9", 3);
    struct verdict_fold f = {0};
    verdict_fold_add(&f, VERDICT_WARN, BLAME_DEVICE, text);
    struct jval *j = jval_make(NULL, "s", f.reason);
    assert_non_null(j);
    assert_int_equal(strlen(f.reason), 478);
    jval_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_histories),
        cmocka_unit_test(test_empty_is_inconclusive_for_the_suite),
        cmocka_unit_test(test_only_a_device_fails),
        cmocka_unit_test(test_verdicts_of_the_plan_are_no_outcome),
        cmocka_unit_test(test_events),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_reason_stays_utf8),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
