// The table `core` below lua/cert: events, evidence, random choices, statistics and the search for
// weak keys. Suites never see it; t:… methods use it.
#include <lauxlib.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/base/rng.h"
#include "bench/sfx/weakkey.h"
#include "bench/stat/binomial.h"
#include "bench/stat/sprt.h"
#include "lua/bind/bind.h"
#include "lua/bind/convert.h"

static struct bind *bind_of(lua_State *L)
{
    return lua_touserdata(L, lua_upvalueindex(1));
}

// core.event(table): one event of the ledger; the sample time is added.
static int l_event(lua_State *L)
{
    struct bind *b = bind_of(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    struct jval *event = NULL;
    struct err e = {0};
    int rc = convert_take(L, 1, &event, &e);
    if (rc < 0) return luaL_error(L, "event: %s", e.text);
    rc = pump_emit(b->pump, event, &e);
    bind_settle(L, b, rc, &e);
    return 0;
}

// core.fault(code, blame, text): why the attempt could not be finished.
static int l_fault(lua_State *L)
{
    struct bind *b = bind_of(L);
    struct err e = {0};
    int rc = pump_emit(b->pump,
                       jval_make(&e, "{s:s, s:s, s:s, s:s}", "type", "fault", "code",
                                 luaL_checkstring(L, 1), "blame", luaL_checkstring(L, 2), "text",
                                 luaL_checkstring(L, 3)),
                       &e);
    if (rc < 0) return luaL_error(L, "fault: %s", e.text);
    return 0;
}

// core.step(text): what progress messages say from now on.
static int l_step(lua_State *L)
{
    pump_set_step(bind_of(L)->pump, luaL_checkstring(L, 1));
    return 0;
}

// core.random() -> number in [0, 1), from the seed, the case and its axes.
static int l_random(lua_State *L)
{
    struct bind *b = bind_of(L);
    lua_pushnumber(L, rng_uniform(b->random_key, b->random_index++));
    return 1;
}

// core.evidence(name, media_type, note, text)
static int l_evidence(lua_State *L)
{
    struct bind *b = bind_of(L);
    size_t len;
    const char *name = luaL_checkstring(L, 1), *media_type = luaL_checkstring(L, 2),
               *note = luaL_checkstring(L, 3);
    const char *text = luaL_checklstring(L, 4, &len);
    struct err e = {0};
    bind_settle(L, b, pump_evidence(b->pump, name, media_type, note, text, len, &e), &e);
    return 0;
}

// ---- weak keys

struct search {
    struct bind *bind;
    struct err err;
};

static bool keep_searching(void *ctx, uint64_t tried)
{
    (void)tried;
    struct search *s = ctx;
    return pump_alive(s->bind->pump, &s->err) == ERR_OK;
}

// The class of a packet follows from its length and length indicator as the receiver saw it; the
// tag's input does not depend on it, so every class that fits the length is tried until one
// decodes.
bool bind_decode_packet(const char *hex, struct sfx_uplink *up)
{
    uint8_t packet[SFX_PACKET_MAX];
    struct err ignored;
    int len = hex_decode(hex, packet, sizeof packet, &ignored);
    if (len < 0) return false;
    for (int c = 0; c < SFX_CLASSES; c++)
        if (sfx_body_bits((enum sfx_class)c) == (unsigned)len * 8 &&
            sfx_uplink_decode((enum sfx_class)c, packet, (size_t)len, up) == SFX_STATUS_OK)
            return true;
    return false;
}

static void push_search(lua_State *L, const struct weakkey_result *r)
{
    lua_createtable(L, 0, 6);
    lua_pushboolean(L, r->found);
    lua_setfield(L, -2, "found");
    lua_pushstring(L, r->family);
    lua_setfield(L, -2, "family");
    lua_pushstring(L, r->fingerprint);
    lua_setfield(L, -2, "fingerprint");
    lua_pushinteger(L, (lua_Integer)r->candidates);
    lua_setfield(L, -2, "candidates");
    lua_pushinteger(L, r->tag_bits);
    lua_setfield(L, -2, "tag_bits");
    lua_pushnumber(L, r->false_alarm);
    lua_setfield(L, -2, "false_alarm");
}

// core.weak_key{ packet_hex, … } -> { found, family, fingerprint, candidates, tag_bits, false_alarm
// }
static int l_weak_key(lua_State *L)
{
    struct bind *b = bind_of(L);
    luaL_checktype(L, 1, LUA_TTABLE);
    struct weakkey_capture captures[WEAKKEY_CAPTURES_MAX];
    size_t n = (size_t)lua_rawlen(L, 1);
    luaL_argcheck(L, n >= 1 && n <= WEAKKEY_CAPTURES_MAX, 1, "expected 1 to 64 packets");
    uint32_t id = 0;
    for (size_t i = 0; i < n; i++) {
        struct sfx_uplink up;
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        const char *hex = lua_tostring(L, -1);
        if (!hex || !bind_decode_packet(hex, &up))
            return luaL_error(L, "packet %d does not decode", (int)i + 1);
        weakkey_capture_from(&up, &captures[i]);
        id = up.device_id;
        lua_pop(L, 1);
    }

    uint8_t pac[WEAKKEY_PAC_LEN];
    struct err e = {0};
    const char *pac_hex = jval_text(jval_get(b->device, "pac"), NULL);
    bool has_pac = pac_hex && hex_decode(pac_hex, pac, sizeof pac, &e) == WEAKKEY_PAC_LEN;
    const struct weakkey_subject subject = {
        .id = id,
        .pac = has_pac ? pac : NULL,
        .serial = jval_text(jval_get(b->device, "serial"), NULL),
    };
    struct search search = {.bind = b};
    struct weakkey_result result;
    int rc = weakkey_search(&subject, captures, n, keep_searching, &search, &result, &e);
    if (search.err.code < 0) {
        rc = search.err.code;
        e = search.err;
    }
    bind_settle(L, b, rc, &e);
    push_search(L, &result);
    return 1;
}

// ---- statistics

// statistics.upper(faults, trials, confidence) -> Clopper-Pearson upper bound of the rate.
static int l_upper(lua_State *L)
{
    lua_pushnumber(L, binomial_upper((unsigned)luaL_checkinteger(L, 1),
                                     (unsigned)luaL_checkinteger(L, 2), luaL_checknumber(L, 3)));
    return 1;
}

// statistics.interval(faults, trials, confidence) -> low, high: two-sided Clopper-Pearson.
static int l_interval(lua_State *L)
{
    struct binomial_interval i =
        binomial_interval((unsigned)luaL_checkinteger(L, 1), (unsigned)luaL_checkinteger(L, 2),
                          luaL_checknumber(L, 3));
    lua_pushnumber(L, i.low);
    lua_pushnumber(L, i.high);
    return 2;
}

static int l_decide(lua_State *L)
{
    const struct sprt_plan *plan = lua_touserdata(L, lua_upvalueindex(1));
    unsigned faults = (unsigned)luaL_checkinteger(L, 1), trials = (unsigned)luaL_checkinteger(L, 2);
    lua_pushstring(L, sprt_decision_name(sprt_decide(plan, trials, faults)));
    return 1;
}

static int l_sequential_upper(lua_State *L)
{
    const struct sprt_plan *plan = lua_touserdata(L, lua_upvalueindex(1));
    unsigned faults = (unsigned)luaL_checkinteger(L, 1), trials = (unsigned)luaL_checkinteger(L, 2);
    double bound;
    struct err e = {0};
    if (sprt_upper(plan, trials, faults, luaL_checknumber(L, 3), &bound, &e) < 0)
        return luaL_error(L, "t:claim: %s", e.text);
    lua_pushnumber(L, bound);
    return 1;
}

// statistics.sequential(good, bad, alpha, beta) -> { limit, decide(faults, trials) -> "continue" |
// "accept" | "reject" | "undecided", upper(faults, trials, confidence) -> bound that knows that the
// test could stop early }
static int l_sequential(lua_State *L)
{
    lua_createtable(L, 0, 3);
    struct sprt_plan *plan = lua_newuserdatauv(L, sizeof *plan, 0);
    struct err e = {0};
    if (sprt_plan_make(plan, luaL_checknumber(L, 1), luaL_checknumber(L, 2), luaL_checknumber(L, 3),
                       luaL_checknumber(L, 4), &e) < 0)
        return luaL_error(L, "t:claim: %s", e.text);
    lua_pushvalue(L, -1);
    lua_pushcclosure(L, l_decide, 1);
    lua_setfield(L, -3, "decide");
    lua_pushcclosure(L, l_sequential_upper, 1);
    lua_setfield(L, -2, "upper");
    lua_pushinteger(L, plan->n_max);
    lua_setfield(L, -2, "limit");
    return 1;
}

void bind_push_core(lua_State *L, struct bind *b)
{
    static const luaL_Reg functions[] = {
        {"event", l_event},       {"fault", l_fault},       {"step", l_step}, {"random", l_random},
        {"evidence", l_evidence}, {"weak_key", l_weak_key}, {NULL, NULL},
    };
    static const luaL_Reg statistics[] = {
        {"upper", l_upper}, {"interval", l_interval}, {"sequential", l_sequential}, {NULL, NULL}};
    luaL_newlibtable(L, functions);
    lua_pushlightuserdata(L, b);
    luaL_setfuncs(L, functions, 1);
    luaL_newlib(L, statistics);
    lua_setfield(L, -2, "statistics");
    bind_push_dut(L, b);
    lua_setfield(L, -2, "dut");
    bind_push_air(L, b);
    lua_setfield(L, -2, "air");
    bind_push_net(L, b);
    lua_setfield(L, -2, "net");
    bind_push_probe(L, b);
    lua_setfield(L, -2, "probe");
    bind_push_tx(L, b);
    lua_setfield(L, -2, "tx");
    bind_push_samples(L, b);
    lua_setfield(L, -2, "samples");
    bind_push_stations(L, b);
    lua_setfield(L, -2, "stations");
    bind_push_jam(L, b);
    lua_setfield(L, -2, "jam");
    convert_push(L, b->device);
    lua_setfield(L, -2, "device");
    convert_push(L, b->bench);
    lua_setfield(L, -2, "bench");
    convert_push(L, b->limits);
    lua_setfield(L, -2, "limits");
    convert_push(L, b->dialect);
    lua_setfield(L, -2, "dialect");
    lua_pushstring(L, b->profile);
    lua_setfield(L, -2, "profile");
}
