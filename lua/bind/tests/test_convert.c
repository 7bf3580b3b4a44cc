// JSON to Lua and back, and everything that must not get through.
#include <lauxlib.h>
#include <lualib.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lua/bind/convert.h"

static int setup(void **state)
{
    lua_State *L = luaL_newstate();
    assert_non_null(L);
    luaL_openlibs(L);
    *state = L;
    return 0;
}

static int teardown(void **state)
{
    lua_close(*state);
    return 0;
}

static void test_json_survives_the_way_through_lua(void **state)
{
    static const char *const texts[] = {
        "[]",
        "{}",
        "[[],{}]",
        "{\"a\":[1,2.5,-3],\"b\":{\"c\":true,\"d\":\"\\u00e9\\ud83d\\ude00\"}}",
        "[9223372036854775807,-9223372036854775808,1e+300,0.10000000000000001,3.0]",
        "\"text\"",
        "{\"1\":2}",
    };
    lua_State *L = *state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct jval *in, *out;
        struct err err = {0};
        assert_int_equal(jval_parse(&in, texts[i], strlen(texts[i]), &err), 0);
        convert_push(L, in);
        assert_int_equal(convert_take(L, -1, &out, &err), 0);
        char *a = jval_dump(in, NULL), *b = jval_dump(out, NULL);
        assert_string_equal(a, b);
        free(a);
        free(b);
        jval_free(in);
        jval_free(out);
        assert_int_equal(lua_gettop(L), 1);
        lua_pop(L, 1);
    }
}

static void test_null_is_nil(void **state)
{
    lua_State *L = *state;
    convert_push(L, NULL);
    assert_true(lua_isnil(L, -1));
    struct jval *in;
    assert_int_equal(jval_parse(&in, "{\"a\":null,\"b\":1}", 16, NULL), 0);
    convert_push(L, in);
    assert_int_equal(lua_getfield(L, -1, "a"), LUA_TNIL);
    assert_int_equal(lua_getfield(L, -2, "b"), LUA_TNUMBER);
    jval_free(in);
    lua_settop(L, 0);
}

static void test_refusals_name_the_path(void **state)
{
    static const struct {
        const char *chunk, *expected;
    } cases[] = {
        {"return { ports = { uart = print } }", "ports.uart: a function"},
        {"return { a = { 1, 2, { b = 0/0 } } }", "a[3].b: the number is not finite"},
        {"return { a = math.huge }", "a: the number is not finite"},
        {"return { a = '\\xff' }", "a: the text is not UTF-8"},
        {"return { a = 'x\\0y' }", "a: the text holds a zero byte"},
        {"return { ['\\xff'] = 1 }", "the key is not UTF-8"},
        {"return { a = { 1, x = 2 } }", "a: the table mixes"},
        {"return { a = { 1, nil, 3 } }", "a: the list has holes"},
        {"return { a = { [1.5] = 1 } }", "a: a key is a number outside"},
        {"return { a = { [0] = 1 } }", "a: a key is a number outside"},
        {"return { a = { [true] = 1 } }", "a: a key is a boolean"},
        {"local t = {} t.t = { u = t } return { x = t }", "x.t.u: the table contains itself"},
        {"local t = {} for _ = 1, 70 do t = { t } end return t", "nested more than 64"},
        // 2^50 values out of 50 tables
        {"local t = {} for _ = 1, 50 do t = { t, t } end return t", "more than 262144 values"},
        {"return coroutine.create(print)", "a thread cannot"},
    };
    lua_State *L = *state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(luaL_dostring(L, cases[i].chunk), LUA_OK);
        struct jval *out;
        struct err err = {0};
        int top = lua_gettop(L);
        assert_int_equal(convert_take(L, -1, &out, &err), ERR_FORMAT);
        assert_null(out);
        if (!strstr(err.text, cases[i].expected))
            fail_msg("%s: expected \"%s\", got \"%s\"", cases[i].chunk, cases[i].expected,
                     err.text);
        assert_int_equal(lua_gettop(L), top);
        assert_int_equal(convert_take(L, -1, &out, NULL), ERR_FORMAT); // err may be NULL
        lua_settop(L, 0);
    }
}

static void test_shared_tables_are_no_cycles_and_metamethods_do_not_run(void **state)
{
    lua_State *L = *state;
    assert_int_equal(luaL_dostring(L, "local s = { 1 } return setmetatable({ a = s, b = s }, "
                                      "{ __pairs = error, __index = error, __len = error })"),
                     LUA_OK);
    struct jval *out;
    assert_int_equal(convert_take(L, -1, &out, NULL), 0);
    char *text = jval_dump(out, NULL);
    assert_string_equal(text, "{\"a\":[1],\"b\":[1]}");
    free(text);
    jval_free(out);
    lua_settop(L, 0);
}

static void test_a_marked_empty_table_is_an_array(void **state)
{
    lua_State *L = *state;
    lua_newtable(L);
    convert_array_mark(L, -1);
    struct jval *out;
    assert_int_equal(convert_take(L, -1, &out, NULL), 0);
    assert_int_equal(jval_kind(out), JVAL_ARRAY);
    jval_free(out);
    lua_settop(L, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_json_survives_the_way_through_lua, setup, teardown),
        cmocka_unit_test_setup_teardown(test_null_is_nil, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals_name_the_path, setup, teardown),
        cmocka_unit_test_setup_teardown(test_shared_tables_are_no_cycles_and_metamethods_do_not_run,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_marked_empty_table_is_an_array, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
