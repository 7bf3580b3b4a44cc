// Patterns with a budget against those of the library, which is the reference: random patterns over
// random texts must give the same results and the same errors, and what may cost anything must end.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <lauxlib.h>
#include <lualib.h>

#include "lua/bind/budget.h"
#include "lua/bind/pattern.h"

static const char compare[] =
    "local theirs, ours, trials = ...\n"
    "local pieces = { 'a', 'b', '.', '%a', '%d', '%s', '%W', '%x', '%z', '%.', '%%', '[ab]', "
    "'[^a]', '[%d_]', '[a-c]', "
    "  '[]b]', '[^]]', '[a-]', '[%]x]', '(', ')', '()', '%1', '%2', '%b()', '%bxy', '%f[%w]', "
    "'%f[^a]', '^', '$', 'x', "
    "  ' ', '-', '%', '[', '%f', '%b', ']', '\\0', '%0', '1' }\n"
    "local texts = { 'a', 'b', 'c', 'x', 'y', '(', ')', ' ', '1', '_', '.', ']', '-', '\\0', 'A', "
    "'%', '\\xe9' }\n"
    "local suffixes = { '', '', '', '', '*', '+', '-', '?' }\n"
    "local values = { '%0', '%1', '<%2>', '%%', '', 'x%', '%9', 'plain', function(a, b) return b "
    "end, { a = 'A', "
    "  b = 1, x = false }, function() return nil end, function(a) return #tostring(a) end, { a = "
    "{} } }\n"
    "local function draw(list, most)\n"
    "  local out = {}\n"
    "  for i = 1, math.random(0, most) do out[i] = list[math.random(#list)] end\n"
    "  return out\n"
    "end\n"
    "local function pattern()\n"
    "  local out = draw(pieces, 6)\n"
    "  for i = 1, #out do out[i] = out[i] .. suffixes[math.random(#suffixes)] end\n"
    "  return (math.random(6) == 1 and '^' or '') .. table.concat(out)\n"
    "end\n"
    "local function show(...)\n"
    "  local t = table.pack(...)\n"
    "  for i = 1, t.n do t[i] = ('%s %q'):format(type(t[i]), tostring(t[i])) end\n"
    "  return table.concat(t, ', ')\n"
    "end\n"
    "local function all(gmatch, s, p, init)\n"
    "  local out = {}\n"
    "  for a, b in gmatch(s, p, init) do out[#out + 1] = show(a, b) end\n"
    "  return table.concat(out, '; ')\n"
    "end\n"
    "local errors, hits = 0, 0\n"
    "for i = 1, trials do\n"
    "  local s, p = table.concat(draw(texts, 14)), pattern()\n"
    "  local init = math.random(5) == 1 and math.random(-20, 20) or nil\n"
    "  local value = values[math.random(#values)]\n"
    "  local most = math.random(5) == 1 and math.random(-1, 4) or nil\n"
    "  for what, call in pairs {\n"
    "    find = function(f) return f.find(s, p, init) end,\n"
    "    plain = function(f) return f.find(s, p, init, true) end,\n"
    "    match = function(f) return f.match(s, p, init) end,\n"
    "    gmatch = function(f) return all(f.gmatch, s, p, init) end,\n"
    "    gsub = function(f) return f.gsub(s, p, value, most) end,\n"
    "  } do\n"
    "    local a, b = show(pcall(call, theirs)), show(pcall(call, ours))\n"
    "    if a ~= b then\n"
    "      error(('%s(%q, %q, %s, %s): expected %s, got %s'):format(what, s, p, tostring(init), "
    "tostring(value), a, b))\n"
    "    end\n"
    "    if a:find('^boolean \"false') then errors = errors + 1 elseif not a:find 'nil' then hits "
    "= hits + 1 end\n"
    "  end\n"
    "end\n"
    "return errors, hits\n";

static int run_compare(lua_State *L)
{
    luaL_openlibs(L);
    if (luaL_loadstring(L, compare) != LUA_OK) return lua_error(L);
    lua_getglobal(L, "string");
    lua_newtable(L);
    pattern_register(L);
    lua_pushinteger(L, lua_tointeger(L, 1));
    luaL_loadstring(L, "math.randomseed(...)");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 0);
    lua_call(L, 3, 2);
    return 2;
}

static void test_random_patterns_are_the_library_s(void **state)
{
    (void)state;
    struct budget b = {.bytes_max = (size_t)64 << 20, .instructions_max = INT64_MAX / 2};
    lua_State *L = budget_state(&b);
    assert_non_null(L);
    lua_pushcfunction(L, run_compare);
    lua_pushinteger(L, 20000);
    if (lua_pcall(L, 1, 2, 0) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
    printf("# %lld errors, %lld results\n", (long long)lua_tointeger(L, -2),
           (long long)lua_tointeger(L, -1));
    assert_true(lua_tointeger(L, -2) > 5000); // or nothing was compared
    assert_true(lua_tointeger(L, -1) > 5000);
    lua_close(L);
}

static int run_text(lua_State *L)
{
    const char *text = lua_touserdata(L, 1);
    luaL_openlibs(L);
    lua_getglobal(L, "string");
    pattern_register(L);
    if (luaL_loadbuffer(L, text, strlen(text), "@page.lua") != LUA_OK) return lua_error(L);
    lua_call(L, 0, 0);
    return 0;
}

static double cpu_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

// A budget of two million: some 20 ms, wherever the time goes.
static void check_ends(const char *text, const char *said)
{
    struct budget b = {.bytes_max = (size_t)64 << 20, .instructions_max = 2000000};
    lua_State *L = budget_state(&b);
    assert_non_null(L);
    double before = cpu_s();
    lua_pushcfunction(L, run_text);
    lua_pushlightuserdata(L, (void *)(uintptr_t)text);
    assert_int_not_equal(lua_pcall(L, 1, 0, 0), LUA_OK);
    double took = cpu_s() - before;
    if (!strstr(lua_tostring(L, -1), said))
        fail_msg("%s: expected \"%s\", got %s", text, said, lua_tostring(L, -1));
    assert_true(b.overrun);
    assert_true(took < 2);
    lua_close(L);
}

static void test_what_tries_every_way_ends(void **state)
{
    (void)state;
    check_ends("\n\nstring.find(('a'):rep(30), ('a?'):rep(30) .. ('a'):rep(30))",
               "page.lua:3: more than 2000000 steps of a pattern: it tries too many ways to fit");
    check_ends("local s = ('a'):rep(9999)\nlocal n = s:gsub('(a*)*(a*)b', {})",
               "page.lua:2: more than 2000000 steps");
    check_ends("while true do\n  local s = ('x'):rep(1e6)\nend",
               "page.lua:2: more than 2000000 instr");
    // what was spent by a page behind its back is found by the next instruction
    check_ends("pcall(string.find, ('a'):rep(3000), 'a*a*a*b')\nlocal x = 1", "page.lua:");
}

// A budget that is given back before the hook comes counts as before.
static int spend_and_return(lua_State *L)
{
    void *ctx;
    lua_getallocf(L, &ctx);
    struct budget *b = ctx;
    lua_newuserdatauv(L, 40 << 20, 0); // more than a million instructions' worth
    assert_true(b->early);
    b->instructions = 0; // a step of the clock
    lua_settop(L, 0);
    luaL_loadstring(L, "for i = 1, 300000 do local x = i end");
    lua_call(L, 0, 0);
    assert_false(b->early);
    assert_true(b->instructions < 900000);
    return 0;
}

static void test_a_step_of_the_clock_gives_the_budget_back(void **state)
{
    (void)state;
    struct budget b = {.bytes_max = (size_t)64 << 20, .instructions_max = 1000000};
    lua_State *L = budget_state(&b);
    assert_non_null(L);
    lua_pushcfunction(L, spend_and_return);
    if (lua_pcall(L, 0, 0, 0) != LUA_OK) fail_msg("%s", lua_tostring(L, -1));
    lua_close(L);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_patterns_are_the_library_s),
        cmocka_unit_test(test_what_tries_every_way_ends),
        cmocka_unit_test(test_a_step_of_the_clock_gives_the_budget_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
