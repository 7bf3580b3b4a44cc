// The class fox.probe: what somebody with an adapter at the device's pins can read, and the search
// for its key in it. lua/cert/probe.lua makes t.probe of it. Words that were read never reach Lua:
// only how many there were, whether they say anything, and where the key lies in them.
#include <lauxlib.h>
#include <stdio.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"
#include "dut/flash.h"
#include "dut/keysearch.h"
#include "dut/swd.h"
#include "lua/bind/bind.h"

static const char class_name[] = "fox.probe";

enum { HITS_MAX = 16, WORDS_MAX = 65536 };

static struct bind *check_probe(lua_State *L)
{
    return *(struct bind **)luaL_checkudata(L, 1, class_name);
}

static struct ftdi *check_ftdi(lua_State *L, struct bind *b)
{
    struct ftdi *f = pump_ftdi(b->pump);
    if (!f) luaL_error(L, "the bench file declares no adapter; name \"spi\" or \"swd\" in needs");
    return f;
}

// What looks for the key has to hold it.
static void demand_key(lua_State *L, const struct bind *b)
{
    struct err e = {0};
    if (!b->key_in_token) return;
    err_set(&e, ERR_UNSUPPORTED,
            "the key lies in a token and cannot be searched for; give a file: reference in a lab "
            "copy of the device file, on a bench where the key may be known");
    bind_fault(L, &e);
}

static void settle(lua_State *L, struct bind *b, int rc, struct err *e)
{
    bind_settle(L, b, pump_ftdi_failed(b->pump, rc, e), e);
}

static int alive(void *ctx, size_t done, size_t total)
{
    struct bind *b = ctx;
    struct err e = {0};
    (void)done;
    (void)total;
    return pump_alive(b->pump, &e);
}

static void push_hit(lua_State *L, const struct keysearch_hit *h)
{
    lua_createtable(L, 0, 6);
    lua_pushstring(L, h->name);
    lua_setfield(L, -2, "name");
    lua_pushstring(L, h->fingerprint);
    lua_setfield(L, -2, "fingerprint");
    lua_pushstring(L, keysearch_form_name(h->form));
    lua_setfield(L, -2, "form");
    lua_pushinteger(L, h->xored_with);
    lua_setfield(L, -2, "xored_with");
    lua_pushinteger(L, h->round);
    lua_setfield(L, -2, "round");
    lua_pushinteger(L, (lua_Integer)h->offset);
    lua_setfield(L, -2, "offset");
}

// Adds to the table on top what memory holds: hits, n_hits, sha256, blank (all bytes are alike).
static int describe(lua_State *L, struct bind *b, const uint8_t *data, size_t len, struct err *e)
{
    struct keysearch_hit hits[HITS_MAX];
    uint8_t digest[32];
    char hex[65];
    int n = 0;
    if (b->key) {
        const struct keysearch_secret secret = {"NAK", b->key};
        n = keysearch_find(data, len, &secret, 1, hits, HITS_MAX, e);
        if (n < 0) return n;
    }
    int rc = crypto_sha256(data, len, digest, e);
    if (rc < 0) return rc;
    hex_encode(digest, sizeof digest, hex);
    lua_pushstring(L, hex);
    lua_setfield(L, -2, "sha256");
    lua_createtable(L, n, 0);
    for (int i = 0; i < n && i < HITS_MAX; i++) {
        push_hit(L, &hits[i]);
        lua_rawseti(L, -2, i + 1);
    }
    lua_setfield(L, -2, "hits");
    lua_pushinteger(L, n);
    lua_setfield(L, -2, "n_hits");
    bool blank = len > 0;
    for (size_t i = 1; i < len && blank; i++)
        blank = data[i] == data[0];
    lua_pushboolean(L, blank);
    lua_setfield(L, -2, "blank");
    return ERR_OK;
}

// probe:flash_identify() -> { text, size }, or nil and the reason when no chip answers.
static int l_flash_identify(lua_State *L)
{
    struct bind *b = check_probe(L);
    struct flash_id id;
    struct err e = {0};
    int rc = flash_identify(check_ftdi(L, b), &id, &e);
    if (rc == ERR_FORMAT) {
        lua_pushnil(L);
        lua_pushstring(L, e.text);
        return 2;
    }
    settle(L, b, rc, &e);
    lua_createtable(L, 0, 2);
    char text[80];
    snprintf(text, sizeof text, "JEDEC id %02X %02X %02X, %s, %zu bytes", id.maker, id.kind,
             id.capacity, id.name, id.size);
    lua_pushstring(L, text);
    lua_setfield(L, -2, "summary");
    lua_pushinteger(L, (lua_Integer)id.size);
    lua_setfield(L, -2, "size");
    return 1;
}

// probe:flash_search(size) -> { size, sha256, hits, n_hits, blank }: reads the chip from its
// beginning and looks for the key in it.
static int l_flash_search(lua_State *L)
{
    struct bind *b = check_probe(L);
    struct ftdi *f = check_ftdi(L, b);
    lua_Integer size = luaL_checkinteger(L, 2);
    demand_key(L, b);
    struct flash_id id;
    struct err e = {0};
    int rc = flash_identify(f, &id, &e);
    settle(L, b, rc, &e);
    luaL_argcheck(L, size > 0 && (size_t)size <= id.size, 2, "more than the chip holds");
    uint8_t *data = lua_newuserdatauv(L, (size_t)size, 0);
    rc = flash_read(f, &id, 0, data, (size_t)size, alive, b, &e);
    lua_createtable(L, 0, 5);
    if (rc >= 0) {
        lua_pushinteger(L, size);
        lua_setfield(L, -2, "size");
        rc = describe(L, b, data, (size_t)size, &e);
    }
    crypto_wipe(data, (size_t)size);
    settle(L, b, rc, &e);
    return 1;
}

// probe:flash_image(size [, before]) -> image (bind_image.c), or nil and the reason when it cannot
// be read.
static int l_flash_image(lua_State *L)
{
    struct bind *b = check_probe(L);
    return bind_read_image(L, b, check_ftdi(L, b));
}

// probe:levels() -> the levels that are on the adapter's pins now, pin n (AD0 … AC7) in bit n.
static int l_levels(lua_State *L)
{
    struct bind *b = check_probe(L);
    uint16_t levels = 0;
    struct err e = {0};
    settle(L, b, ftdi_pins_get(check_ftdi(L, b), &levels, &e), &e);
    lua_pushinteger(L, levels);
    return 1;
}

static void push_words(lua_State *L, int outcome, const uint32_t *words, size_t done)
{
    lua_createtable(L, 0, 4);
    lua_pushstring(L, swd_outcome_name((enum swd_outcome)outcome));
    lua_setfield(L, -2, "outcome");
    lua_pushinteger(L, (lua_Integer)done);
    lua_setfield(L, -2, "words");
    // Locked parts may answer with a constant: that says nothing.
    bool constant = true;
    for (size_t i = 1; i < done && constant; i++)
        constant = words[i] == words[0];
    lua_pushboolean(L, constant);
    lua_setfield(L, -2, "constant");
}

// probe:debug_connect() -> outcome ("words": a port answers), its identity as text.
static int l_debug_connect(lua_State *L)
{
    struct bind *b = check_probe(L);
    uint32_t dpidr = 0;
    struct err e = {0};
    int outcome = swd_connect(check_ftdi(L, b), &dpidr, &e);
    settle(L, b, outcome, &e);
    char text[16];
    snprintf(text, sizeof text, "%08X", dpidr);
    lua_pushstring(L, swd_outcome_name((enum swd_outcome)outcome));
    lua_pushstring(L, text);
    return 2;
}

// probe:debug_read(address, words) -> { outcome, words (that came), constant, sha256, hits, n_hits,
// blank }. Connect first.
static int l_debug_read(lua_State *L)
{
    struct bind *b = check_probe(L);
    struct ftdi *f = check_ftdi(L, b);
    lua_Integer address = luaL_checkinteger(L, 2), n = luaL_checkinteger(L, 3);
    luaL_argcheck(L, address >= 0 && address <= UINT32_MAX && address % 4 == 0, 2, "an address");
    luaL_argcheck(L, n >= 1 && n <= WORDS_MAX, 3, "1 to 65536 words");
    uint32_t *words = lua_newuserdatauv(L, (size_t)n * 4, 0);
    size_t done = 0;
    struct err e = {0};
    int rc = swd_read_words(f, (uint32_t)address, words, (size_t)n, &done, alive, b, &e);
    push_words(L, rc < 0 ? 0 : rc, words, done);
    if (rc >= 0) rc = describe(L, b, (const uint8_t *)words, done * 4, &e);
    crypto_wipe(words, (size_t)n * 4);
    settle(L, b, rc, &e);
    return 1;
}

// probe:debug_race(address, words, delay_s) -> like debug_read, without the search: the device is
// switched on, and delay_s later the adapter reads.
static int l_debug_race(lua_State *L)
{
    struct bind *b = check_probe(L);
    (void)check_ftdi(L, b);
    struct swd_race race = {.address = (uint32_t)luaL_checkinteger(L, 2),
                            .n = (size_t)luaL_checkinteger(L, 3),
                            .delay_us = (unsigned)(luaL_checknumber(L, 4) * 1e6 + 0.5)};
    struct err e = {0};
    uint32_t words[SWD_RACE_WORDS_MAX];
    size_t done = 0;
    enum swd_outcome outcome = SWD_SILENT;
    int rc = swd_race_start(pump_power(b->pump), &race, &e);
    settle(L, b, rc, &e);
    do {
        rc = pump_step(b->pump, &e);
        bind_settle(L, b, rc, &e);
        rc = swd_race_finish(pump_power(b->pump), &race, words, &done, &outcome, &e);
    } while (rc == 0);
    settle(L, b, rc, &e);
    push_words(L, (int)outcome, words, done);
    crypto_wipe(words, sizeof words);
    return 1;
}

// probe:leaks() -> how many lines of the device held four bytes of its key or more in this attempt,
// and where the last one did, as text.
static int l_leaks(lua_State *L)
{
    struct bind *b = check_probe(L);
    struct pump_leak leak;
    demand_key(L, b);
    size_t n = pump_leaks(b->pump, &leak);
    lua_pushinteger(L, (lua_Integer)n);
    if (n == 0) return 1;
    char text[160];
    snprintf(text, sizeof text, "%zu bytes of the key %s, %s, from byte %zu of a line", leak.run,
             leak.fingerprint, leak.form, leak.offset);
    lua_pushstring(L, text);
    return 2;
}

static const luaL_Reg methods[] = {
    {"flash_identify", l_flash_identify},
    {"flash_search", l_flash_search},
    {"flash_image", l_flash_image},
    {"debug_connect", l_debug_connect},
    {"debug_read", l_debug_read},
    {"debug_race", l_debug_race},
    {"leaks", l_leaks},
    {"levels", l_levels},
    {NULL, NULL},
};

void bind_push_probe(lua_State *L, struct bind *b)
{
    struct bind **handle = lua_newuserdatauv(L, sizeof *handle, 0);
    *handle = b;
    if (luaL_newmetatable(L, class_name)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
    }
    lua_setmetatable(L, -2);
}
