// The class fox.dut: the device's serial line and its switches. lua/cert/device.lua makes t.dut of
// it.
#include <lauxlib.h>
#include <string.h>

#include "lua/bind/bind.h"
#include "lua/bind/convert.h"

static const char class_name[] = "fox.dut";

static struct bind *check_dut(lua_State *L)
{
    return *(struct bind **)luaL_checkudata(L, 1, class_name);
}

static bool wants_line(lua_State *L, int index)
{
    bool line = false;
    if (lua_isnoneornil(L, index)) return false;
    if (lua_getfield(L, index, "answer") != LUA_TNIL) {
        const char *word = lua_tostring(L, -1);
        line = word && strcmp(word, "line") == 0;
        if (!line && (!word || strcmp(word, "end") != 0))
            luaL_argerror(L, index, "answer: expected \"end\" or \"line\"");
    }
    lua_pop(L, 1);
    return line;
}

// dut:command(line, { within_s =, answer = "end" | "line" }) -> { outcome = "ok" | "error" |
// "timeout", answer, lines, sent_s, until_s }. Sends a line and waits for the dialect's OK or
// error, or for one line of text.
static int l_command(lua_State *L)
{
    static const char *const allowed[] = {"within_s", "answer", NULL};
    static const char *const outcomes[] = {"ok", "error", "timeout"};
    struct bind *b = check_dut(L);
    const char *line = luaL_checkstring(L, 2);
    bind_options(L, 3, allowed);
    bool one_line = wants_line(L, 3);

    struct pump_answer answer;
    struct err e = {0};
    int rc = pump_command(b->pump, line, bind_until(b, bind_seconds(L, 3, "within_s", 3)), one_line,
                          &answer, &e);
    if (rc < 0) jval_free(answer.lines);
    bind_settle(L, b, rc, &e);

    lua_createtable(L, 0, 5);
    convert_push(L, answer.lines);
    jval_free(answer.lines);
    lua_setfield(L, -2, "lines");
    lua_pushstring(L, outcomes[answer.outcome]);
    lua_setfield(L, -2, "outcome");
    lua_pushstring(L, answer.text);
    lua_setfield(L, -2, "answer");
    lua_pushnumber(L, (double)answer.sent / pump_rate_hz(b->pump));
    lua_setfield(L, -2, "sent_s");
    lua_pushnumber(L, (double)answer.until / pump_rate_hz(b->pump));
    lua_setfield(L, -2, "until_s");
    return 1;
}

// dut:next_line{ within_s = } -> { text, t }, or nil: the next line of the device that answers no
// command.
static int l_next_line(lua_State *L)
{
    static const char *const allowed[] = {"within_s", NULL};
    struct bind *b = check_dut(L);
    bind_options(L, 2, allowed);

    struct jval *line = NULL;
    struct err e = {0};
    int rc = pump_next_line(b->pump, bind_until(b, bind_seconds(L, 2, "within_s", 0)), &line, &e);
    bind_settle(L, b, rc, &e);
    convert_push(L, line);
    jval_free(line);
    return 1;
}

static int set_switch(lua_State *L, enum pump_switch which)
{
    struct bind *b = check_dut(L);
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    struct err e = {0};
    int rc = pump_switch(b->pump, which, lua_toboolean(L, 2), &e);
    bind_settle(L, b, rc, &e);
    return 0;
}

// dut:power(on): switches the supply.
static int l_power(lua_State *L)
{
    return set_switch(L, PUMP_POWER);
}

// dut:reset(held): holds or releases the reset line.
static int l_reset(lua_State *L)
{
    return set_switch(L, PUMP_RESET);
}

// dut:lab_enable(high) -> whether the bench has such a line; if so, it is set.
static int l_lab_enable(lua_State *L)
{
    struct bind *b = check_dut(L);
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    bool wired = pump_has_lab_enable(b->pump);
    struct err e = {0};
    if (wired) bind_settle(L, b, pump_lab_enable(b->pump, lua_toboolean(L, 2), &e), &e);
    lua_pushboolean(L, wired);
    return 1;
}

// dut:supply_low(low) -> whether the bench can lower the device's supply; if so, it is set.
static int l_supply_low(lua_State *L)
{
    struct bind *b = check_dut(L);
    luaL_checktype(L, 2, LUA_TBOOLEAN);
    bool wired = pump_has_ladder(b->pump);
    struct err e = {0};
    if (wired) bind_settle(L, b, pump_supply_low(b->pump, lua_toboolean(L, 2), &e), &e);
    lua_pushboolean(L, wired);
    return 1;
}

// dut:unasked() -> how many lines of this attempt answered no command.
static int l_unasked(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)pump_unasked_lines(check_dut(L)->pump));
    return 1;
}

// dut:line_state() -> { spoiled, in_pieces, unfinished, text }: how many lines of this attempt came
// with bytes that are no text, and in pieces; bytes whose line end has not come; the last such
// line.
static int l_line_state(lua_State *L)
{
    const struct pump_line_state s = pump_line_state(check_dut(L)->pump);
    lua_createtable(L, 0, 4);
    lua_pushinteger(L, (lua_Integer)s.spoiled);
    lua_setfield(L, -2, "spoiled");
    lua_pushinteger(L, (lua_Integer)s.in_pieces);
    lua_setfield(L, -2, "in_pieces");
    lua_pushinteger(L, (lua_Integer)s.unfinished);
    lua_setfield(L, -2, "unfinished");
    lua_pushstring(L, s.text);
    lua_setfield(L, -2, "text");
    return 1;
}

// dut:proven() -> whether the device has ever answered a command on this port.
static int l_proven(lua_State *L)
{
    lua_pushboolean(L, pump_port_proven(check_dut(L)->pump));
    return 1;
}

static const luaL_Reg methods[] = {
    {"command", l_command},       {"next_line", l_next_line},
    {"power", l_power},           {"reset", l_reset},
    {"proven", l_proven},         {"lab_enable", l_lab_enable},
    {"supply_low", l_supply_low}, {"unasked", l_unasked},
    {"line_state", l_line_state}, {NULL, NULL},
};

void bind_push_dut(lua_State *L, struct bind *b)
{
    struct bind **handle = lua_newuserdatauv(L, sizeof *handle, 0);
    *handle = b;
    if (luaL_newmetatable(L, class_name)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
}
