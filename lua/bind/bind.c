#include "lua/bind/bind.h"

#include <lauxlib.h>
#include <math.h>
#include <string.h>

static const char fault_class[] = "fox.fault";

static void raise_unknown(lua_State *L, int index, const char *const *allowed)
{
    luaL_Buffer b;
    const char *got = luaL_tolstring(L, -1, NULL);
    luaL_buffinit(L, &b);
    for (const char *const *name = allowed; *name; name++) {
        if (name != allowed) luaL_addstring(&b, ", ");
        luaL_addstring(&b, *name);
    }
    luaL_pushresult(&b);
    luaL_argerror(
        L, index,
        lua_pushfstring(L, "unknown option '%s'; allowed are %s", got, lua_tostring(L, -1)));
}

void bind_options(lua_State *L, int index, const char *const *allowed)
{
    if (lua_isnoneornil(L, index)) return;
    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        bool known = false;
        for (const char *const *name = allowed; *name; name++)
            known = known ||
                    (lua_type(L, -2) == LUA_TSTRING && strcmp(lua_tostring(L, -2), *name) == 0);
        if (!known) {
            lua_pop(L, 1);
            raise_unknown(L, index, allowed);
        }
    }
}

double bind_seconds(lua_State *L, int index, const char *name, double otherwise)
{
    if (lua_isnoneornil(L, index)) return otherwise;
    double s = otherwise;
    if (lua_getfield(L, index, name) != LUA_TNIL) {
        int is_number = 0;
        s = lua_tonumberx(L, -1, &is_number);
        if (!is_number || !isfinite(s) || s < 0 || s > 1e7)
            luaL_argerror(L, index, lua_pushfstring(L, "%s: expected seconds, 0 or more", name));
    }
    lua_pop(L, 1);
    return s;
}

int64_t bind_until(const struct bind *b, double seconds)
{
    return pump_now(b->pump) + (int64_t)ceil(seconds * pump_rate_hz(b->pump));
}

int bind_fault(lua_State *L, const struct err *err)
{
    lua_createtable(L, 0, 3);
    lua_pushstring(L, err_name(err->code));
    lua_setfield(L, -2, "code");
    const char *blame = err->code == ERR_LIMIT || err->code == ERR_INVALID       ? "suite"
                        : err->code == ERR_USAGE || err->code == ERR_UNSUPPORTED ? "config"
                                                                                 : "bench";
    lua_pushstring(L, blame);
    lua_setfield(L, -2, "blame");
    lua_pushstring(L, err->text);
    lua_setfield(L, -2, "text");
    luaL_newmetatable(L, fault_class);
    lua_setmetatable(L, -2);
    lua_pushvalue(L, -1);
    lua_setfield(L, LUA_REGISTRYINDEX, "fox.raised"); // control.ending()
    return lua_error(L);
}

void bind_settle(lua_State *L, struct bind *b, int rc, const struct err *err)
{
    b->budget->instructions = 0;
    if (rc < 0) bind_fault(L, err);
}
