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

static bool get_flag(lua_State *L, const char *name)
{
    lua_getfield(L, -1, name);
    bool flag = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return flag;
}

// A whole number of the table on top, low..high; 0 when absent.
static int64_t get_integer(lua_State *L, const char *name, int64_t low, int64_t high)
{
    lua_Integer value = 0;
    if (lua_getfield(L, -1, name) != LUA_TNIL) {
        int is_integer = 0;
        value = lua_tointegerx(L, -1, &is_integer);
        if (!is_integer || value < low || value > high)
            luaL_error(L, "%s: expected a whole number, %I to %I", name, (LUAI_UACINT)low,
                       (LUAI_UACINT)high);
    }
    lua_pop(L, 1);
    return value;
}

static enum forge_key find_key(lua_State *L, const char *name)
{
    for (int key = 0; key < FORGE_KEYS; key++)
        if (strcmp(forge_key_name(key), name) == 0) return key;
    return (enum forge_key)luaL_error(L, "key: unknown key '%s'", name);
}

// The fields of the table on top that say how a downlink is altered; #ALTERED names them.
#define ALTERED                                                                                    \
    "tag_flip_hex", "payload_flip_hex", "key", "id", "counter_swap", "counter_clear",              \
        "counter_flip", "counter_add", "rewhiten", "tag_swap"

static void get_forge(lua_State *L, struct forge *f)
{
    get_hex(L, "tag_flip_hex", f->tag_flip, sizeof f->tag_flip, true);
    get_hex(L, "payload_flip_hex", f->payload_flip, sizeof f->payload_flip, true);
    if (lua_getfield(L, -1, "key") != LUA_TNIL) f->key = find_key(L, luaL_checkstring(L, -1));
    lua_pop(L, 1);
    f->other_id = lua_getfield(L, -1, "id") != LUA_TNIL;
    lua_pop(L, 1);
    f->id = (uint32_t)get_integer(L, "id", 0, UINT32_MAX);
    f->counter.swap = get_flag(L, "counter_swap");
    f->counter.clear = (uint16_t)get_integer(L, "counter_clear", 0, UINT16_MAX);
    f->counter.flip = (uint16_t)get_integer(L, "counter_flip", 0, UINT16_MAX);
    f->counter.add = (int16_t)get_integer(L, "counter_add", -4096, 4096);
    f->rewhiten = get_flag(L, "rewhiten");
    f->tag_swap = get_flag(L, "tag_swap");
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

// tx:can_sign(key) -> whether downlinks can be signed under this key: "own", "public", "test",
// "zeros", "ones", "reversed" (the device's, last byte first), "neighbour" (the first sample's).
static int l_can_sign(lua_State *L)
{
    const struct bind *b = check_tx(L);
    lua_pushboolean(L, pump_can_sign(b->pump, find_key(L, luaL_checkstring(L, 2))));
    return 1;
}

// tx:reply{ { payload_hex =, after_s =, on_uplink =, … }, … }: answers the device's next request
// with these downlinks, each after_s behind the end of frame 1 (absent: in the middle of the
// window), at the downlink's frequency or at frame 1's own. How each is altered: tag_flip_hex =,
// payload_flip_hex = bits turned over behind the signing; key =, id = to sign with; counter_swap =,
// counter_clear =, counter_flip =, counter_add = make another counter of the request's;
// rewhiten = true scrambles with the request's all the same. below_db = weaker than the bench's
// downlinks, off_hz = beside the frequency that is due.
static int l_reply(lua_State *L)
{
    static const char *const allowed[] = {"payload_hex", "after_s", "on_uplink", "below_db",
                                          "off_hz",      ALTERED,   NULL};
    struct bind *b = check_tx(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    size_t n = (size_t)lua_rawlen(L, 2);
    luaL_argcheck(L, n >= 1 && n <= PUMP_DOWNLINKS_MAX, 2, "expected 1 to 128 downlinks");
    struct pump_reply replies[PUMP_DOWNLINKS_MAX];
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        bind_options(L, 3, allowed);
        replies[i] = (struct pump_reply){.after_s = get_number(L, "after_s", -1),
                                         .below_db = get_number(L, "below_db", 0),
                                         .off_hz = get_number(L, "off_hz", 0)};
        if (replies[i].below_db < 0) luaL_error(L, "below_db: expected no less than 0");
        get_hex(L, "payload_hex", replies[i].payload, sizeof replies[i].payload, false);
        get_forge(L, &replies[i].forge);
        replies[i].on_uplink = get_flag(L, "on_uplink");
        lua_settop(L, 2);
    }
    struct err e = {0};
    bind_settle(L, b, pump_reply(b->pump, replies, n, &e), &e);
    return 0;
}

// tx:downlink{ payload_hex =, counter =, f_hz =, at_s =, … }: one downlink as for the request with
// this counter, at this sample time; altered as in tx:reply.
static int l_downlink(lua_State *L)
{
    static const char *const allowed[] = {"payload_hex", "counter", "f_hz", "at_s", ALTERED, NULL};
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
    get_forge(L, &d.forge);
    struct err e = {0};
    bind_settle(L, b, pump_downlink(b->pump, &d, &e), &e);
    return 0;
}

// tx:sent() -> list of { start_s, end_s, genuine, heard, why }: the bursts that were handed over
// since the last tx:forget, and why one was not, or nil. `heard`: a radio of the bench could hear
// it (nil: not looked for yet), `why`: what was not in order then.
static int l_sent(lua_State *L)
{
    struct bind *b = check_tx(L);
    const struct pump_sent *sent;
    const char *refusal;
    double rate = pump_rate_hz(b->pump);
    size_t n = pump_sent(b->pump, &sent, &refusal);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_createtable(L, 0, 5);
        lua_pushboolean(L, sent[i].genuine);
        lua_setfield(L, -2, "genuine");
        if (sent[i].looked) {
            lua_pushboolean(L, sent[i].heard);
            lua_setfield(L, -2, "heard");
        }
        if (sent[i].why[0]) {
            lua_pushstring(L, sent[i].why);
            lua_setfield(L, -2, "why");
        }
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
    {"can_send", l_can_send}, {"encrypts", l_encrypts}, {"level", l_level},
    {"reply", l_reply},       {"can_sign", l_can_sign}, {"downlink", l_downlink},
    {"sent", l_sent},         {"forget", l_forget},     {NULL, NULL},
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
