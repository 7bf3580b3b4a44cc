// The class fox.net: counters as the core network sees them. It is t.net as it stands.
#include <lauxlib.h>

#include "bench/net/judge.h"
#include "bench/sfx/counter.h"
#include "bench/stat/blind.h"
#include "lua/bind/bind.h"

static const char class_name[] = "fox.net";

static struct bind *check_net(lua_State *L)
{
    return *(struct bind **)luaL_checkudata(L, 1, class_name);
}

static unsigned modulus_of(const struct bind *b)
{
    return (unsigned)jval_int(jval_get(b->device, "modulus"), SFX_COUNTER_MODULUS_MAX);
}

static unsigned check_counter(lua_State *L, int index)
{
    lua_Integer c = luaL_checkinteger(L, index);
    luaL_argcheck(L, c >= 0 && c < SFX_COUNTER_MODULUS_MAX, index, "expected a counter, 0 … 4095");
    return (unsigned)c;
}

// t.net:modulus() -> the value at which the device's counter rolls over, as its device file
// declares it.
static int l_modulus(lua_State *L)
{
    lua_pushinteger(L, modulus_of(check_net(L)));
    return 1;
}

// t.net:step(from, to) -> how far counter `to` lies ahead of `from`, modulo the roll-over.
static int l_step(lua_State *L)
{
    struct bind *b = check_net(L);
    lua_pushinteger(L, sfx_counter_step(check_counter(L, 2), check_counter(L, 3), modulus_of(b)));
    return 1;
}

// t.net:is_newer(counter, last) -> whether `counter` lies ahead of `last` by less than half the
// roll-over; with last = nil, true.
static int l_is_newer(lua_State *L)
{
    struct bind *b = check_net(L);
    unsigned counter = check_counter(L, 2), modulus = modulus_of(b);
    if (lua_isnoneornil(L, 3)) {
        lua_pushboolean(L, counter < modulus);
        return 1;
    }
    unsigned step = sfx_counter_step(check_counter(L, 3), counter, modulus);
    lua_pushboolean(L, counter < modulus && step > 0 && step < modulus / 2);
    return 1;
}

// t.net:window() -> how many counters ahead the network still accepts, from the declared messages
// per day.
static int l_window(lua_State *L)
{
    struct bind *b = check_net(L);
    lua_pushinteger(
        L, sfx_counter_window((unsigned)jval_int(jval_get(b->device, "messages_per_day"), 140)));
    return 1;
}

// t.net:verdicts() -> list of { name, text }: every verdict that the network can give on a frame
// (`frame.judge`).
static int l_verdicts(lua_State *L)
{
    (void)check_net(L);
    lua_newtable(L);
    int n = 0;
#define VERDICT(name, text)                                                                        \
    lua_createtable(L, 0, 2);                                                                      \
    lua_pushstring(L, judge_verdict_name(JUDGE_##name));                                           \
    lua_setfield(L, -2, "name");                                                                   \
    lua_pushstring(L, text);                                                                       \
    lua_setfield(L, -2, "text");                                                                   \
    lua_rawseti(L, -2, ++n);
#include "bench/net/frame_verdict.def"
#undef VERDICT
    return 1;
}

// t.net:malformed() -> { cause = frames }: how many uplinks of this attempt did not decode, of
// whichever station, for each cause (`frame.status`), zeros included.
static int l_malformed(lua_State *L)
{
    struct bind *b = check_net(L);
    lua_newtable(L);
    for (int s = SFX_STATUS_OK + 1; s < JUDGE_STATUSES; s++) {
        lua_pushinteger(L, pump_malformed(b->pump, (enum sfx_status)s));
        lua_setfield(L, -2, sfx_status_name((enum sfx_status)s));
    }
    return 1;
}

// t.net:related(a, b) -> how payload a could have been made of b, of the same length: "is the
// same", "is the same read backwards", "is the same rotated by 3 bytes" …; nil when it could not.
// Of 60 random payloads of 12 bytes two are related once in 10^5 runs.
static int l_related(lua_State *L)
{
    (void)check_net(L);
    size_t len, other;
    const char *a = luaL_checklstring(L, 2, &len), *b = luaL_checklstring(L, 3, &other);
    luaL_argcheck(L, len == other && len > 0, 3, "expected two payloads of one length");
    struct blind_match m = blind_relate((const uint8_t *)a, (const uint8_t *)b, len);
    static const char *const texts[] = {
        [BLIND_SAME] = "is the same",
        [BLIND_REVERSED] = "is the same read backwards",
        [BLIND_ROTATED] = "is the same rotated by %d bytes",
        [BLIND_SHIFTED] = "is the same shifted by %d bytes",
        [BLIND_CONSTANT] = "differs by a constant alone",
    };
    if (m.relation == BLIND_NONE)
        lua_pushnil(L);
    else
        lua_pushfstring(L, texts[m.relation], (int)m.by);
    return 1;
}

static const luaL_Reg methods[] = {
    {"modulus", l_modulus},   {"step", l_step},
    {"is_newer", l_is_newer}, {"window", l_window},
    {"verdicts", l_verdicts}, {"malformed", l_malformed},
    {"related", l_related},   {NULL, NULL},
};

void bind_push_net(lua_State *L, struct bind *b)
{
    struct bind **handle = lua_newuserdatauv(L, sizeof *handle, 0);
    *handle = b;
    if (luaL_newmetatable(L, class_name)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
}
