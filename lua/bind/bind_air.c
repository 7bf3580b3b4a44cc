// The class fox.air: what the receiver hears. lua/cert/air.lua makes t.air of it.
#include <lauxlib.h>
#include <math.h>

#include "lua/bind/bind.h"
#include "lua/bind/convert.h"

static const char class_name[] = "fox.air";

static const double margin_s = 0.1; // kept before and after a message

static struct bind *check_air(lua_State *L)
{
    return *(struct bind **)luaL_checkudata(L, 1, class_name);
}

static int64_t sample_at(const struct bind *b, double time_s)
{
    return (int64_t)ceil(time_s * pump_rate_hz(b->pump));
}

static void push_frame(lua_State *L, const struct bind *b, const struct jval *frame)
{
    double rate = pump_rate_hz(b->pump);
    convert_push(L, frame);
    lua_pushnumber(L, (double)jval_int(jval_get(frame, "start"), 0) / rate);
    lua_setfield(L, -2, "start_s");
    lua_pushnumber(L, (double)jval_int(jval_get(frame, "end"), 0) / rate);
    lua_setfield(L, -2, "end_s");
}

// air:next_frame(until_s) -> frame, or nil when every frame that ended before this sample time has
// been handed out. A frame has the fields of an `uplink` event, and start_s and end_s.
static int l_next_frame(lua_State *L)
{
    struct bind *b = check_air(L);
    double until_s = luaL_checknumber(L, 2);

    struct jval *frame = NULL;
    struct err e = {0};
    int rc = pump_next_frame(b->pump, sample_at(b, until_s), &frame, &e);
    bind_settle(L, b, rc, &e);
    if (!frame) return 0;
    push_frame(L, b, frame);
    jval_free(frame);
    return 1;
}

// air:wait(seconds): lets sample time pass.
static int l_wait(lua_State *L)
{
    struct bind *b = check_air(L);
    double s = luaL_checknumber(L, 2);
    luaL_argcheck(L, isfinite(s) && s >= 0 && s < 1e7, 2, "expected seconds, 0 or more");
    struct err e = {0};
    bind_settle(L, b, pump_wait(b->pump, bind_until(b, s), &e), &e);
    return 0;
}

// air:now_s() -> sample time in seconds since the run began.
static int l_now_s(lua_State *L)
{
    struct bind *b = check_air(L);
    lua_pushnumber(L, (double)pump_now(b->pump) / pump_rate_hz(b->pump));
    return 1;
}

// air:gap_since(time_s) -> why samples were lost since then, or nil.
static int l_gap_since(lua_State *L)
{
    struct bind *b = check_air(L);
    const char *why =
        pump_gap_since(b->pump, (int64_t)floor(luaL_checknumber(L, 2) * pump_rate_hz(b->pump)));
    if (!why) return 0;
    lua_pushstring(L, why);
    return 1;
}

// air:proven() -> whether any frame that decodes was heard since the radio was opened.
static int l_proven(lua_State *L)
{
    lua_pushboolean(L, pump_air_proven(check_air(L)->pump));
    return 1;
}

// air:capture{ name =, note =, frames = } -> whether the samples round these frames were still
// there and became evidence.
static int l_capture(lua_State *L)
{
    static const char *const allowed[] = {"name", "note", "frames", NULL};
    struct bind *b = check_air(L);
    bind_options(L, 2, allowed);
    lua_settop(L, 2);
    lua_getfield(L, 2, "name");
    lua_getfield(L, 2, "note");
    lua_getfield(L, 2, "frames");
    const char *name = luaL_checkstring(L, 3);
    const char *note = luaL_optstring(L, 4, "");
    luaL_argcheck(L, lua_istable(L, 5) && lua_rawlen(L, 5) > 0, 2, "frames: expected at least one");

    struct jval *frames = NULL;
    struct err e = {0};
    int rc = convert_take(L, 5, &frames, &e);
    bool kept = false;
    if (rc == ERR_OK) {
        int64_t margin = sample_at(b, margin_s);
        int64_t from = jval_int(jval_get(jval_at(frames, 0), "start"), 0) - margin;
        int64_t to = jval_int(jval_get(jval_at(frames, jval_len(frames) - 1), "end"), 0) + margin;
        rc = pump_capture(b->pump, name, note, from, to, frames, &kept, &e);
        jval_free(frames);
    }
    bind_settle(L, b, rc, &e);
    lua_pushboolean(L, kept);
    return 1;
}

// air:measure(frame) -> { NAME = { value =, u =, unit = } or { void = why, unit = }, …, mask = { …
// } }, or nil and why: the frame measured in the samples that are kept, bench/phy/measure.def.
static int l_measure(lua_State *L)
{
    struct bind *b = check_air(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    lua_settop(L, 2);
    struct jval *frame = NULL, *made = NULL;
    struct err e = {0};
    int rc = convert_take(L, 2, &frame, &e);
    if (rc == ERR_OK) rc = pump_measure(b->pump, frame, &made, &e);
    jval_free(frame);
    if (rc == ERR_NOTFOUND) {
        lua_pushnil(L);
        lua_pushstring(L, e.text);
        return 2;
    }
    bind_settle(L, b, rc, &e);
    convert_push(L, made);
    jval_free(made);
    return 1;
}

static const luaL_Reg methods[] = {
    {"next_frame", l_next_frame}, {"wait", l_wait},     {"now_s", l_now_s},
    {"gap_since", l_gap_since},   {"proven", l_proven}, {"capture", l_capture},
    {"measure", l_measure},       {NULL, NULL},
};

void bind_push_air(lua_State *L, struct bind *b)
{
    struct bind **handle = lua_newuserdatauv(L, sizeof *handle, 0);
    *handle = b;
    if (luaL_newmetatable(L, class_name)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
}
