// The class fox.samples: what the bench knows of the device and of further units of its make taken
// together. lua/cert/samples.lua makes t.samples of it.
#include <lauxlib.h>

#include "bench/base/bytes.h"
#include "bench/sfx/keyrelation.h"
#include "lua/bind/bind.h"

enum { CAPTURES_MAX = 16 }; // of one unit

static const char class_name[] = "fox.samples";

static struct bind *check_samples(lua_State *L)
{
    return *(struct bind **)luaL_checkudata(L, 1, class_name);
}

// A unit's declaration: the device's own table for 0, else a sample's.
static const struct jval *declared(const struct bind *b, unsigned unit)
{
    return unit == 0 ? b->device : jval_at(jval_get(b->device, "samples"), unit - 1);
}

// The captured packets of a unit, from the list of hexadecimal texts on the top of the stack.
static size_t read_captures(lua_State *L, unsigned unit,
                            struct weakkey_capture captures[CAPTURES_MAX])
{
    size_t n = (size_t)luaL_len(L, -1);
    if (n < 1 || n > CAPTURES_MAX)
        luaL_error(L, "unit %d: expected 1 to %d packets", (int)unit, CAPTURES_MAX);
    for (size_t i = 0; i < n; i++) {
        struct sfx_uplink up;
        lua_rawgeti(L, -1, (lua_Integer)i + 1);
        const char *hex = lua_tostring(L, -1);
        if (!hex || !bind_decode_packet(hex, &up))
            luaL_error(L, "unit %d: packet %d does not decode", (int)unit, (int)i + 1);
        weakkey_capture_from(&up, &captures[i]);
        lua_pop(L, 1);
    }
    return n;
}

// A key in a token computes tags of its own device and nothing else.
static void demand_keys(lua_State *L, const struct bind *b, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        const struct pump_unit_config *unit = pump_unit_of(b->pump, i);
        struct err e = {0};
        if (!unit->token) continue;
        err_set(&e, ERR_UNSUPPORTED,
                "the key of %s lies in a token, which tries no other unit's messages with it; give "
                "file: references in a lab copy of the device file, on a bench where the keys may "
                "be known",
                unit->uart_unit);
        bind_fault(L, &e);
    }
}

static void set_integer(lua_State *L, const char *name, lua_Integer value)
{
    lua_pushinteger(L, value);
    lua_setfield(L, -2, name);
}

static void set_text(lua_State *L, const char *name, const char *value)
{
    lua_pushstring(L, value);
    lua_setfield(L, -2, name);
}

static void push_seen(lua_State *L, const struct keyrelation_seen *seen)
{
    lua_createtable(L, 0, 5);
    set_integer(L, "messages", seen->messages);
    set_integer(L, "verified", seen->verified);
    set_integer(L, "tag_bits", seen->tag_bits);
    lua_pushboolean(L, seen->explained);
    lua_setfield(L, -2, "explained");
    if (seen->mixed_up) set_integer(L, "owner", (lua_Integer)seen->owner);
}

static void push_finding(lua_State *L, const struct keyrelation_finding *f)
{
    lua_createtable(L, 0, 7);
    set_text(L, "kind", keyrelation_kind_name(f->kind));
    set_text(L, "recipe", f->recipe);
    set_text(L, "fingerprint", f->fingerprint);
    set_integer(L, "unit", (lua_Integer)f->device);
    set_integer(L, "other", (lua_Integer)f->other);
    set_integer(L, "tag_bits", f->tag_bits);
    lua_pushnumber(L, f->false_alarm);
    lua_setfield(L, -2, "false_alarm");
}

static void push_result(lua_State *L, const struct keyrelation_result *r, unsigned n)
{
    lua_createtable(L, 0, 4);
    lua_createtable(L, (int)n, 0);
    for (unsigned i = 0; i < n; i++) {
        push_seen(L, &r->seen[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "seen");
    lua_createtable(L, (int)r->n_findings, 0);
    for (size_t i = 0; i < r->n_findings; i++) {
        push_finding(L, &r->findings[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_setfield(L, -2, "findings");
    set_integer(L, "candidates", (lua_Integer)r->candidates);
    lua_pushnumber(L, r->false_alarm);
    lua_setfield(L, -2, "false_alarm");
}

// samples:relations{ { packet_hex, … }, … } -> { seen, findings, candidates, false_alarm }. The
// first list is of the device under test, the next of sample 1 …; units are counted from 0.
static int l_relations(lua_State *L)
{
    struct bind *b = check_samples(L);
    luaL_checktype(L, 2, LUA_TTABLE);
    unsigned n = 1 + pump_samples(b->pump);
    luaL_argcheck(L, luaL_len(L, 2) == (lua_Integer)n, 2, "expected one list for each unit");
    demand_keys(L, b, n);

    struct weakkey_capture captures[PUMP_UNITS_MAX][CAPTURES_MAX];
    uint8_t pacs[PUMP_UNITS_MAX][WEAKKEY_PAC_LEN];
    struct keyrelation_device devices[PUMP_UNITS_MAX];
    struct err e = {0};
    for (unsigned i = 0; i < n; i++) {
        const struct pump_unit_config *unit = pump_unit_of(b->pump, i);
        const char *pac = jval_text(jval_get(declared(b, i), "pac"), NULL);
        bool has_pac = pac && hex_decode(pac, pacs[i], WEAKKEY_PAC_LEN, &e) == WEAKKEY_PAC_LEN;
        lua_rawgeti(L, 2, (lua_Integer)i + 1);
        devices[i] = (struct keyrelation_device){
            .id = unit->device_id,
            .pac = has_pac ? pacs[i] : NULL,
            .key = unit->key,
            .captures = captures[i],
            .n_captures = read_captures(L, i, captures[i]),
        };
        lua_pop(L, 1);
    }
    struct keyrelation_result result;
    int rc = keyrelation_search(devices, n, &result, &e);
    bind_settle(L, b, rc, &e);
    push_result(L, &result, n);
    return 1;
}

// samples:count() -> how many further units the bench has beside the device under test.
static int l_count(lua_State *L)
{
    lua_pushinteger(L, pump_samples(check_samples(L)->pump));
    return 1;
}

// samples:unit(n) -> name of the serial line of sample n, or with 0 of the device under test.
static int l_unit(lua_State *L)
{
    struct bind *b = check_samples(L);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_argcheck(L, n >= 0 && n <= pump_samples(b->pump), 2, "there is no such unit");
    lua_pushstring(L, pump_unit_of(b->pump, (unsigned)n)->uart_unit);
    return 1;
}

// samples:use(n): from now on core.dut is sample n, or with 0 the device under test.
static int l_use(lua_State *L)
{
    struct bind *b = check_samples(L);
    lua_Integer n = luaL_checkinteger(L, 2);
    luaL_argcheck(L, n >= 0 && n <= pump_samples(b->pump), 2, "there is no such unit");
    struct err e = {0};
    int rc = pump_use(b->pump, (unsigned)n, &e);
    bind_settle(L, b, rc, &e);
    return 0;
}

static const luaL_Reg methods[] = {
    {"count", l_count}, {"relations", l_relations}, {"unit", l_unit}, {"use", l_use}, {NULL, NULL},
};

void bind_push_samples(lua_State *L, struct bind *b)
{
    struct bind **handle = lua_newuserdatauv(L, sizeof *handle, 0);
    *handle = b;
    if (luaL_newmetatable(L, class_name)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
}
