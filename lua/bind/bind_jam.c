// The class fox.jam: a jammer that reacts to what the first radio hears. lua/cert/jam.lua makes
// t.air:jam of it.
#include <lauxlib.h>
#include <math.h>

#include "lua/bind/bind.h"

static const char class_name[] = "fox.jam", handle_name[] = "fox.jam.handle";

struct handle {
    struct bind *bind;
    unsigned id; // 0: ended
};

static struct bind *check_jam(lua_State *L)
{
    return *(struct bind **)luaL_checkudata(L, 1, class_name);
}

// handle:stop(), also when it is closed or collected: silence at once. May run twice.
static int l_stop(lua_State *L)
{
    struct handle *h = luaL_checkudata(L, 1, handle_name);
    unsigned id = h->id;
    h->id = 0;
    if (id == 0) return 0;
    struct err e = {0};
    int rc = pump_jam_stop(h->bind->pump, id, &e);
    if (rc == ERR_OK) rc = pump_steady_stop(h->bind->pump, id, &e);
    bind_settle(L, h->bind, rc, &e);
    return 0;
}

static void push_handle_class(lua_State *L)
{
    if (!luaL_newmetatable(L, handle_name)) return;
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, l_stop);
    lua_setfield(L, -2, "stop");
    lua_setfield(L, -2, "__index");
    lua_pushcfunction(L, l_stop);
    lua_setfield(L, -2, "__close");
    lua_pushcfunction(L, l_stop);
    lua_setfield(L, -2, "__gc");
}

// The waveform that the table at index 2 names, with its numbers, and with the usual ones for those
// that it leaves out.
static struct phy_jam_wave wave_of(lua_State *L)
{
    enum phy_jam_shape shape = PHY_JAM_cw;
    lua_getfield(L, 2, "shape");
    luaL_argcheck(L, phy_jam_shape_find(luaL_checkstring(L, -1), &shape), 2,
                  "shape: there is no such jammer");
    struct phy_jam_wave w = phy_jam_wave_default(shape);
    const struct {
        const char *name;
        double *value;
    } numbers[] = {{"band_hz", &w.band_hz},
                   {"step_hz", &w.step_hz},
                   {"dwell_s", &w.dwell_s},
                   {"period_s", &w.period_s},
                   {"on_s", &w.on_s}};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        lua_getfield(L, 2, numbers[i].name);
        *numbers[i].value = luaL_optnumber(L, -1, *numbers[i].value);
        lua_pop(L, 1);
    }
    lua_pop(L, 1);
    return w;
}

// The radio that jams, 1 and up, out of option `by` at `index`; 0 is the first.
static unsigned check_radio(lua_State *L, int index)
{
    lua_Integer by = luaL_checkinteger(L, index);
    luaL_argcheck(L, by >= 1 && by <= PUMP_STATIONS_MAX + 1, 2, "by: there is no such radio");
    return (unsigned)by - 1;
}

static struct handle *push_handle(lua_State *L, struct bind *b)
{
    struct handle *h = lua_newuserdatauv(L, sizeof *h, 0);
    *h = (struct handle){.bind = b};
    push_handle_class(L);
    lua_setmetatable(L, -2);
    return h;
}

// jam:start{ by =, ranks =, js_db =, shape =, band_hz =, step_hz =, dwell_s =, period_s =, on_s = }
// -> handle: from now on radio `by` (1 is the first) sends this shape against the frames of the
// ranks in the mask `ranks` (bit 0: rank 1). What a shape does not need is not looked at.
static int l_start(lua_State *L)
{
    static const char *const allowed[] = {"by",      "ranks",   "js_db",    "shape", "band_hz",
                                          "step_hz", "dwell_s", "period_s", "on_s",  NULL};
    struct bind *b = check_jam(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    bind_options(L, 2, allowed);
    lua_settop(L, 2);
    lua_getfield(L, 2, "by");
    lua_getfield(L, 2, "ranks");
    lua_getfield(L, 2, "js_db");
    const unsigned by = check_radio(L, 3);
    lua_Integer ranks = luaL_checkinteger(L, 4);
    luaL_argcheck(L, ranks >= 1 && ranks <= 7, 2, "ranks: expected a mask, 1 … 7");
    const struct pump_jam_request request = {
        .by = by, .ranks = (unsigned)ranks, .js_db = luaL_checknumber(L, 5), .wave = wave_of(L)};
    struct handle *h = push_handle(L, b);
    struct err e = {0};
    bind_settle(L, b, pump_jam_start(b->pump, &request, &h->id, &e), &e);
    return 1;
}

// jam:steady{ by =, f_hz =, js_db = or level_dbm =, shape =, … } -> handle, id: from now on radio
// `by` sends this shape round f_hz without an end, whatever else is on the air.
static int l_steady(lua_State *L)
{
    static const char *const allowed[] = {"by",       "f_hz",    "level_dbm", "js_db",
                                          "shape",    "band_hz", "step_hz",   "dwell_s",
                                          "period_s", "on_s",    NULL};
    struct bind *b = check_jam(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    bind_options(L, 2, allowed);
    lua_settop(L, 2);
    lua_getfield(L, 2, "by");
    lua_getfield(L, 2, "f_hz");
    lua_getfield(L, 2, "level_dbm");
    lua_getfield(L, 2, "js_db");
    const unsigned by = check_radio(L, 3);
    const struct pump_steady_request request = {.by = by,
                                                .f_hz = luaL_checknumber(L, 4),
                                                .level_dbm = luaL_optnumber(L, 5, NAN),
                                                .js_db = luaL_optnumber(L, 6, 0),
                                                .wave = wave_of(L)};
    struct handle *h = push_handle(L, b);
    struct err e = {0};
    bind_settle(L, b, pump_steady_start(b->pump, &request, &h->id, &e), &e);
    lua_pushinteger(L, h->id);
    return 2;
}

static void set_number(lua_State *L, const char *name, double value)
{
    lua_pushnumber(L, value);
    lua_setfield(L, -2, name);
}

// jam:list() -> list of { rank, start_s, onset_s, end_s, f_hz, level_dbm, js_db, u_db, why, heard,
// done }: the frames that were jammed since the last start, or were to be. js_db and u_db only
// where it could be measured; `why` says what went wrong; `heard` is the rank that the jammer's own
// receiver decoded.
static int l_list(lua_State *L)
{
    struct bind *b = check_jam(L);
    const struct pump_jam *jams;
    const double rate = pump_rate_hz(b->pump);
    size_t n = pump_jams(b->pump, &jams);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        const struct pump_jam *j = &jams[i];
        lua_createtable(L, 0, 11);
        lua_pushinteger(L, j->rank);
        lua_setfield(L, -2, "rank");
        lua_pushboolean(L, j->done);
        lua_setfield(L, -2, "done");
        set_number(L, "start_s", (double)j->start / rate);
        set_number(L, "onset_s", (double)j->onset / rate);
        set_number(L, "end_s", (double)j->end / rate);
        set_number(L, "f_hz", j->f_hz);
        set_number(L, "level_dbm", j->level_dbm);
        if (j->measured) set_number(L, "js_db", j->js_db);
        if (j->measured) set_number(L, "u_db", j->u_db);
        if (j->why[0]) {
            lua_pushstring(L, j->why);
            lua_setfield(L, -2, "why");
        }
        unsigned heard = pump_jam_rank(b->pump, j);
        if (heard) {
            lua_pushinteger(L, heard);
            lua_setfield(L, -2, "heard");
        }
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

// jam:look(id) -> { start_s, level_dbm, js_db, heard, why } of a steady jammer, also of the one
// that was stopped last; nil: there is none. start_s only when it has begun, js_db only where the
// first radio hears it.
static int l_look(lua_State *L)
{
    struct bind *b = check_jam(L);
    struct pump_steady_state state;
    if (!pump_steady_look(b->pump, (unsigned)luaL_checkinteger(L, 2), &state)) return 0;
    lua_createtable(L, 0, 5);
    if (state.start) set_number(L, "start_s", (double)state.start / pump_rate_hz(b->pump));
    set_number(L, "level_dbm", state.level_dbm);
    if (isfinite(state.js_db)) set_number(L, "js_db", state.js_db);
    lua_pushboolean(L, state.heard);
    lua_setfield(L, -2, "heard");
    if (state.why) {
        lua_pushstring(L, state.why);
        lua_setfield(L, -2, "why");
    }
    return 1;
}

static const luaL_Reg methods[] = {
    {"start", l_start}, {"list", l_list}, {"steady", l_steady}, {"look", l_look}, {NULL, NULL}};

void bind_push_jam(lua_State *L, struct bind *b)
{
    struct bind **handle = lua_newuserdatauv(L, sizeof *handle, 0);
    *handle = b;
    if (luaL_newmetatable(L, class_name)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
}
