#include "lua/bind/convert.h"

#include <lauxlib.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char array_class[] = "fox.array";

void convert_array_mark(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    luaL_newmetatable(L, array_class);
    lua_setmetatable(L, index);
}

struct member {
    const char *key;
    struct jval *value;
};

static int collect(void *ctx, const char *key, struct jval *value)
{
    struct member **next = ctx;
    *(*next)++ = (struct member){key, value};
    return 0;
}

// jval_each must not be left by a Lua error (it holds memory), so the members are first listed in
// memory that Lua owns and then pushed.
static void push_object(lua_State *L, const struct jval *j)
{
    size_t n = jval_len(j);
    struct member *members = lua_newuserdatauv(L, (n + 1) * sizeof *members, 0);
    struct member *end = members;
    if (jval_each(j, collect, &end) < 0) luaL_error(L, "not enough memory");
    lua_createtable(L, 0, (int)n);
    for (const struct member *m = members; m < end; m++) {
        convert_push(L, m->value);
        lua_setfield(L, -2, m->key);
    }
    lua_remove(L, -2);
}

void convert_push(lua_State *L, const struct jval *j)
{
    luaL_checkstack(L, 4, "JSON nested too deeply");
    if (!j) {
        lua_pushnil(L);
        return;
    }
    switch (jval_kind(j)) {
    case JVAL_NULL:
        lua_pushnil(L);
        break;
    case JVAL_BOOL:
        lua_pushboolean(L, jval_bool(j, false));
        break;
    case JVAL_INT:
        lua_pushinteger(L, jval_int(j, 0));
        break;
    case JVAL_REAL:
        lua_pushnumber(L, jval_number(j, 0));
        break;
    case JVAL_STRING:
        lua_pushstring(L, jval_text(j, ""));
        break;
    case JVAL_ARRAY: {
        size_t n = jval_len(j);
        lua_createtable(L, (int)n, 0);
        convert_array_mark(L, -1);
        for (size_t i = 0; i < n; i++) {
            convert_push(L, jval_at(j, i));
            lua_rawseti(L, -2, (lua_Integer)i + 1);
        }
        break;
    }
    case JVAL_OBJECT:
        push_object(L, j);
        break;
    }
}

// Where we are inside the value: the tables above us (to see cycles) and the path for error texts.
struct walk {
    size_t values; // so far
    lua_State *L;
    const void *above[CONVERT_DEPTH_MAX];
    unsigned depth;
    char path[160];
    struct err *err;
};

FOX_PRINTF(2, 3) static int refuse(struct walk *w, const char *fmt, ...)
{
    char text[256];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    return w->path[0] ? err_set(w->err, ERR_FORMAT, "%s: %s", w->path, text)
                      : err_set(w->err, ERR_FORMAT, "%s", text);
}

static struct jval *give(struct walk *w, struct jval *value, const char *what)
{
    if (!value) refuse(w, "%s", what);
    return value;
}

// Lengthens the path by one step and returns where it ended before, for path_back.
static size_t path_key(struct walk *w, const char *key)
{
    size_t end = strlen(w->path);
    snprintf(w->path + end, sizeof w->path - end, "%s%s", end ? "." : "", key);
    return end;
}

static size_t path_index(struct walk *w, size_t i)
{
    size_t end = strlen(w->path);
    snprintf(w->path + end, sizeof w->path - end, "[%zu]", i);
    return end;
}

static void path_back(struct walk *w, size_t end)
{
    w->path[end] = '\0';
}

static struct jval *take(struct walk *w, int index);

static struct jval *take_string(struct walk *w, int index)
{
    size_t len;
    const char *text = lua_tolstring(w->L, index, &len);
    if (memchr(text, 0, len)) {
        refuse(w, "the text holds a zero byte, which JSON text here cannot; write bytes as "
                  "hexadecimal digits");
        return NULL;
    }
    return give(w, jval_make(NULL, "s%", text, len),
                "the text is not UTF-8; write raw bytes as hexadecimal digits");
}

static struct jval *take_array(struct walk *w, int index, size_t n)
{
    struct jval *array = jval_array();
    if (!array) return give(w, NULL, "no memory for the list");
    for (size_t i = 1; i <= n; i++) {
        size_t end = path_index(w, i);
        lua_rawgeti(w->L, index, (lua_Integer)i);
        struct jval *value = take(w, lua_gettop(w->L));
        lua_pop(w->L, 1);
        if (!value || jval_append(array, value, w->err) < 0) {
            jval_free(array);
            return NULL;
        }
        path_back(w, end);
    }
    return array;
}

static struct jval *take_object(struct walk *w, int index)
{
    struct jval *object = jval_object();
    if (!object) return give(w, NULL, "no memory for the table");
    lua_State *L = w->L;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        size_t len;
        const char *key = lua_tolstring(L, -2, &len); // a string already: take_table looked
        if (memchr(key, 0, len)) {
            refuse(w, "a key holds a zero byte");
            goto fail;
        }
        size_t end = path_key(w, key);
        struct jval *value = take(w, lua_gettop(L));
        if (!value) goto fail;
        if (jval_set(object, key, value, NULL) < 0) {
            refuse(w, "the key is not UTF-8");
            goto fail;
        }
        path_back(w, end);
    }
    return object;
fail:
    lua_pop(L, 2);
    jval_free(object);
    return NULL;
}

static bool is_marked(lua_State *L, int index)
{
    if (!lua_getmetatable(L, index)) return false;
    luaL_getmetatable(L, array_class);
    bool same = lua_istable(L, -1) && lua_rawequal(L, -1, -2);
    lua_pop(L, 2);
    return same;
}

static struct jval *take_table(struct walk *w, int index)
{
    lua_State *L = w->L;
    const void *self = lua_topointer(L, index);
    for (unsigned i = 0; i < w->depth; i++)
        if (w->above[i] == self) {
            refuse(w, "the table contains itself");
            return NULL;
        }
    if (w->depth == CONVERT_DEPTH_MAX) {
        refuse(w, "tables nested more than %d deep", CONVERT_DEPTH_MAX);
        return NULL;
    }

    size_t names = 0, numbers = 0;
    lua_Integer highest = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            names++;
        } else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) >= 1) {
            numbers++;
            if (lua_tointeger(L, -2) > highest) highest = lua_tointeger(L, -2);
        } else {
            refuse(w, "a key is a %s; keys are names, or 1, 2, 3 … in a list",
                   lua_type(L, -2) == LUA_TNUMBER ? "number outside 1, 2, 3 …"
                                                  : luaL_typename(L, -2));
            lua_pop(L, 2);
            return NULL;
        }
    }
    if (names && numbers) {
        refuse(w, "the table mixes named fields with list elements; it must be one or the other");
        return NULL;
    }
    if ((size_t)highest != numbers) {
        refuse(w, "the list has holes: %zu elements, the last one at %lld", numbers,
               (long long)highest);
        return NULL;
    }
    if (names && is_marked(L, index)) {
        refuse(w, "a list was given named fields");
        return NULL;
    }

    w->above[w->depth++] = self;
    struct jval *value =
        numbers || is_marked(L, index) ? take_array(w, index, numbers) : take_object(w, index);
    w->depth--;
    return value;
}

static struct jval *take(struct walk *w, int index)
{
    lua_State *L = w->L;
    if (++w->values > CONVERT_VALUES_MAX) { // a table that stands in many places is many values
        refuse(w, "more than %d values; does a table hold another one over and over?",
               CONVERT_VALUES_MAX);
        return NULL;
    }
    if (!lua_checkstack(L, 6)) return give(w, NULL, "no room on the Lua stack");
    switch (lua_type(L, index)) {
    case LUA_TNIL:
        return give(w, jval_make(NULL, "n"), "no memory");
    case LUA_TBOOLEAN:
        return give(w, jval_make(NULL, "b", lua_toboolean(L, index)), "no memory");
    case LUA_TNUMBER:
        if (lua_isinteger(L, index))
            return give(w, jval_make(NULL, "I", (long long)lua_tointeger(L, index)), "no memory");
        if (!isfinite(lua_tonumber(L, index))) {
            refuse(w, "the number is not finite (%f)", lua_tonumber(L, index));
            return NULL;
        }
        return give(w, jval_make(NULL, "f", lua_tonumber(L, index)), "no memory");
    case LUA_TSTRING:
        return take_string(w, index);
    case LUA_TTABLE:
        return take_table(w, index);
    default:
        refuse(w,
               "a %s cannot be written as JSON; expected nil, a boolean, number, string or table",
               luaL_typename(L, index));
        return NULL;
    }
}

int convert_take(lua_State *L, int index, struct jval **out, struct err *err)
{
    struct err unread; // `refuse` and its callers report through NULL, so the code needs a place
    struct walk w = {.L = L, .err = err ? err : &unread};
    *out = take(&w, lua_absindex(L, index));
    return *out ? ERR_OK : ERR_FORMAT;
}
