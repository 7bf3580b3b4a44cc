// Configuration files and templates: what they may do, what they may not, and what the errors say.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "lua/bind/script.h"

static char folder[] = "/tmp/test_script.XXXXXX";

static int setup(void **state)
{
    (void)state;
    return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    return system(command);
}

static const char *path_of(const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, const char *text, size_t len)
{
    FILE *f = fopen(path_of(name), "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, len, f), len);
    assert_int_equal(fclose(f), 0);
}

static void check_data_fails(const char *text, size_t len, const char *expected)
{
    put("bench.lua", text, len);
    struct jval *value;
    struct err err = {0};
    assert_int_equal(script_read_data(path_of("bench.lua"), &value, &err), ERR_USAGE);
    assert_int_equal(err.code, ERR_USAGE);
    assert_null(value);
    if (!strstr(err.text, expected))
        fail_msg("%s: expected \"%s\", got \"%s\"", text, expected, err.text);
    if (!strstr(err.text, "bench.lua")) fail_msg("no file name in \"%s\"", err.text);
    assert_int_equal(script_read_data(path_of("bench.lua"), &value, NULL), ERR_USAGE);
}

static void test_data_reads_a_table(void **state)
{
    (void)state;
    setenv("FOX_TEST_URI", "ip:127.0.0.1", 1);
    unsetenv("FOX_TEST_MISSING");
    const char *text = "-- a bench\nsyntax(1)\nlocal uri <const> = env \"FOX_TEST_URI\"\n"
                       "local other <const> = env(\"FOX_TEST_URI\", \"otherwise\")\n"
                       "local absent <const> = env(\"FOX_TEST_MISSING\", \"\")\n"
                       "return { radios = { { uri = uri, hz = 868e6 } }, n = 2^3 // 1 | 0,\n"
                       "same = other == uri, none = absent == \"\" }\n";
    put("bench.lua", text, strlen(text));
    struct jval *value;
    struct err err = {0};
    assert_int_equal(script_read_data(path_of("bench.lua"), &value, &err), 0);
    char *json = jval_dump(value, NULL);
    assert_string_equal(json, "{\"n\":8,\"none\":true,\"radios\":[{\"hz\":868000000.0,\"uri\":"
                              "\"ip:127.0.0.1\"}],\"same\":true}");
    free(json);
    jval_free(value);
}

static void test_data_mistakes_name_file_and_line(void **state)
{
    (void)state;
    unsetenv("FOX_TEST_MISSING");
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"return {}", "bench.lua:1: expected syntax(1)"},
        {"local u = env \"HOME\"\nsyntax(1)\nreturn {}",
         "bench.lua:1: expected syntax(1) as the first"},
        {"syntax(2)\nreturn {}", "bench.lua:1: syntax(2), but this foxbench reads syntax(1)"},
        {"syntax(1)\nsyntax(1)\nreturn {}", "bench.lua:2: syntax(1) stands twice"},
        {"syntax(1)\nreturn 7", "expected the file to return a table, got number"},
        {"syntax(1)\n", "expected the file to return a table, got nil"},
        {"syntax(1)\n\nreturn {", "bench.lua:3: "},
        {"syntax(1)\nreturn { u = env \"FOX_TEST_MISSING\" }",
         "bench.lua:2: the environment variable FOX_TEST_MISSING is not set"},
        {"syntax(1)\nreturn { a = trve }", "bench.lua:2: unknown name 'trve'"},
        {"syntax(1)\nx = 1\nreturn {}", "bench.lua:2: global variable 'x'"},
        {"syntax(1)\nreturn { a = { b = env } }", "a.b: a function"},
        {"syntax(1)\nreturn { a = 0/0 }", "a: the number is not finite"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        check_data_fails(cases[i].text, strlen(cases[i].text), cases[i].expected);
}

static void test_data_is_closed(void **state)
{
    (void)state;
    static const char *const names[] = {
        "io",    "os",      "load",           "loadfile",     "dofile",   "require",
        "debug", "package", "string",         "table",        "math",     "coroutine",
        "pcall", "xpcall",  "getmetatable",   "setmetatable", "rawset",   "rawget",
        "print", "next",    "collectgarbage", "_G",           "tostring", "error",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[128], expected[128];
        snprintf(text, sizeof text, "syntax(1)\nreturn { a = %s }", names[i]);
        snprintf(expected, sizeof expected, "unknown name '%s'", names[i]);
        check_data_fails(text, strlen(text), expected);
    }
    // strings have no methods, the environment cannot be opened again, bytecode is not loaded
    static const char method[] = "syntax(1)\nreturn { a = (\"x\"):rep(10) }";
    check_data_fails(method, strlen(method), "bench.lua:2: attempt to index a string");
    static const char bytecode[] = "\x1bLua\x54\x00\x19\x93\r\n\x1a\n";
    check_data_fails(bytecode, sizeof bytecode - 1, "attempt to load a binary chunk");
}

static void test_data_budgets(void **state)
{
    (void)state;
    static const char loop[] = "syntax(1)\nwhile true do end\n";
    check_data_fails(loop, strlen(loop), "bench.lua:2: more than 10000000 instructions");
    static const char text_bomb[] =
        "syntax(1)\nlocal s = \"xxxxxxxx\"\nwhile true do s = s .. s end";
    check_data_fails(text_bomb, strlen(text_bomb), "needs more than 16 MiB of memory");
    static const char table_bomb[] =
        "syntax(1)\nlocal t = {}\nwhile true do t = { t, t, t } t[#t + 1] = t "
        "t[#t+1] = { t, 1, 2, 3, 4, 5, 6, 7, 8 } end";
    check_data_fails(table_bomb, strlen(table_bomb), "needs more than 16 MiB of memory");
    static const char recursion[] =
        "syntax(1)\nlocal function f() return 1 + f() end\nreturn { f() }";
    check_data_fails(recursion, strlen(recursion), "needs more than 16 MiB of memory");
}

static void test_data_missing_file(void **state)
{
    (void)state;
    struct jval *value;
    struct err err = {0};
    assert_int_equal(script_read_data(path_of("nothing.lua"), &value, &err), ERR_USAGE);
    assert_non_null(strstr(err.text, "nothing.lua: No such file"));
}

static int render(const char *input_json, struct bytes *out, struct err *err)
{
    struct jval *input = NULL;
    if (input_json) assert_int_equal(jval_parse(&input, input_json, strlen(input_json), NULL), 0);
    int rc = script_render(path_of("page.lua"), input, out, err);
    jval_free(input);
    return rc;
}

static void check_render_fails(const char *text, int code, const char *expected)
{
    put("page.lua", text, strlen(text));
    struct bytes out;
    struct err err = {0};
    bytes_init(&out, 1 << 20);
    int rc = render("{}", &out, &err);
    bytes_deinit(&out);
    if (rc != code || err.code != code || !strstr(err.text, expected))
        fail_msg("%s: expected %d \"%s\", got %d \"%s\"", text, code, expected, rc, err.text);
    if (!strstr(err.text, "page.lua")) fail_msg("no file name in \"%s\"", err.text);
}

static void test_template_renders(void **state)
{
    (void)state;
    const char *part = "return { twice = function(s) return s:rep(2) end }";
    put("part.lua", part, strlen(part));
    put("style.css", "a{}", 3);
    const char *text = "local part <const> = include \"part.lua\"\n"
                       "return function(input)\n"
                       "  assert(include \"part.lua\" == part)\n"
                       "  local out = { part.twice(input.name), include \"style.css\" }\n"
                       "  for k, v in pairs(input.map) do out[#out + 1] = k .. \"=\" .. v end\n"
                       "  for i, v in ipairs(input.list) do out[#out + 1] = i .. v end\n"
                       "  return table.concat(out, \" \")\n"
                       "end\n";
    put("page.lua", text, strlen(text));
    const char *json = "{\"name\":\"ab\",\"map\":{\"z\":1,\"a\":2,\"m\":3,\"k\":4,\"b\":5},"
                       "\"list\":[\"x\",\"y\"]}";
    for (int i = 0; i < 3; i++) { // a new state each time, so a new hash seed
        struct bytes out;
        struct err err = {0};
        bytes_init(&out, 4096);
        assert_int_equal(render(json, &out, &err), 0);
        assert_string_equal((char *)out.data, "abab a{} a=2 b=5 k=4 m=3 z=1 1x 2y");
        bytes_deinit(&out);
    }
}

static void test_template_mistakes(void **state)
{
    (void)state;
    check_render_fails("return 1", ERR_FORMAT, "expected the file to return a function");
    check_render_fails("return function() end", ERR_FORMAT, "to return a string, got nil");
    check_render_fails("return function(i)\n return i.a.b\nend", ERR_FORMAT,
                       "page.lua:2: attempt to index");
    check_render_fails("return function(i)\n return foo\nend", ERR_FORMAT,
                       "page.lua:2: unknown name 'foo'");
    check_render_fails("return function(i)\n error({})\nend", ERR_FORMAT, "not a text");
    check_render_fails("include \"page.lua\"", ERR_FORMAT, "");
    check_render_fails("return include \"../secret\"", ERR_FORMAT, "without a folder");
    check_render_fails("return include \"/etc/passwd\"", ERR_FORMAT, "without a folder");
    check_render_fails("return include \"..\"", ERR_FORMAT, "without a folder");
    check_render_fails("return include \"absent.lua\"", ERR_FORMAT, "absent.lua: No such file");
    check_render_fails("return function() for _ in pairs({ [print or 1] = 1 }) do end end",
                       ERR_FORMAT, "unknown name 'print'");
    check_render_fails("return function() for _ in pairs({ [true] = 1 }) do end end", ERR_FORMAT,
                       "keys must be names or numbers");
    put("self.lua", "return include \"self.lua\"", 25);
    check_render_fails("return include \"self.lua\"", ERR_FORMAT, "self.lua includes itself");
}

static void test_template_is_closed(void **state)
{
    (void)state;
    static const char *const names[] = {
        "io",           "os",     "load",  "require", "debug",  "package", "getmetatable",
        "setmetatable", "dofile", "pcall", "next",    "rawset", "_G",      "coroutine"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[128];
        snprintf(text, sizeof text, "return function() return tostring(%s) end", names[i]);
        check_render_fails(text, ERR_FORMAT, "unknown name");
    }
    check_render_fails("return function() return (\"\").dump end", ERR_FORMAT, "got nil");
    check_render_fails("return function() return math.random end", ERR_FORMAT, "got nil");
}

static void test_template_budget(void **state)
{
    (void)state;
    check_render_fails("return function() return (\"x\"):rep(1 << 30) end", ERR_LIMIT,
                       "needs more than 512 MiB");
    check_render_fails("return function() return (\"x\"):rep(2 << 20) end", ERR_LIMIT, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_data_reads_a_table),
        cmocka_unit_test(test_data_mistakes_name_file_and_line),
        cmocka_unit_test(test_data_is_closed),
        cmocka_unit_test(test_data_budgets),
        cmocka_unit_test(test_data_missing_file),
        cmocka_unit_test(test_template_renders),
        cmocka_unit_test(test_template_mistakes),
        cmocka_unit_test(test_template_is_closed),
        cmocka_unit_test(test_template_budget),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
