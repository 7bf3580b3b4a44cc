#include "lua/bind/budget.h"

#include <lauxlib.h>
#include <stdio.h>
#include <stdlib.h>

enum { STEP = 10000 };

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
    return fresh;
}

static void count(lua_State *L, lua_Debug *ar)
{
    (void)ar;
    void *ctx;
    lua_getallocf(L, &ctx);
    struct budget *b = ctx;
    b->instructions += b->overrun ? 1 : STEP;
    if (b->instructions < b->instructions_max) return;
    // From now on every instruction raises, so that a pcall in a loop ends too.
    lua_sethook(L, count, LUA_MASKCOUNT, 1);
    luaL_where(L, 0); // a hook runs on top of the function that it counts
    if (!b->overrun) snprintf(b->where, sizeof b->where, "%s", lua_tostring(L, -1));
    b->overrun = true;
    lua_pushfstring(L, "more than %I instructions: does a loop never end?",
                    (LUAI_UACINT)b->instructions_max);
    lua_concat(L, 2);
    lua_error(L);
}

lua_State *budget_state(struct budget *b)
{
    lua_State *L = lua_newstate(allocate, b);
    if (!L) return NULL;
    lua_sethook(L, count, LUA_MASKCOUNT, STEP);
    return L;
}
