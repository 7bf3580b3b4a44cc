// The class fox.stations: several stations, and the core network that joins what they hear.
// lua/cert/stations.lua makes t.stations of it.
#include <lauxlib.h>
#include <stdio.h>

#include "lua/bind/bind.h"

static const char class_name[] = "fox.stations";

static struct bind *check_stations(lua_State *L)
{
    return *(struct bind **)luaL_checkudata(L, 1, class_name);
}

// A list of places in the bench file's radios, 2 and above, as a mask (bit 0: the second radio);
// nil is an empty one.
static unsigned get_radios(lua_State *L, int index)
{
    unsigned mask = 0;
    if (lua_isnoneornil(L, index)) return 0;
    luaL_checktype(L, index, LUA_TTABLE);
    for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, index); i++) {
        lua_rawgeti(L, index, i);
        lua_Integer place = luaL_checkinteger(L, -1);
        luaL_argcheck(L, place >= 2 && place <= PUMP_STATIONS_MAX + 1, index, "no such radio");
        mask |= 1u << (place - 2);
        lua_pop(L, 1);
    }
    return mask;
}

// stations:using({ place, … } [, { place, … }]) -> whether exactly these radios are open beside the
// first, and these to listen to the bench's own downlinks.
static int l_using(lua_State *L)
{
    struct bind *b = check_stations(L);
    const unsigned others = get_radios(L, 2), monitors = get_radios(L, 3);
    unsigned listening, open = pump_radios(b->pump, &listening);
    lua_pushboolean(L, open == (others | monitors) && listening == monitors);
    return 1;
}

// stations:use({ place, … } [, { place, … }]): opens these radios beside the first, and those of
// the second list to listen to the bench's own downlinks; closes the others.
static int l_use(lua_State *L)
{
    struct bind *b = check_stations(L);
    struct err e = {0};
    bind_settle(L, b, pump_use_radios(b->pump, get_radios(L, 2), get_radios(L, 3), &e), &e);
    return 0;
}

// stations:delivered(counter) -> how often the core network handed over the device's message with
// this counter.
static int l_delivered(lua_State *L)
{
    struct bind *b = check_stations(L);
    lua_Integer counter = luaL_checkinteger(L, 2);
    luaL_argcheck(L, counter >= 0 && counter < 4096, 2, "expected a counter, 0 … 4095");
    lua_pushinteger(L, pump_delivered(b->pump, (uint16_t)counter));
    return 1;
}

// stations:heard(n, since_s) -> list of { device_id, counter, rank, start_s, end_s, f_hz }, oldest
// first: the frames that decode which station n (1 is the first) heard and that began at this
// sample time or later.
static int l_heard(lua_State *L)
{
    struct bind *b = check_stations(L);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_argcheck(L, n >= 1 && n <= PUMP_STATIONS_MAX + 1, 2, "there is no such station");
    const double rate = pump_rate_hz(b->pump);
    const double since = luaL_checknumber(L, 3) * rate;
    const struct pump_heard *f;
    size_t count = 0;
    while ((f = pump_heard(b->pump, (unsigned)n - 1, count)) && (double)f->start >= since)
        count++;
    lua_createtable(L, (int)count, 0);
    for (size_t i = count; i-- > 0;) {
        f = pump_heard(b->pump, (unsigned)n - 1, i);
        lua_createtable(L, 0, 6);
        char id[16];
        snprintf(id, sizeof id, "%08x", f->device_id);
        lua_pushstring(L, id);
        lua_setfield(L, -2, "device_id");
        lua_pushinteger(L, f->counter);
        lua_setfield(L, -2, "counter");
        lua_pushinteger(L, f->rank);
        lua_setfield(L, -2, "rank");
        lua_pushnumber(L, (double)f->start / rate);
        lua_setfield(L, -2, "start_s");
        lua_pushnumber(L, (double)f->end / rate);
        lua_setfield(L, -2, "end_s");
        lua_pushnumber(L, f->f_hz);
        lua_setfield(L, -2, "f_hz");
        lua_rawseti(L, -2, (lua_Integer)(count - i));
    }
    return 1;
}

static const luaL_Reg methods[] = {{"using", l_using},
                                   {"use", l_use},
                                   {"delivered", l_delivered},
                                   {"heard", l_heard},
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
