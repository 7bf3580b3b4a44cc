// The class fox.tx: what the bench sends. lua/cert/downlink.lua makes t:exchange and t:refuses of
// it.
#include <lauxlib.h>
#include <math.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "lua/bind/bind.h"

static const char class_name[] = "fox.tx";

static struct bind *check_tx(lua_State *L)
{
    return *(struct bind **)luaL_checkudata(L, 1, class_name);
}

// A field of the table on top: exactly `len` bytes in hexadecimal digits.
static void get_hex(lua_State *L, const char *name, uint8_t *out, size_t len, bool optional)
{
    struct err e = {0};
    memset(out, 0, len);
    if (lua_getfield(L, -1, name) != LUA_TNIL || !optional) {
        const char *hex = lua_tostring(L, -1);
        if (!hex || hex_decode(hex, out, len, &e) != (int)len)
            luaL_error(L, "%s: expected %d bytes in hexadecimal digits", name, (int)len);
    }
    lua_pop(L, 1);
}

static double get_number(lua_State *L, const char *name, double otherwise)
{
    double value = otherwise;
    if (lua_getfield(L, -1, name) != LUA_TNIL) {
        if (!lua_isnumber(L, -1) || !isfinite(lua_tonumber(L, -1)))
            luaL_error(L, "%s: expected a number", name);
        value = lua_tonumber(L, -1);
    }
    lua_pop(L, 1);
    return value;
}

// tx:can_send() -> whether the bench file lets the radio send.
static int l_can_send(lua_State *L)
{
    lua_pushboolean(L, pump_transmits(check_tx(L)->pump));
    return 1;
}

// tx:encrypts() -> whether the payloads of downlinks are encrypted.
static int l_encrypts(lua_State *L)
{
    lua_pushboolean(L, pump_encrypts(check_tx(L)->pump));
    return 1;
}

// tx:level() -> dBm at the radio's connector, and the declared dB from there to the device, or nil.
static int l_level(lua_State *L)
{
    double loss_db;
    double level_dbm = pump_downlink_level(check_tx(L)->pump, &loss_db);
    lua_pushnumber(L, level_dbm);
    if (!isfinite(loss_db)) return 1;
    lua_pushnumber(L, loss_db);
    return 2;
}

// tx:reply{ { payload_hex =, tag_flip_hex =, after_s =, on_uplink = }, … }: answers the device's
// next request with these downlinks, each after_s behind the end of frame 1 (absent: in the middle
// of the window), at the downlink's frequency or at frame 1's own.
static int l_reply(lua_State *L)
{
    static const char *const allowed[] = {"payload_hex", "tag_flip_hex", "after_s", "on_uplink",
                                          NULL};
    struct bind *b = check_tx(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    size_t n = (size_t)lua_rawlen(L, 2);
    luaL_argcheck(L, n >= 1 && n <= PUMP_DOWNLINKS_MAX, 2, "expected 1 to 128 downlinks");
    struct pump_reply replies[PUMP_DOWNLINKS_MAX];
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        bind_options(L, 3, allowed);
        replies[i] = (struct pump_reply){.after_s = get_number(L, "after_s", -1)};
        get_hex(L, "payload_hex", replies[i].payload, sizeof replies[i].payload, false);
        get_hex(L, "tag_flip_hex", replies[i].tag_flip, sizeof replies[i].tag_flip, true);
        lua_getfield(L, -1, "on_uplink");
        replies[i].on_uplink = lua_toboolean(L, -1);
        lua_settop(L, 2);
    }
    struct err e = {0};
    bind_settle(L, b, pump_reply(b->pump, replies, n, &e), &e);
    return 0;
}

// tx:downlink{ payload_hex =, tag_flip_hex =, counter =, f_hz =, at_s = }: one downlink as for the
// request with this counter, at this sample time.
static int l_downlink(lua_State *L)
{
    static const char *const allowed[] = {"payload_hex", "tag_flip_hex", "counter",
                                          "f_hz",        "at_s",         NULL};
    struct bind *b = check_tx(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    bind_options(L, 2, allowed);
    lua_settop(L, 2);
    struct pump_downlink d = {
        .counter = (uint16_t)get_number(L, "counter", 0),
        .f_hz = get_number(L, "f_hz", 0),
        .at_sample = llround(get_number(L, "at_s", 0) * pump_rate_hz(b->pump)),
    };
    get_hex(L, "payload_hex", d.payload, sizeof d.payload, false);
    get_hex(L, "tag_flip_hex", d.tag_flip, sizeof d.tag_flip, true);
    struct err e = {0};
    bind_settle(L, b, pump_downlink(b->pump, &d, &e), &e);
    return 0;
}

// tx:sent() -> list of { start_s, end_s }: the bursts that were handed over since the last
// tx:forget, and why one was not, or nil.
static int l_sent(lua_State *L)
{
    struct bind *b = check_tx(L);
    const struct pump_sent *sent;
    const char *refusal;
    double rate = pump_rate_hz(b->pump);
    size_t n = pump_sent(b->pump, &sent, &refusal);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_createtable(L, 0, 2);
        lua_pushnumber(L, (double)sent[i].start / rate);
        lua_setfield(L, -2, "start_s");
        lua_pushnumber(L, (double)sent[i].end / rate);
        lua_setfield(L, -2, "end_s");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    if (!refusal) return 1;
    lua_pushstring(L, refusal);
    return 2;
}

// tx:forget(): sends nothing more, and forgets what was sent.
static int l_forget(lua_State *L)
{
    struct bind *b = check_tx(L);
    struct err e = {0};
    bind_settle(L, b, pump_silence(b->pump, &e), &e);
    return 0;
}

static const luaL_Reg methods[] = {
    {"can_send", l_can_send}, {"encrypts", l_encrypts}, {"level", l_level},   {"reply", l_reply},
    {"downlink", l_downlink}, {"sent", l_sent},         {"forget", l_forget}, {NULL, NULL},
};

void bind_push_tx(lua_State *L, struct bind *b)
{
    struct bind **handle = lua_newuserdatauv(L, sizeof *handle, 0);
    *handle = b;
    if (luaL_newmetatable(L, class_name)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
}
