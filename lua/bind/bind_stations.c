// The class fox.stations: several stations, and the core network that joins what they hear.
// It is t.stations as it stands.
#include <lauxlib.h>

#include "lua/bind/bind.h"

static const char class_name[] = "fox.stations";

static struct bind *check_stations(lua_State *L)
{
    return *(struct bind **)luaL_checkudata(L, 1, class_name);
}

// t.stations:count() -> how many stations the bench has.
static int l_count(lua_State *L)
{
    lua_pushinteger(L, pump_stations(check_stations(L)->pump));
    return 1;
}

// t.stations:only(n): the core network hears through station n alone (1 is the first); nil: all.
static int l_only(lua_State *L)
{
    struct bind *b = check_stations(L);
    lua_Integer only = luaL_optinteger(L, 2, 0), n = pump_stations(b->pump);
    luaL_argcheck(L, only >= 0 && only <= n, 2, "there is no such station");
    struct err e = {0};
    int rc = ERR_OK;
    for (lua_Integer i = 1; rc == ERR_OK && i <= n; i++)
        rc = pump_blind(b->pump, (unsigned)(i - 1), only != 0 && i != only, &e);
    bind_settle(L, b, rc, &e);
    return 0;
}

// t.stations:delivered(counter) -> how often the core network handed over the device's message with
// this counter.
static int l_delivered(lua_State *L)
{
    struct bind *b = check_stations(L);
    lua_Integer counter = luaL_checkinteger(L, 2);
    luaL_argcheck(L, counter >= 0 && counter < 4096, 2, "expected a counter, 0 … 4095");
    lua_pushinteger(L, pump_delivered(b->pump, (uint16_t)counter));
    return 1;
}

// t.stations:proven(n) -> whether station n ever heard a frame that decodes.
static int l_proven(lua_State *L)
{
    struct bind *b = check_stations(L);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_argcheck(L, n >= 1 && n <= pump_stations(b->pump), 2, "there is no such station");
    lua_pushboolean(L, pump_station_proven(b->pump, (unsigned)(n - 1)));
    return 1;
}

static const luaL_Reg methods[] = {{"count", l_count},
                                   {"only", l_only},
                                   {"delivered", l_delivered},
                                   {"proven", l_proven},
                                   {NULL, NULL}};

void bind_push_stations(lua_State *L, struct bind *b)
{
    struct bind **handle = lua_newuserdatauv(L, sizeof *handle, 0);
    *handle = b;
    if (luaL_newmetatable(L, class_name)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
}
