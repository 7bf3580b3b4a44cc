#include "lua/bind/budget.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 10000, BYTES_A_STEP = 32 };

static void count(lua_State *L, lua_Debug *ar);

static void *allocate(void *ctx, void *old, size_t old_size, size_t size)
{
    struct budget *b = ctx;
    if (!old) old_size = 0; // then it holds the kind of object
    if (size == 0) {
        free(old);
        b->bytes -= old_size;
        return NULL;
    }
    if (size > old_size && size - old_size > b->bytes_max - b->bytes) {
        b->starved = true;
        return NULL;
    }
    void *fresh = realloc(old, size);
    if (!fresh) return NULL;
    b->bytes = b->bytes - old_size + size;
    // A text of a megabyte is one instruction, and takes as long as thousands.
    b->instructions += (int64_t)(size / BYTES_A_STEP);
    if (b->instructions >= b->instructions_max && b->L && !b->overrun && !b->early) {
        b->early = true;
        lua_sethook(b->L, count, LUA_MASKCOUNT, 1); // which may be set at any time
    }
    return fresh;
}

// "suites/X.lua:7: ", the innermost line that is not the language's own; pushed.
static void push_place(lua_State *L)
{
    lua_Debug ar;
    for (int level = 0; lua_getstack(L, level, &ar); level++) {
        if (!lua_getinfo(L, "Sl", &ar) || ar.currentline <= 0 || strstr(ar.source, "lua/cert/"))
            continue;
        lua_pushfstring(L, "%s:%d: ", ar.short_src, ar.currentline);
        return;
    }
    luaL_where(L, 0); // of the language itself, then
}

// From now on every instruction raises, so that a pcall in a loop ends too.
static void raise(lua_State *L, struct budget *b, const char *what)
{
    lua_sethook(L, count, LUA_MASKCOUNT, 1);
    push_place(L);
    if (!b->overrun) {
        snprintf(b->where, sizeof b->where, "%s", lua_tostring(L, -1));
        b->what = what;
    }
    b->overrun = true;
    lua_pushfstring(L, "more than %I %s", (LUAI_UACINT)b->instructions_max, b->what);
    lua_concat(L, 2);
    lua_error(L);
}

static void count(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    void *ctx;
    lua_getallocf(L, &ctx);
    struct budget *b = ctx;
    if (!b->early) b->instructions += b->overrun ? 1 : STEP;
    if (b->early) lua_sethook(L, count, LUA_MASKCOUNT, STEP);
    b->early = false;
    if (b->instructions >= b->instructions_max) raise(L, b, "instructions: does a loop never end?");
}

void budget_spend(lua_State *L, int64_t steps, const char *what)
{
    void *ctx;
    lua_getallocf(L, &ctx);
    struct budget *b = ctx;
    b->instructions += steps;
    if (b->instructions >= b->instructions_max) raise(L, b, what);
}

lua_State *budget_state(struct budget *b)
{
    lua_State *L = lua_newstate(allocate, b);
    if (!L) return NULL;
    b->L = L;
    lua_sethook(L, count, LUA_MASKCOUNT, STEP);
    return L;
}
