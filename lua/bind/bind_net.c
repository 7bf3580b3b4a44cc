// The class fox.net: counters as the core network sees them. It is t.net as it stands.
#include <lauxlib.h>
#include <stdio.h>

#include "bench/base/bytes.h"
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

// ---- the monitor, and what an operator may do

static uint32_t check_device_id(lua_State *L, const char *text)
{
    uint8_t id[4];
    if (hex_decode(text, id, sizeof id, NULL) != (int)sizeof id)
        luaL_error(L, "device_id: expected 8 hexadecimal digits, got \"%s\"", text);
    return (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 | (uint32_t)id[2] << 8 | id[3];
}

// What is wrong with whom the suite named is the suite's to mend; all else is a fault.
static int settle_act(lua_State *L, struct bind *b, int rc, const struct err *e)
{
    if (rc == ERR_NOTFOUND || rc == ERR_INVALID) return luaL_error(L, "%s", e->text);
    bind_settle(L, b, rc, e);
    return 0;
}

// { device_id = or station =, reason = } at index 2; nobody named: the device under test.
static const char *get_act(lua_State *L, const struct bind *b, bool stations,
                           struct pump_target *out)
{
    static const char *const both[] = {"device_id", "station", "reason", NULL};
    static const char *const devices[] = {"device_id", "reason", NULL};
    luaL_checktype(L, 2, LUA_TTABLE);
    bind_options(L, 2, stations ? both : devices);
    *out = (struct pump_target){0};
    if (lua_getfield(L, 2, "station") != LUA_TNIL) {
        lua_Integer place = luaL_checkinteger(L, -1);
        luaL_argcheck(L, place >= 1 && place <= STATIONS_MAX, 2, "station: there is no such one");
        out->is_station = true;
        out->station = (unsigned)place - 1;
    }
    lua_getfield(L, 2, "device_id");
    luaL_argcheck(L, !out->is_station || lua_isnil(L, -1), 2,
                  "expected a device or a station, got both");
    if (!out->is_station)
        out->device_id = check_device_id(
            L, luaL_optstring(L, -1, jval_text(jval_get(b->device, "id"), "00000000")));
    lua_pop(L, 2);
    lua_getfield(L, 2, "reason"); // stays on the stack: the text is lent
    const char *reason = lua_tostring(L, -1);
    if (!reason || !*reason) luaL_error(L, "reason: expected a text, why it is done");
    return reason;
}

static int act_block(lua_State *L, bool blocked)
{
    struct bind *b = check_net(L);
    struct pump_target target;
    struct err e = {0};
    const char *reason = get_act(L, b, true, &target);
    return settle_act(L, b, pump_block(b->pump, &target, blocked, reason, &e), &e);
}

// t.net:block{ reason = [, device_id = or station = 2] }: from now on nothing of the device (by
// default the one under test) or of the station is accepted, until the attempt ends.
static int l_block(lua_State *L)
{
    return act_block(L, true);
}

// t.net:unblock{ reason = [, device_id = or station = 2] }: takes a block back.
static int l_unblock(lua_State *L)
{
    return act_block(L, false);
}

// t.net:disengage{ reason = [, device_id =] }: resynchronises: the device's next counter is
// accepted whatever it is.
static int l_disengage(lua_State *L)
{
    struct bind *b = check_net(L);
    struct pump_target target;
    struct err e = {0};
    const char *reason = get_act(L, b, false, &target);
    return settle_act(L, b, pump_disengage(b->pump, target.device_id, reason, &e), &e);
}

// A list of kinds in field `name` as bits; 0 when absent.
static unsigned get_kinds(lua_State *L, const char *name)
{
    unsigned bits = 0;
    if (lua_getfield(L, 2, name) != LUA_TNIL) {
        luaL_checktype(L, -1, LUA_TTABLE);
        for (lua_Integer i = 1; i <= (lua_Integer)lua_rawlen(L, -1); i++) {
            lua_rawgeti(L, -1, i);
            const char *word = lua_tostring(L, -1);
            enum monitor_kind kind;
            if (!word || !monitor_kind_find(word, &kind))
                luaL_error(L, "%s: \"%s\" is no kind of alarm", name, word ? word : "?");
            bits |= 1u << kind;
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
    return bits;
}

static double get_figure(lua_State *L, const char *name, double otherwise)
{
    double value = otherwise;
    if (lua_getfield(L, 2, name) != LUA_TNIL) {
        value = luaL_checknumber(L, -1);
        if (!(value >= 0 && value <= 1e9))
            luaL_error(L, "%s: expected 0 or more, got %f", name, value);
    }
    lua_pop(L, 1);
    return value;
}

// t.net:watch{ block_device = { "clone" }, block_station = { "forgery" }, forged_per_hour =,
// jump_steps =, places = { 1, 2 }, travel_s = }: the monitor's rules until the attempt ends.
// Without it nothing blocks, 20 frames with wrong tags an hour are let pass, a counter may jump by
// what the subscription explains, and places are not looked at: `places` has the place of each
// station, and no device is heard at two of them within travel_s.
static int l_watch(lua_State *L)
{
    static const char *const allowed[] = {"block_device",
                                          "block_station",
                                          "forged_per_hour",
                                          "jump_steps",
                                          "places",
                                          "travel_s",
                                          NULL};
    struct bind *b = check_net(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    bind_options(L, 2, allowed);
    struct monitor_rules rules = pump_default_rules(b->pump);
    rules.block_device = get_kinds(L, "block_device");
    rules.block_station = get_kinds(L, "block_station");
    rules.forged_per_hour = (unsigned)get_figure(L, "forged_per_hour", rules.forged_per_hour);
    rules.jump_steps = (unsigned)get_figure(L, "jump_steps", 0);
    rules.travel_s = get_figure(L, "travel_s", 0);
    if (lua_getfield(L, 2, "places") != LUA_TNIL) {
        luaL_checktype(L, -1, LUA_TTABLE);
        for (int i = 0; i < STATIONS_MAX && i < (int)lua_rawlen(L, -1); i++) {
            lua_rawgeti(L, -1, i + 1);
            rules.place[i] = (unsigned)luaL_checkinteger(L, -1);
            lua_pop(L, 1);
        }
    }
    lua_pop(L, 1);
    struct err e = {0};
    return settle_act(L, b, pump_set_rules(b->pump, &rules, &e), &e);
}

static void push_alarm(lua_State *L, const struct bind *b, const struct monitor_alarm *a)
{
    char id[9];
    lua_createtable(L, 0, 7);
    lua_pushstring(L, monitor_kind_name(a->kind));
    lua_setfield(L, -2, "kind");
    lua_pushnumber(L, a->t_s);
    lua_setfield(L, -2, "time_s");
    lua_pushstring(L, a->text);
    lua_setfield(L, -2, "reason");
    if (a->kind != MONITOR_FORGERY) {
        snprintf(id, sizeof id, "%08x", a->device_id);
        lua_pushstring(L, id);
        lua_setfield(L, -2, "device_id");
    }
    if (a->kind != MONITOR_SILENCE) {
        lua_pushstring(L, pump_station_unit(b->pump, a->station));
        lua_setfield(L, -2, "unit");
    }
    lua_pushboolean(L, a->blocked_device);
    lua_setfield(L, -2, "blocked_device");
    lua_pushboolean(L, a->blocked_station);
    lua_setfield(L, -2, "blocked_station");
}

// t.net:alarms() -> list of { kind, time_s, reason, device_id, unit, blocked_device,
// blocked_station }, oldest first: what the monitor saw in this attempt, at most the last 64.
// `kind` is "clone", "flood", "jump", "silence" or "forgery"; a forgery has no device_id, a silence
// no unit. One kind is told once an hour for each device.
static int l_alarms(lua_State *L)
{
    struct bind *b = check_net(L);
    const struct monitor_alarm *a;
    lua_newtable(L);
    for (size_t i = 0; (a = pump_alarm(b->pump, i)); i++) {
        push_alarm(L, b, a);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
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
    {"modulus", l_modulus}, {"step", l_step},         {"is_newer", l_is_newer},
    {"window", l_window},   {"verdicts", l_verdicts}, {"malformed", l_malformed},
    {"related", l_related}, {"alarms", l_alarms},     {"watch", l_watch},
    {"block", l_block},     {"unblock", l_unblock},   {"disengage", l_disengage},
    {NULL, NULL},
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
