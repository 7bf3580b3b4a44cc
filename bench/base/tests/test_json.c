// JSON values: what is written is sorted, compact and reads back; what is read is checked.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "bench/base/json.h"

static struct jval *parse(const char *text)
{
    struct jval *j;
    assert_int_equal(jval_parse(&j, text, strlen(text), NULL), ERR_OK);
    return j;
}

static void assert_dump(const struct jval *j, const char *expected)
{
    char *text = jval_dump(j, NULL);
    assert_non_null(text);
    assert_string_equal(text, expected);
    free(text);
}

static void test_json_writes_equal_values_as_equal_bytes(void **state)
{
    (void)state;
    struct jval *a = parse("{\"b\": [1, 2.5, null], \"a\": {\"z\": true, \"y\": \"\\u00e4\"}}");
    assert_dump(a, "{\"a\":{\"y\":\"\\u00E4\",\"z\":true},\"b\":[1,2.5,null]}");
    struct jval *b = jval_object();
    assert_int_equal(jval_set(b, "b", jval_make(NULL, "[i, f, n]", 1, 2.5), NULL), ERR_OK);
    assert_int_equal(jval_set(b, "a", jval_make(NULL, "{s:s, s:b}", "y", "\xc3\xa4", "z", 1), NULL),
                     ERR_OK);
    assert_true(jval_equal(a, b));
    jval_free(a);
    jval_free(b);
}

static void test_json_doubles_come_back_exactly(void **state)
{
    (void)state;
    static const double values[] = {0.1,     1.0 / 3, 868.13e6,
                                    -1e-300, 5e-324,  1.7976931348623157e308};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        struct jval *j = jval_make(NULL, "f", values[i]);
        char *text = jval_dump(j, NULL);
        struct jval *back = parse(text);
        assert_true(jval_number(back, 0) == values[i]);
        free(text);
        jval_free(j);
        jval_free(back);
    }
    struct err e = {0};
    assert_null(jval_make(&e, "f", (double)NAN));
    assert_int_equal(e.code, ERR_FORMAT);
    assert_null(jval_make(&e, "s", "\xff\xfe"));
}

static void refuse(const char *text, const char *why)
{
    struct jval *j = NULL;
    struct err e = {0};
    assert_int_equal(jval_parse(&j, text, strlen(text), &e), ERR_FORMAT);
    if (!strstr(e.text, why)) fail_msg("expected \"%s\" in \"%s\"", why, e.text);
}

static void test_json_refuses_what_is_not_one_value(void **state)
{
    (void)state;
    refuse("", "line 1");
    refuse("{\"a\":1,\"a\":2}", "duplicate");
    refuse("{\"a\":1} x", "end of file expected");
    refuse("[1,\n2,]", "line 2");
    refuse("{\"a\":\"\xff\"}", "line 1");
    refuse("[1e999]", "overflow");
}

static void test_json_reads_with_defaults(void **state)
{
    (void)state;
    struct jval *j = parse("{\"n\":7,\"x\":1.5,\"s\":\"t\",\"b\":true,\"l\":[1,2],\"z\":null}");
    assert_int_equal(jval_int(jval_get(j, "n"), -1), 7);
    assert_int_equal(jval_int(jval_get(j, "x"), -1), -1);
    assert_true(jval_number(jval_get(j, "n"), 0) == 7);
    assert_true(jval_number(jval_get(j, "s"), 3) == 3);
    assert_string_equal(jval_text(jval_get(j, "s"), "no"), "t");
    assert_string_equal(jval_text(jval_get(j, "absent"), "no"), "no");
    assert_true(jval_bool(jval_get(j, "b"), false));
    assert_true(jval_bool(jval_get(j, "n"), true));
    assert_int_equal(jval_len(jval_get(j, "l")), 2);
    assert_int_equal(jval_len(j), 6);
    assert_null(jval_at(jval_get(j, "l"), 2));
    assert_null(jval_get(jval_get(j, "l"), "n"));
    assert_int_equal(jval_kind(jval_get(j, "z")), JVAL_NULL);
    assert_int_equal(jval_kind(jval_get(j, "absent")), JVAL_NULL);
    assert_int_equal(jval_kind(jval_get(j, "x")), JVAL_REAL);
    const char *s;
    struct err e = {0};
    assert_int_equal(jval_read(j, NULL, "{s:s}", "s", &s), ERR_OK);
    assert_string_equal(s, "t");
    assert_int_equal(jval_read(j, &e, "{s:s}", "n", &s), ERR_FORMAT);
    assert_int_equal(jval_read(j, &e, "{s:s}", "gone", &s), ERR_FORMAT);
    assert_non_null(strstr(e.text, "gone"));
    assert_int_equal(jval_read(j, &e, "{s:s!}", "s", &s), ERR_FORMAT);
    assert_int_equal(jval_read(NULL, &e, "{s:s}", "s", &s), ERR_FORMAT);
    jval_free(j);
}

enum { KEYS_SEEN_MAX = 8 };

static int note_key(void *ctx, const char *key, struct jval *value)
{
    (void)value;
    char *seen = ctx;
    size_t used = strlen(seen);
    snprintf(seen + used, KEYS_SEEN_MAX - used, "%s", key);
    return strcmp(key, "c") == 0 ? 42 : 0;
}

static void test_json_walks_keys_in_order(void **state)
{
    (void)state;
    struct jval *j = parse("{\"d\":1,\"b\":2,\"c\":3,\"a\":4}");
    char seen[KEYS_SEEN_MAX] = "";
    assert_int_equal(jval_each(j, note_key, seen), 42);
    assert_string_equal(seen, "abc");
    jval_remove(j, "c");
    seen[0] = 0;
    assert_int_equal(jval_each(j, note_key, seen), 0);
    assert_string_equal(seen, "abd");
    jval_free(j);
}

static void test_json_takes_what_it_is_given(void **state)
{
    (void)state;
    struct err e = {0};
    struct jval *list = jval_array(), *object = jval_object();
    assert_int_equal(jval_append(list, NULL, &e), ERR_FORMAT);
    assert_int_equal(jval_set(object, "k", NULL, &e), ERR_FORMAT);
    assert_non_null(strstr(e.text, "\"k\""));
    struct jval *shared = jval_make(NULL, "s", "x");
    assert_int_equal(jval_append(list, jval_ref(shared), NULL), ERR_OK);
    assert_int_equal(jval_set(object, "k", shared, NULL), ERR_OK);
    jval_free(object);
    assert_dump(list, "[\"x\"]");
    jval_free(list);
    jval_free(NULL);
}

static void test_json_saves_whole_files(void **state)
{
    (void)state;
    char folder[] = "/tmp/test_json.XXXXXX", path[64], part[80];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/a.json", folder);
    snprintf(part, sizeof part, "%s.part", path);
    struct jval *j = parse("{\"b\":1,\"a\":[]}"), *back;
    assert_int_equal(jval_save(j, path, NULL), ERR_OK);
    assert_int_not_equal(access(part, F_OK), 0);
    assert_int_equal(jval_load(&back, path, NULL), ERR_OK);
    assert_true(jval_equal(j, back));
    jval_free(back);
    struct err e = {0};
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs("{\n\n!", f);
    fclose(f);
    assert_int_equal(jval_load(&back, path, &e), ERR_FORMAT);
    assert_non_null(strstr(e.text, path));
    assert_non_null(strstr(e.text, "line 3"));
    unlink(path);
    assert_int_equal(jval_load(&back, path, &e), ERR_IO);
    rmdir(folder);
    assert_int_equal(jval_save(j, path, &e), ERR_IO);
    jval_free(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_writes_equal_values_as_equal_bytes),
        cmocka_unit_test(test_json_doubles_come_back_exactly),
        cmocka_unit_test(test_json_refuses_what_is_not_one_value),
        cmocka_unit_test(test_json_reads_with_defaults),
        cmocka_unit_test(test_json_walks_keys_in_order),
        cmocka_unit_test(test_json_takes_what_it_is_given),
        cmocka_unit_test(test_json_saves_whole_files),
    };
    return cmocka_run_group_tests_name("base/json", tests, NULL, NULL);
}
