#include "lua/bind/script.h"

#include <errno.h>
#include <lauxlib.h>
#include <lualib.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lua/bind/budget.h"
#include "lua/bind/convert.h"

enum {
    MIB = 1 << 20,
    FILE_MAX = 16 * MIB,
    DATA_MEMORY = 16 * MIB,
    DATA_INSTRUCTIONS = 10 * 1000 * 1000, // about 0.1 s
    TEMPLATE_MEMORY = 512 * MIB,
    TEMPLATE_INSTRUCTIONS = 2000 * 1000 * 1000
};

// One run of one file. It outlives its Lua state; what holds memory outside Lua is kept here,
// because a Lua error jumps over everything else.
struct script {
    const char *path;
    struct bytes text;
    struct budget budget;
    bool syntax_seen;
    const struct jval *input;
    struct jval **value;
    struct bytes *out;
    int rc; // of what failed in C, with its text in err
    struct err *err;
};

static struct script *script_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

// Reading a global that does not exist is an error: a typo must not become nil.
static int l_unknown(lua_State *L)
{
    return luaL_error(L, "unknown name '%s'; %s", luaL_tolstring(L, 2, NULL),
                      lua_tostring(L, lua_upvalueindex(1)));
}

static int l_global(lua_State *L)
{
    const char *name = luaL_tolstring(L, 2, NULL);
    return luaL_error(L, "global variable '%s'; write `local %s = …`", name, name);
}

// Closes the environment on the top of the stack against unknown and new names.
static void seal(lua_State *L, const char *known)
{
    lua_createtable(L, 0, 3);
    lua_pushstring(L, known);
    lua_pushcclosure(L, l_unknown, 1);
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_global);
    lua_setfield(L, -2, "__newindex");
    lua_pushliteral(L, "sealed");
    lua_setfield(L, -2, "__metatable");
    lua_setmetatable(L, -2);
}

static void set_function(lua_State *L, struct script *s, const char *name, lua_CFunction fn)
{
    lua_pushlightuserdata(L, s);
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, -2, name);
}

// Loads text (never bytecode) as a function whose globals are the table at env.
static void load_text(lua_State *L, const struct bytes *text, const char *path, int env)
{
    const char *name = lua_pushfstring(L, "@%s", path);
    if (luaL_loadbufferx(L, text->data ? (const char *)text->data : "", text->len, name, "t") !=
        LUA_OK)
        lua_error(L);
    lua_pushvalue(L, env);
    lua_setupvalue(L, -2, 1);
    lua_remove(L, -2);
}

// ---- configuration files

// syntax(1): the version of the file's language.
static int l_syntax(lua_State *L)
{
    struct script *s = script_of(L);
    lua_Integer version = luaL_checkinteger(L, 1);
    if (version != 1)
        return luaL_error(L, "syntax(%I), but this foxbench reads syntax(1); use a newer foxbench",
                          (LUAI_UACINT)version);
    if (s->syntax_seen) return luaL_error(L, "syntax(1) stands twice");
    s->syntax_seen = true;
    return 0;
}

// env "NAME" -> the value of an environment variable; env("NAME", otherwise): that when it is not
// set
static int l_env(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    if (!script_of(L)->syntax_seen)
        return luaL_error(L, "expected syntax(1) as the first statement, got env \"%s\"", name);
    const char *value = getenv(name);
    if (!value) value = luaL_optstring(L, 2, NULL);
    if (!value)
        return luaL_error(L,
                          "the environment variable %s is not set; set it, or start through "
                          "foxlab, which sets the FOXLAB_ ones",
                          name);
    lua_pushstring(L, value);
    return 1;
}

static int data_main(lua_State *L)
{
    struct script *s = lua_touserdata(L, 1);
    lua_newtable(L);
    set_function(L, s, "syntax", l_syntax);
    set_function(L, s, "env", l_env);
    seal(L, "a configuration file knows syntax and env");
    load_text(L, &s->text, s->path, lua_gettop(L));
    lua_call(L, 0, 1);
    if (!s->syntax_seen)
        return luaL_error(L, "%s:1: expected syntax(1) as the first statement", s->path);
    if (!lua_istable(L, -1))
        return luaL_error(L, "%s: expected the file to return a table, got %s", s->path,
                          luaL_typename(L, -1));
    s->rc = convert_take(L, -1, s->value, s->err);
    return 0;
}

// ---- templates

// include "NAME" -> what NAME.lua returns, or the text of any other file
static int l_include(lua_State *L)
{
    struct script *s = script_of(L);
    const int env = lua_upvalueindex(2), seen = lua_upvalueindex(3);
    const char *name = luaL_checkstring(L, 1);
    if (!*name ||
        strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.") !=
            strlen(name) ||
        *name == '.')
        return luaL_error(L,
                          "include \"%s\": expected the name of a file beside this one, without "
                          "a folder",
                          name);
    lua_settop(L, 1);
    if (lua_getfield(L, seen, name) != LUA_TNIL) {
        if (lua_islightuserdata(L, -1)) return luaL_error(L, "%s includes itself", name);
        return 1;
    }
    lua_pushlightuserdata(L, s); // marks a file that is being included
    lua_setfield(L, seen, name);

    const char *slash = strrchr(s->path, '/');
    lua_pushlstring(L, s->path, slash ? (size_t)(slash - s->path) + 1 : 0);
    const char *path = lua_pushfstring(L, "%s%s", lua_tostring(L, -1), name);
    struct err why = {0};
    bytes_deinit(&s->text);
    bytes_init(&s->text, FILE_MAX);
    if (bytes_read_file(&s->text, path, &why) < 0)
        return luaL_error(L, "include \"%s\": %s", name, why.text);
    size_t len = strlen(name);
    if (len > 4 && strcmp(name + len - 4, ".lua") == 0) {
        lua_pushvalue(L, env);
        load_text(L, &s->text, path, lua_gettop(L));
        lua_call(L, 0, 1);
        if (lua_isnil(L, -1))
            return luaL_error(L, "include \"%s\": the file returned nothing", name);
    } else {
        lua_pushlstring(L, s->text.data ? (const char *)s->text.data : "", s->text.len);
    }
    lua_pushvalue(L, -1);
    lua_setfield(L, seen, name);
    return 1;
}

static int l_next_sorted(lua_State *L)
{
    lua_Integer i = lua_tointeger(L, lua_upvalueindex(2)) + 1;
    lua_pushinteger(L, i);
    lua_replace(L, lua_upvalueindex(2));
    if (lua_rawgeti(L, lua_upvalueindex(1), i) == LUA_TNIL) return 1;
    lua_pushvalue(L, -1);
    lua_gettable(L, 1);
    return 2;
}

// pairs(t): numbers first, then names, both ascending; other keys cannot be ordered and are errors.
// Lua's own order depends on a random seed, and equal input must give equal bytes.
static int l_pairs(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_settop(L, 1);
    lua_newtable(L); // 2: the keys
    lua_Integer n = 0;
    for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
        if (lua_type(L, -2) != LUA_TSTRING && lua_type(L, -2) != LUA_TNUMBER)
            return luaL_error(L, "pairs: keys must be names or numbers, got a %s",
                              luaL_typename(L, -2));
        lua_pushvalue(L, -2);
        lua_rawseti(L, 2, ++n);
    }
    lua_getfield(L, lua_upvalueindex(2), "sort");
    lua_pushvalue(L, 2);
    lua_pushvalue(L, lua_upvalueindex(3));
    lua_call(L, 2, 0);
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, l_next_sorted, 2);
    lua_pushvalue(L, 1);
    return 2;
}

static int l_key_less(lua_State *L)
{
    bool a = lua_type(L, 1) == LUA_TNUMBER, b = lua_type(L, 2) == LUA_TNUMBER;
    lua_pushboolean(L, a == b ? lua_compare(L, 1, 2, LUA_OPLT) : a);
    return 1;
}

// Opens a library into the environment on the top of the stack, without the functions in `removed`.
static void open_library(lua_State *L, const char *name, lua_CFunction open,
                         const char *const *removed)
{
    luaL_requiref(L, name, open, 0);
    for (; *removed; removed++) {
        lua_pushnil(L);
        lua_setfield(L, -2, *removed);
    }
    lua_setfield(L, -2, name);
}

// The environment of a template, pushed: pure functions only.
static void push_template_env(lua_State *L, struct script *s)
{
    static const char *const nothing[] = {NULL};
    static const char *const string_removed[] = {"dump", NULL};
    static const char *const math_removed[] = {"random", "randomseed", NULL};
    static const char *const kept[] = {"assert", "error",    "ipairs",   "select",
                                       "type",   "tostring", "tonumber", NULL};
    lua_newtable(L);
    const int env = lua_gettop(L);
    open_library(L, LUA_STRLIBNAME, luaopen_string, string_removed);
    open_library(L, LUA_TABLIBNAME, luaopen_table, nothing);
    open_library(L, LUA_MATHLIBNAME, luaopen_math, math_removed);
    open_library(L, LUA_UTF8LIBNAME, luaopen_utf8, nothing);

    luaL_requiref(L, LUA_GNAME, luaopen_base,
                  0); // the whole base library; only a choice is passed on
    for (const char *const *name = kept; *name; name++) {
        lua_getfield(L, -1, *name);
        lua_setfield(L, env, *name);
    }
    lua_pop(L, 1);

    lua_pushlightuserdata(L, s);
    lua_getfield(L, env, LUA_TABLIBNAME);
    lua_pushcfunction(L, l_key_less);
    lua_pushcclosure(L, l_pairs, 3);
    lua_setfield(L, env, "pairs");

    lua_pushlightuserdata(L, s);
    lua_pushvalue(L, env);
    lua_newtable(L);
    lua_pushcclosure(L, l_include, 3);
    lua_setfield(L, env, "include");
    seal(L, "a template knows include and Lua's pure string, table, math and utf8 functions");
}

static int template_main(lua_State *L)
{
    struct script *s = lua_touserdata(L, 1);
    push_template_env(L, s);
    load_text(L, &s->text, s->path, lua_gettop(L));
    lua_call(L, 0, 1);
    if (!lua_isfunction(L, -1))
        return luaL_error(L, "%s: expected the file to return a function(input), got %s", s->path,
                          luaL_typename(L, -1));
    convert_push(L, s->input);
    lua_call(L, 1, 1);
    if (lua_type(L, -1) != LUA_TSTRING)
        return luaL_error(L, "%s: expected the template's function to return a string, got %s",
                          s->path, luaL_typename(L, -1));
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    s->rc = bytes_append(s->out, text, len, s->err);
    return 0;
}

// ---- both

// Runs main in a fresh state. What went wrong is told with `code`, budgets with limit_code.
static int script_run(struct script *s, lua_CFunction main, int code, int limit_code)
{
    lua_State *L = budget_state(&s->budget);
    if (!L) return err_set(s->err, ERR_NOMEM, "%s: no memory for a Lua state", s->path);
    lua_pushcfunction(L, main);
    lua_pushlightuserdata(L, s);
    int rc = ERR_OK;
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        const char *text = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1)
                                                          : "it raised an error that is not a text";
        if (s->budget.starved)
            rc = err_set(s->err, limit_code,
                         "%s: needs more than %zu MiB of memory; does it build something without "
                         "end?",
                         s->path, s->budget.bytes_max / MIB);
        else
            rc = err_set(s->err, s->budget.overrun ? limit_code : code, "%s", text);
        // Lua keeps the last 60 characters of a path: give back the whole one where it is lost.
        if (s->err && !strstr(s->err->text, s->path) && s->rc == ERR_OK)
            (void)err_prefix(s->err, "%s", s->path);
    } else if (s->rc < 0) {
        (void)err_prefix(s->err, "%s", s->path);
        rc = code == ERR_USAGE ? code : s->rc;
        if (s->err) s->err->code = rc;
    }
    lua_close(L);
    return rc;
}

int script_parse_data(const char *name, const void *text, size_t len,
                      const struct script_bounds *bounds, struct jval **out, struct err *err)
{
    static const struct script_bounds usual = {DATA_MEMORY, DATA_INSTRUCTIONS};
    if (!bounds) bounds = &usual;
    struct script s = {
        .path = name,
        .budget = {.bytes_max = bounds->memory_bytes, .instructions_max = bounds->instructions},
        .value = out,
        .err = err,
    };
    *out = NULL;
    bytes_init(&s.text, FILE_MAX);
    int rc = bytes_append(&s.text, text, len, err);
    if (rc == ERR_OK) rc = script_run(&s, data_main, ERR_USAGE, ERR_USAGE);
    bytes_deinit(&s.text);
    return rc;
}

int script_read_data(const char *path, struct jval **out, struct err *err)
{
    struct bytes text;
    *out = NULL;
    bytes_init(&text, FILE_MAX);
    int rc = bytes_read_file(&text, path, err);
    if (rc == ERR_IO && access(path, R_OK) != 0) {
        rc = err_set(err, ERR_USAGE,
                     "%s: %s; expected a file of declarations there, which begins with syntax(1)",
                     path, strerror(errno));
    } else if (rc < 0) {
        rc = ERR_USAGE; // whatever keeps a configuration from being read is the user's to mend
        if (err) err->code = rc;
    } else {
        rc = script_parse_data(path, text.data ? text.data : (const uint8_t *)"", text.len, NULL,
                               out, err);
    }
    bytes_deinit(&text);
    return rc;
}

int script_render(const char *path, const struct jval *input, struct bytes *out, struct err *err)
{
    struct script s = {
        .path = path,
        .budget = {.bytes_max = TEMPLATE_MEMORY, .instructions_max = TEMPLATE_INSTRUCTIONS},
        .input = input,
        .out = out,
        .err = err,
    };
    bytes_init(&s.text, FILE_MAX);
    int rc = bytes_read_file(&s.text, path, err);
    if (rc == ERR_OK) rc = script_run(&s, template_main, ERR_FORMAT, ERR_LIMIT);
    bytes_deinit(&s.text);
    return rc;
}
