// The class fox.image: what the flash chip beside the device's processor held at one time, for
// lua/cert/memory.lua to compare. Its bytes, among which keys may be, never reach Lua: only a
// digest, where two images differ, and where bytes of a payload that the bench itself sent lie.
#include <lauxlib.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"
#include "bench/sfx/downlink.h"
#include "dut/flash.h"
#include "dut/trace.h"
#include "lua/bind/bind.h"

static const char class_name[] = "fox.image";

// A slice is on the wire (6 MHz) for less time than a block of samples lasts: between two of them
// the pump takes one, and none is lost.
enum { SLICE = 32 * 1024, RANGES_MAX = 8 };

struct image {
    size_t len;
    uint8_t data[];
};

static struct image *check_image(lua_State *L, int index)
{
    return luaL_checkudata(L, index, class_name);
}

static int l_gc(lua_State *L)
{
    struct image *image = check_image(L, 1);
    crypto_wipe(image->data, image->len);
    return 0;
}

// What is not as it was before has to be so in a second reading.
static int read_slice(struct ftdi *f, const struct flash_id *id, const struct image *before,
                      size_t at, struct image *image, struct err *err)
{
    size_t len = image->len - at < SLICE ? image->len - at : SLICE;
    uint8_t *out = image->data + at;
    int rc = flash_read_once(f, id, at, out, len, NULL, NULL, err);
    if (rc < 0 || (before && memcmp(before->data + at, out, len) == 0)) return rc;
    return flash_compare(f, id, at, out, len, err);
}

static int absent(lua_State *L, const struct err *e)
{
    lua_pushnil(L);
    lua_pushstring(L, e->text);
    return 2;
}

static struct image *new_image(lua_State *L, size_t len);

int bind_read_image(lua_State *L, struct bind *b, struct ftdi *f)
{
    const struct image *before = lua_isnoneornil(L, 3) ? NULL : check_image(L, 3);
    lua_Integer size = luaL_checkinteger(L, 2);
    struct flash_id id;
    struct err e = {0}, why = {0};
    int rc = flash_identify(f, &id, &e);
    if (rc == ERR_FORMAT) return absent(L, &e);
    bind_settle(L, b, pump_ftdi_failed(b->pump, rc, &e), &e);
    luaL_argcheck(L, size > 0 && (size_t)size <= id.size, 2, "more than the chip holds");
    luaL_argcheck(L, !before || before->len == (size_t)size, 3, "an image of another size");
    struct image *image = new_image(L, (size_t)size);
    for (size_t at = 0; at < image->len && rc >= 0; at += SLICE) {
        rc = read_slice(f, &id, before, at, image, &e);
        if (rc >= 0) bind_settle(L, b, pump_step(b->pump, &why), &why);
    }
    int end = ftdi_release(f, rc < 0 ? NULL : &e); // the device wants its chip back
    if (rc == ERR_FORMAT && end >= 0) return absent(L, &e);
    rc = rc < 0 ? rc : end;
    bind_settle(L, b, pump_ftdi_failed(b->pump, rc, &e), &e);
    return 1;
}

// image:sha256() -> hexadecimal digits.
static int l_sha256(lua_State *L)
{
    const struct image *image = check_image(L, 1);
    uint8_t digest[32];
    char hex[65];
    struct err e = {0};
    if (crypto_sha256(image->data, image->len, digest, &e) < 0) return bind_fault(L, &e);
    hex_encode(digest, sizeof digest, hex);
    lua_pushstring(L, hex);
    return 1;
}

static const struct image *check_before(lua_State *L, const struct image *image)
{
    const struct image *before = check_image(L, 2);
    luaL_argcheck(L, before->len == image->len, 2, "an image of another size");
    return before;
}

// image:changes(before) -> list of { from, len } (the first ones), how many such places there are,
// and how many bytes changed.
static int l_changes(lua_State *L)
{
    const struct image *image = check_image(L, 1), *before = check_before(L, image);
    struct trace_range ranges[RANGES_MAX];
    size_t bytes = 0;
    size_t n = trace_changes(before->data, image->data, image->len, ranges, RANGES_MAX, &bytes);
    lua_createtable(L, (int)(n < RANGES_MAX ? n : RANGES_MAX), 0);
    for (size_t i = 0; i < n && i < RANGES_MAX; i++) {
        lua_createtable(L, 0, 2);
        lua_pushinteger(L, (lua_Integer)ranges[i].from);
        lua_setfield(L, -2, "from");
        lua_pushinteger(L, (lua_Integer)ranges[i].len);
        lua_setfield(L, -2, "len");
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushinteger(L, (lua_Integer)n);
    lua_pushinteger(L, (lua_Integer)bytes);
    return 3;
}

static struct trace_payload check_payload(lua_State *L, int index)
{
    struct trace_payload payload;
    payload.data = (const uint8_t *)luaL_checklstring(L, index, &payload.len);
    luaL_argcheck(L, payload.len <= SFX_DL_PAYLOAD, index, "a downlink's payload has 8 bytes");
    return payload;
}

// image:find(before, payload, known) -> { offset, first, form } of six bytes in a row of the
// payload, from its byte `first` on, in what changed since the image before, or nil. Those that the
// payload `known` has, too, do not count.
static int l_find(lua_State *L)
{
    const struct image *image = check_image(L, 1), *before = check_before(L, image);
    struct trace_payload payload = check_payload(L, 3), known = check_payload(L, 4);
    struct trace_hit hit;
    if (!trace_find(before->data, image->data, image->len, payload, known, &hit)) {
        lua_pushnil(L);
        return 1;
    }
    lua_createtable(L, 0, 3);
    lua_pushinteger(L, (lua_Integer)hit.offset);
    lua_setfield(L, -2, "offset");
    lua_pushinteger(L, (lua_Integer)hit.first + 1);
    lua_setfield(L, -2, "first");
    lua_pushstring(L, trace_form_name(hit.form));
    lua_setfield(L, -2, "form");
    return 1;
}

static const luaL_Reg methods[] = {
    {"sha256", l_sha256},
    {"changes", l_changes},
    {"find", l_find},
    {NULL, NULL},
};

static struct image *new_image(lua_State *L, size_t len)
{
    struct image *image = lua_newuserdatauv(L, sizeof *image + len, 0);
    image->len = len;
    memset(image->data, 0xff, len);
    if (luaL_newmetatable(L, class_name)) {
        luaL_newlib(L, methods);
        lua_setfield(L, -2, "__index");
        lua_pushcfunction(L, l_gc);
        lua_setfield(L, -2, "__gc");
    }
    lua_setmetatable(L, -2);
    return image;
}
