// Pages that try to get out of the sandbox: to files, processes, other pages and the bench's own
// objects, or to take all memory and all time. Each is loaded as `foxbench list` loads pages, in a
// state with smaller bounds; a page that gets out says ESCAPED, one that was left with nothing says
// kept.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lua/bind/budget.h"
#include "lua/bind/state.h"

enum { MEMORY = 24 << 20, INSTRUCTIONS = 2000000, PATIENCE_S = 30 };

#define OUT             " error 'ESCAPED'"
#define KEPT(condition) "if " condition " then error 'ESCAPED' end error 'kept'"
#define SUITE           "local cert = require 'cert' local s = cert.suite { id = 'ESC', title = 'escapes' } "
#define LOOP            "more than 200000000 instructions"
#define FULL            "MiB of memory"

struct attempt {
    const char *name;
    const char *page;  // suites/esc/a.lua
    const char *said;  // part of the error's text
    const char *later; // suites/esc/b.lua, which is loaded after it, or NULL
};

static const struct attempt files[] = {
    {"open a file", "io.open('/etc/passwd')" OUT, "unknown name 'io'", NULL},
    {"write to stdout", "print('1..0')" OUT, "unknown name 'print'", NULL},
    {"remove a file", "os.remove('/tmp/x')" OUT, "unknown name 'os'", NULL},
    {"run a file", "dofile('/tmp/x.lua')" OUT, "unknown name 'dofile'", NULL},
    {"load a file", "loadfile('/tmp/x.lua')" OUT, "unknown name 'loadfile'", NULL},
    {"require a path", "require '../../../tmp/x'" OUT, "suites may require", NULL},
    {"require above the suites", "require 'suites...fixtures.x'" OUT, "there is no page", NULL},
    {"require a library", "require 'io'" OUT, "suites may require", NULL},
    {"require the runner", "require 'cert.runner'" OUT, "suites may require", NULL},
    {"require a dialect", "require 'dialects.sfm10r'" OUT, "suites may require", NULL},
    {"require no text", "require {}" OUT, "expected a name", NULL},
};

static const struct attempt processes[] = {
    {"start a program", "os.execute('true')" OUT, "unknown name 'os'", NULL},
    {"read from a program", "io.popen('true')" OUT, "unknown name 'io'", NULL},
    {"load a shared library", "package.loadlib('libc.so.6', '*')" OUT, "unknown name 'package'",
     NULL},
    {"leave", "os.exit(0, true)" OUT, "unknown name 'os'", NULL},
};

static const struct attempt code[] = {
    {"compile a text", "load('return 1')" OUT, "unknown name 'load'", NULL},
    {"be bytecode", "\x1bLuaT", "binary chunk", NULL},
    {"dump bytecode", "string.dump(function() end)" OUT, "nil value (field 'dump')", NULL},
    {"dump bytecode through a text", "local f = ('').dump f(function() end)" OUT,
     "nil value (local 'f')", NULL},
    {"the debug library", "debug.getregistry()" OUT, "unknown name 'debug'", NULL},
    {"a coroutine without a budget", "coroutine.wrap(function() while true do end end)()" OUT,
     "unknown name 'coroutine'", NULL},
    {"stop the collector", "collectgarbage 'stop'" OUT, "unknown name 'collectgarbage'", NULL},
    {"a finaliser", "setmetatable({}, { __gc = function() end })" OUT, "__gc is not available",
     NULL},
};

static const struct attempt objects[] = {
    {"reach the globals", "local g = _G" OUT, "unknown name '_G'", NULL},
    {"make a global", "x = 1" OUT, "global variable 'x'; write `local x", NULL},
    {"replace a global", "error = nil" OUT, "global variable 'error'", NULL},
    {"make a global raw", "rawset(_ENV, 'x', 1)" OUT, "protected", NULL},
    {"open the environment", "setmetatable(_ENV, nil)" OUT, "protected", NULL},
    {"see behind the environment", KEPT("getmetatable(_ENV).__index"), "kept", NULL},
    {"another environment for others", "_ENV = {}", "kept", "assert(string) error 'kept'"},
    {"change a library", "string.format = nil" OUT, "string cannot be changed: 'format'", NULL},
    {"change a library raw", "rawset(string, 'format', 1)" OUT, "protected", NULL},
    {"move into a library", "table.move({ 1 }, 1, 1, 1, math)" OUT, "math cannot be changed", NULL},
    {"empty a library", KEPT("next(string) or next(table)"), "kept", NULL},
    {"methods of all texts", "getmetatable('').__index = {}" OUT, "nil value", NULL},
    {"poison texts for others", "pcall(function() ('').rep.x = 1 string.rep = error end)", "kept",
     "assert(('x'):rep(2) == 'xx') error 'kept'"},
    {"change cert", "require('cert').suite = nil" OUT, "cert cannot be changed: 'suite'", NULL},
    {"change cert.traffic", "require('cert.traffic').x = 1" OUT, "cert.traffic cannot be changed",
     NULL},
    {"change cert raw", "rawset(require 'cert', 'suite', 1)" OUT, "protected", NULL},
    {"the class of suites", SUITE KEPT("getmetatable(s)"), "kept", NULL},
    {"another class for a suite", SUITE "setmetatable(s, {})" OUT, "protected", NULL},
    {"a suite's methods raw", SUITE "rawset(s, 'case', print)" OUT, "'print'", NULL},
    {"a made-up suite", SUITE "s.case({}, {})" OUT, "cert.suite{} gave", NULL},
    {"change another page's case",
     SUITE "s:case { id = 'ESC-001', title = 't', threat = 't', severity = 'low', level = 'basic', "
           "needs = {}, safety = 'S0', covers = {}, faults = { 'MUT-CNT-001' }, deadline_s = 1, "
           "run = error }",
     "kept",
     SUITE
     "s.cases[1].title = 'x' s.cases[1].faults[1] = 'x' s.cases[1].run = nil s.cases[1] = nil "
     "local c = s.cases[1] assert(c.title == 't' and c.faults[1] == 'MUT-CNT-001' and c.run "
     "== error) error 'kept'"},
    {"change a shared page", "return { x = 1 }", "suites/esc/a.lua cannot be changed: 'x'",
     "require('suites.esc.a').x = 2" OUT},
    {"change a shared page raw", "return { x = 1 }", "protected",
     "rawset(require 'suites.esc.a', 'x', 2)" OUT},
};

static const struct attempt memory[] = {
    {"double a text", "local s = 'x' while true do s = s .. s end", FULL, NULL},
    {"grow a table", "local t = {} for i = 1, 1e9 do t[i] = { i } end", FULL, NULL},
    {"repeat a text", "string.rep('x', 1 << 30)" OUT, "string.rep: at most 16777216", NULL},
    {"repeat as a method", "('x'):rep(1 << 30)" OUT, "string.rep: at most", NULL},
    {"repeat a number of times in words", "string.rep('x', '1073741824')" OUT,
     "string.rep: at most", NULL},
    {"repeat a separator", "string.rep('', 1 << 26, ('y'):rep(64))" OUT, "string.rep: at most",
     NULL},
    {"repeat until the product overflows", "string.rep('xxxx', 1 << 62)" OUT, "string.rep: at most",
     NULL},
    {"replace each byte by many", "('x'):rep(60000):gsub('x', ('y'):rep(60000))" OUT, FULL, NULL},
    {"join long texts",
     "local t, s = {}, ('x'):rep(1 << 20) for i = 1, 100 do t[i] = s end "
     "table.concat(t)" OUT,
     FULL, NULL},
    {"unpack too much", "table.unpack({}, 1, 1e8)" OUT, "too many results", NULL},
    {"memory behind pcall",
     "for _ = 1, 3 do assert(not pcall(function() local s = 'x' while true do s = s .. s end end)) "
     "end error 'kept'",
     FULL, NULL},
};

static const struct attempt endless[] = {
    {"a loop", "while true do end", LOOP, NULL},
    {"a loop of goto", "::a:: goto a", LOOP, NULL},
    {"a loop behind pcall", "while true do pcall(function() while true do end end) end", LOOP,
     NULL},
    {"a loop in an error handler",
     "xpcall(error, function() while true do end end) while true do end", LOOP, NULL},
    {"a loop in the handler of a loop",
     "local function f() while true do end end xpcall(f, f) while true do end", LOOP, NULL},
    {"a loop in __close",
     "do local x <close> = setmetatable({}, { __close = function() while true do end end }) end",
     LOOP, NULL},
    {"a loop in a sort", "table.sort({ 1, 2, 3 }, function() while true do end end)", LOOP, NULL},
    {"a loop in a replacement", "('x'):gsub('x', function() while true do end end)", LOOP, NULL},
    {"an iterator that never ends", "for _ in function() return 1 end do end", LOOP, NULL},
    {"an error whose text never ends",
     "error(setmetatable({}, { __tostring = function() while true do end end }))", LOOP, NULL},
    {"endless recursion", "local function f() return 1 + f() end f()", FULL, NULL},
    {"endless metamethods", "local m = {} m.__index = setmetatable(m, m) return m.x",
     "__index' chain too long", NULL},
    {"an order that contradicts itself",
     "local t = {} for i = 1, 500 do t[i] = i % 7 end table.sort(t, function() return true end)",
     "invalid order function", NULL},
    {"insert into what says it is long",
     "table.insert(setmetatable({}, { __len = function() return 1 << 60 end }), 1, 1)" OUT,
     "table.insert: expected a table without __len", NULL},
    {"remove from what says it is long",
     "table.remove(setmetatable({}, { __len = function() return 1 << 60 end }), 1)" OUT,
     "table.remove: expected", NULL},
    {"sort what says it is long",
     "table.sort(setmetatable({}, { __len = function() return 1 << 30 end }))" OUT,
     "table.sort: expected", NULL},
    {"move nothing, often", "table.move({}, 1, 1 << 60, 2)" OUT, "table.move: at most", NULL},
    {"move nothing, a float's worth", "table.move({}, 1, 2^60, 2)" OUT, "table.move: at most",
     NULL},
    {"move nothing, a text's worth", "table.move({}, 1, '9223372036854775806', 2)" OUT,
     "table.move: at most", NULL},
    {"move from the lowest number on",
     "table.move({}, math.mininteger, math.maxinteger // 2, 2)" OUT, "table.move: at most", NULL},
    {"search a long text", "string.find(('x'):rep(70000), 'x*y')" OUT, "at most 65536 bytes", NULL},
    {"search as a method", "(('x'):rep(70000)):find('x*y')" OUT, "at most 65536 bytes", NULL},
    {"a long pattern", "string.find('x', ('x?'):rep(200))" OUT, "256 of pattern", NULL},
    {"a pattern in pieces", "string.gmatch('x', ('x?'):rep(200))" OUT, "256 of pattern", NULL},
};

#define WAYS "esc/a.lua:1: more than 200000000 steps of a pattern"
#define GLUT "a.lua:1: more than 200000000"

// Work that is done in C, where no hook comes: each page of one line is named with its line.
static const struct attempt slow[] = {
    {"every way to split a text", "string.find(('a'):rep(3000), ('a*'):rep(8) .. 'b')" OUT, WAYS,
     NULL},
    {"every way to leave one out",
     "string.find(('a'):rep(28), ('a?'):rep(28) .. ('a'):rep(28))" OUT, WAYS, NULL},
    {"the shortest of every way", "('a'):rep(3000):match(('.-'):rep(8) .. 'b')" OUT, WAYS, NULL},
    {"every way once more", "('a'):rep(3000):gsub(('a*'):rep(8) .. 'b', '')" OUT, WAYS, NULL},
    {"every way in an iterator", "for _ in ('a'):rep(3000):gmatch(('a*'):rep(8) .. 'b') do end" OUT,
     WAYS, NULL},
    {"every balance", "('('):rep(60000):find('%b()')" OUT, WAYS, NULL},
    {"every capture", "('a'):rep(60000):find('(a*)%1b')" OUT, WAYS, NULL},
    {"a set as long as may be", "('a'):rep(60000):find('[' .. ('b'):rep(250) .. ']')" OUT, WAYS,
     NULL},
    {"every way behind pcall",
     "while true do pcall(string.find, ('a'):rep(3000), ('a*'):rep(8) .. 'b') end", WAYS, NULL},
    {"every way, a little at a time", "while true do string.find(('a'):rep(300), 'a*a*b') end",
     GLUT, NULL},
    {"a new long text, often", "local s = ('x'):rep(1 << 20) while true do local u = s .. 'y' end",
     GLUT, NULL},
    {"a part of a long text, often", "local s = ('x'):rep(1 << 20) while true do s:sub(2) end",
     GLUT, NULL},
    {"capitals of a long text, often", "local s = ('x'):rep(1 << 20) while true do s:upper() end",
     GLUT, NULL},
    {"a long text in a form, often",
     "local s = ('x'):rep(1 << 20) while true do string.format('%s!', s) end", GLUT, NULL},
    {"the longest repetition, often", "while true do ('xy'):rep(1 << 22) end", GLUT, NULL},
    {"a wild order",
     "local t, n = {}, 0 for i = 1, 3000 do t[i] = i end while true do n = n + 1 "
     "pcall(table.sort, t, function() n = n * 5 % 7 return n > 3 end) end",
     GLUT, NULL},
    {"sorting without end",
     "local t = {} for i = 1, 50000 do t[i] = i end while true do table.sort(t) end", GLUT, NULL},
    {"inserting at the front", "local t = {} for i = 1, 1e7 do table.insert(t, 1, i) end", GLUT,
     NULL},
    {"removing from the front",
     "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.remove(t, 1) t[#t + 1] = 1 "
     "end",
     GLUT, NULL},
    {"joining without end",
     "local t = {} for i = 1, 1e5 do t[i] = 'x' end while true do table.concat(t) end", GLUT, NULL},
    {"moving without end",
     "local t = {} for i = 1, 1e5 do t[i] = i end while true do table.move(t, 1, 1e5, 2) end", GLUT,
     NULL},
};

static const struct attempt chance[] = {
    {"random numbers of its own", "math.random()" OUT, "nil value (field 'random')", NULL},
    {"the time of day", "os.time()" OUT, "unknown name 'os'", NULL},
    {"an order out of addresses", "for _ in pairs { [{}] = 1 } do end" OUT, "keys are texts", NULL},
};

static char root[64];

static void write_page(const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/suites/esc/%s.lua", root, name);
    unlink(path);
    if (!text) return;
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int make_root(void **state)
{
    (void)state;
    char path[128];
    snprintf(root, sizeof root, "/tmp/escapes-XXXXXX");
    if (!mkdtemp(root)) return -1;
    snprintf(path, sizeof path, "%s/lua", root);
    if (symlink(FOX_SOURCE_DIR "/lua", path) != 0) return -1;
    for (const char *const *folder = (const char *const[]){"suites", "suites/esc", NULL}; *folder;
         folder++) {
        snprintf(path, sizeof path, "%s/%s", root, *folder);
        if (mkdir(path, 0700) != 0) return -1;
    }
    return 0;
}

static int remove_root(void **state)
{
    (void)state;
    char command[128];
    snprintf(command, sizeof command, "rm -rf %s", root);
    return system(command);
}

static void try_all(const struct attempt *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct attempt *a = &list[i];
        struct state *s = NULL;
        struct jval *cases = NULL;
        struct err e = {0};
        write_page("a", a->page);
        write_page("b", a->later);
        assert_int_equal(state_open(&s, root, NULL), ERR_OK);
        struct budget *b = state_budget(s);
        b->bytes_max = MEMORY;
        b->instructions_max = INSTRUCTIONS;
        alarm(PATIENCE_S); // what nothing stops shows itself
        printf("# %s\n", a->name);
        fflush(stdout);
        int rc = state_list(s, &cases, &e);
        if (rc != ERR_USAGE || !strstr(e.text, a->said) || strstr(e.text, "ESCAPED"))
            fail_msg("%s: expected \"%s\", got %d: %s", a->name, a->said, rc, e.text);
        alarm(0);
        jval_free(cases);
        state_close(s);
    }
}

#define TRY(list)                                                                                  \
    static void test_##list(void **state)                                                          \
    {                                                                                              \
        (void)state;                                                                               \
        try_all(list, sizeof list / sizeof *(list));                                               \
    }
TRY(files)
TRY(processes)
TRY(code)
TRY(objects)
TRY(memory)
TRY(endless)
TRY(slow)
TRY(chance)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_files),  cmocka_unit_test(test_processes),
        cmocka_unit_test(test_code),   cmocka_unit_test(test_objects),
        cmocka_unit_test(test_memory), cmocka_unit_test(test_endless),
        cmocka_unit_test(test_slow),   cmocka_unit_test(test_chance),
    };
    return cmocka_run_group_tests_name("escapes", tests, make_root, remove_root);
}
