#include "lua/bind/state.h"

#include <dirent.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/base/bytes.h"
#include "lua/bind/bind.h"
#include "lua/bind/convert.h"
#include "lua/bind/pattern.h"

enum { PAGE_MAX = 1 << 20, PATH_SIZE = 1024, DEPTH_MAX = 4 };

static const size_t memory_max = (size_t)256 << 20;
// About two seconds of pure Lua; the clock has to move on before that, or the page is told so.
static const int64_t instructions_max = 200 * 1000 * 1000;

struct state {
    lua_State *L;
    struct budget budget;
    const char *root;
    struct bytes text; // of the page that is being loaded: a Lua error must not leak it
};

static struct state *state_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

// Loads root/path as text (never bytecode); the function is left on the stack.
static void load_file(lua_State *L, struct state *s, const char *path)
{
    char full[PATH_SIZE];
    struct err e = {0};
    snprintf(full, sizeof full, "%s/%s", s->root, path);
    bytes_deinit(&s->text);
    bytes_init(&s->text, PAGE_MAX);
    if (bytes_read_file(&s->text, full, &e) < 0) luaL_error(L, "%s", e.text);
    const char *name = lua_pushfstring(L, "@%s", path);
    const char *text = s->text.data ? (const char *)s->text.data : "";
    if (luaL_loadbufferx(L, text, s->text.len, name, "t") != LUA_OK) lua_error(L);
    lua_remove(L, -2);
}

// require "cert.X" | "dialects.X": a trusted module of lua/, once.
static int l_require(lua_State *L)
{
    struct state *s = state_of(L);
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    if (lua_getfield(L, lua_upvalueindex(2), name) != LUA_TNIL) return 1;
    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_.") != strlen(name))
        return luaL_error(L, "require \"%s\": no such module", name);
    const char *slashed = luaL_gsub(L, name, ".", "/");
    const char *path = strchr(name, '.') ? lua_pushfstring(L, "lua/%s.lua", slashed)
                                         : lua_pushfstring(L, "lua/%s/init.lua", slashed);
    load_file(L, s, path);
    lua_call(L, 0, 1);
    lua_pushvalue(L, -1);
    lua_setfield(L, lua_upvalueindex(2), name);
    return 1;
}

// host.page(path, env) -> what the page returns
static int l_page(lua_State *L)
{
    struct state *s = state_of(L);
    const char *path = luaL_checkstring(L, 1);
    luaL_checktype(L, 2, LUA_TTABLE);
    load_file(L, s, path);
    lua_pushvalue(L, 2);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, 1);
    return 1;
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n > m && strcmp(text + n - m, end) == 0;
}

// Appends the pages below root/folder to the list at the top of the stack.
static void list_pages(lua_State *L, const struct state *s, const char *folder, unsigned depth)
{
    char full[PATH_SIZE];
    snprintf(full, sizeof full, "%s/%s", s->root, folder);
    struct dirent **entries = NULL;
    int n = scandir(full, &entries, NULL, alphasort);
    if (n < 0) luaL_error(L, "%s: cannot read the folder of the suites", full);
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        char path[PATH_SIZE];
        struct stat st;
        int len = snprintf(path, sizeof path, "%s/%s", folder, name);
        snprintf(full, sizeof full, "%s/%s", s->root, path);
        bool usable = name[0] != '.' && len < (int)sizeof path && stat(full, &st) == 0;
        free(entries[i]);
        if (!usable) continue;
        if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX) {
            list_pages(L, s, path, depth + 1);
        } else if (S_ISREG(st.st_mode) && ends_with(path, ".lua")) {
            lua_pushstring(L, path);
            lua_rawseti(L, -2, (lua_Integer)lua_rawlen(L, -2) + 1);
        }
    }
    free(entries);
}

// host.pages() -> list of paths relative to the root
static int l_pages(lua_State *L)
{
    lua_newtable(L);
    list_pages(L, state_of(L), "suites", 0);
    return 1;
}

// host.array(table) -> the same table, an array in JSON even when it is empty
static int l_array(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    convert_array_mark(L, 1);
    return 1;
}

// charge(n): n values were, or will be, looked at in one call of C. In the registry, for the
// sandbox.
static int l_charge(lua_State *L)
{
    budget_spend(L, luaL_checkinteger(L, 1), "values moved in tables: does a loop never end?");
    return 0;
}

static int open_all(lua_State *L)
{
    struct state *s = lua_touserdata(L, 1);
    static const luaL_Reg libraries[] = {
        {LUA_GNAME, luaopen_base},
        {LUA_STRLIBNAME, luaopen_string},
        {LUA_TABLIBNAME, luaopen_table},
        {LUA_MATHLIBNAME, luaopen_math},
        {LUA_UTF8LIBNAME, luaopen_utf8},
        {LUA_DBLIBNAME, luaopen_debug},
        {NULL, NULL},
    };
    static const luaL_Reg host[] = {
        {"page", l_page}, {"pages", l_pages}, {"array", l_array}, {NULL, NULL}};
    for (const luaL_Reg *lib = libraries; lib->name; lib++) {
        luaL_requiref(L, lib->name, lib->func, 1);
        if (strcmp(lib->name, LUA_STRLIBNAME) == 0) pattern_register(L);
        lua_pop(L, 1);
    }
    static const char *const dropped[] = {"dofile", "loadfile", "load", "collectgarbage",
                                          "print",  "warn",     NULL};
    for (const char *const *name = dropped; *name; name++) {
        lua_pushnil(L);
        lua_setglobal(L, *name);
    }
    lua_pushlightuserdata(L, s);
    lua_newtable(L); // loaded modules
    lua_pushcclosure(L, l_require, 2);
    lua_setglobal(L, "require");
    lua_pushcfunction(L, l_charge);
    lua_setfield(L, LUA_REGISTRYINDEX, "fox.charge");

    luaL_newlibtable(L, host);
    lua_pushlightuserdata(L, s);
    luaL_setfuncs(L, host, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "fox.host");
    lua_getglobal(L, "require");
    lua_pushliteral(L, "cert.worker");
    lua_call(L, 1, 1);
    lua_setfield(L, LUA_REGISTRYINDEX, "fox.worker");
    return 0;
}

// Runs fn(argument) protected; a Lua error becomes `code` with its text.
static int protect(struct state *s, lua_CFunction fn, void *argument, int code, struct err *err)
{
    lua_settop(s->L, 0);
    s->budget.instructions = 0;
    lua_pushcfunction(s->L, fn);
    lua_pushlightuserdata(s->L, argument);
    if (lua_pcall(s->L, 1, 0, 0) == LUA_OK) return ERR_OK;
    const char *text = lua_tostring(s->L, -1);
    if (s->budget.overrun)
        return err_set(err, code, "%smore than %lld %s", s->budget.where,
                       (long long)instructions_max, s->budget.what);
    if (s->budget.starved)
        return err_set(err, code, "the suites need more than %zu MiB of memory", memory_max >> 20);
    return err_set(err, code, "%s", text ? text : "an error without a text");
}

int state_open(struct state **out, const char *root, struct err *err)
{
    struct state *s = calloc(1, sizeof *s);
    if (!s) return err_set(err, ERR_NOMEM, "Lua: out of memory");
    s->root = root;
    s->budget = (struct budget){.bytes_max = memory_max, .instructions_max = instructions_max};
    int rc = ERR_OK;
    s->L = budget_state(&s->budget);
    if (!s->L) {
        rc = err_set(err, ERR_NOMEM, "Lua: out of memory");
        goto fail;
    }
    rc = protect(s, open_all, s, ERR_INTERNAL, err);
    if (rc < 0) goto fail;
    *out = s;
    return ERR_OK;
fail:
    state_close(s);
    return rc;
}

void state_close(struct state *s)
{
    if (!s) return;
    if (s->L) lua_close(s->L);
    bytes_deinit(&s->text);
    free(s);
}

struct budget *state_budget(struct state *s)
{
    return &s->budget;
}

// One call into lua/cert/worker.lua. Results live here because a Lua error jumps over everything
// else.
struct call {
    struct state *state;
    const struct jval *a, *b, *c, *d;
    const char *text;
    struct bind *bind;
    struct jval *out, *out2;
    int rc;
    struct err *err;
};

static void push_worker(lua_State *L, const char *name)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "fox.worker");
    lua_getfield(L, -1, name);
    lua_remove(L, -2);
}

static void push_host(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, "fox.host");
}

static int finish(struct state *s, lua_CFunction fn, struct call *c, int code, struct err *err)
{
    c->state = s;
    c->err = err;
    int rc = protect(s, fn, c, code, err);
    return rc < 0 ? rc : c->rc;
}

static int call_list(lua_State *L)
{
    struct call *c = lua_touserdata(L, 1);
    push_worker(L, "list");
    push_host(L);
    lua_call(L, 1, 1);
    c->rc = convert_take(L, -1, &c->out, c->err);
    return 0;
}

int state_list(struct state *s, struct jval **out, struct err *err)
{
    struct call c = {0};
    int rc = finish(s, call_list, &c, ERR_USAGE, err);
    *out = c.out;
    return rc;
}

static int call_plan(lua_State *L)
{
    struct call *c = lua_touserdata(L, 1);
    push_worker(L, "plan");
    push_host(L);
    convert_push(L, c->a);
    convert_push(L, c->b);
    convert_push(L, c->c);
    convert_push(L, c->d);
    lua_call(L, 5, 2);
    if (lua_isnil(L, -2))
        c->rc = err_set(c->err, ERR_USAGE, "%s", lua_tostring(L, -1));
    else
        c->rc = convert_take(L, -2, &c->out, c->err);
    return 0;
}

int state_plan(struct state *s, const struct jval *request, const struct jval *device,
               const struct jval *bench, const struct jval *limits, struct jval **out,
               struct err *err)
{
    struct call c = {.a = request, .b = device, .c = bench, .d = limits};
    int rc = finish(s, call_plan, &c, ERR_INVALID, err);
    *out = c.out;
    return rc;
}

static int call_check(lua_State *L)
{
    struct call *c = lua_touserdata(L, 1);
    convert_push(L, c->a); // 2
    convert_push(L, c->b); // 3
    push_worker(L, "check");
    lua_pushvalue(L, 2);
    lua_pushvalue(L, 3);
    convert_push(L, c->c);
    lua_call(L, 3, 1);
    if (!lua_isnil(L, -1)) return luaL_error(L, "%s", lua_tostring(L, -1));
    c->rc = convert_take(L, 2, &c->out, c->err);
    if (c->rc == ERR_OK) c->rc = convert_take(L, 3, &c->out2, c->err);
    return 0;
}

int state_check(struct state *s, const struct jval *device, const struct jval *bench,
                const struct jval *limits, struct jval **device_out, struct jval **bench_out,
                struct err *err)
{
    struct call c = {.a = device, .b = bench, .c = limits};
    int rc = finish(s, call_check, &c, ERR_USAGE, err);
    *device_out = c.out;
    *bench_out = c.out2;
    return rc;
}

static int call_dialect(lua_State *L)
{
    struct call *c = lua_touserdata(L, 1);
    lua_getglobal(L, "require");
    lua_pushstring(L, "cert.dialect");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "load");
    lua_pushstring(L, c->text);
    lua_call(L, 1, 1);
    c->rc = convert_take(L, -1, &c->out, c->err);
    return 0;
}

int state_dialect(struct state *s, const char *name, struct jval **out, struct err *err)
{
    struct call c = {.text = name};
    int rc = finish(s, call_dialect, &c, ERR_USAGE, err);
    *out = c.out;
    if (rc < 0)
        return err_prefix(err,
                          "dialect '%s' of the device file (there must be a lua/dialects/%s.lua)",
                          name, name);
    return ERR_OK;
}

static int call_run(lua_State *L)
{
    struct call *c = lua_touserdata(L, 1);
    push_worker(L, "run");
    push_host(L);
    bind_push_core(L, c->bind);
    lua_pushstring(L, c->text);
    convert_push(L, c->a);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
    }
    convert_push(L, c->b);
    lua_call(L, 5, 1);
    return 0;
}

int state_run(struct state *s, struct bind *b, const char *id, const struct jval *axes,
              const struct jval *watched, struct err *err)
{
    struct call c = {.a = axes, .b = watched, .text = id, .bind = b};
    return finish(s, call_run, &c, ERR_INVALID, err);
}
