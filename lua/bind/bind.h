// What the bindings share: the run that they reach, options, and the three ways to answer: a value,
// `nil` for absence, a fault that only the runner catches.
//
// A `struct bind` belongs to the worker and outlives the Lua state; handles borrow it. One thread.
#ifndef LUA_BIND_BIND_H
#define LUA_BIND_BIND_H

#include <lua.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/json.h"
#include "bench/sfx/uplink.h"
#include "dut/port_ftdi.h"
#include "lua/bind/budget.h"
#include "lua/bind/pump.h"

struct bind {
    struct pump *pump;
    struct budget *budget; // of the state that runs; its instructions are counted between two steps
                           // of the clock
    const struct jval *device; // the checked files, lent
    const struct jval *bench;
    const struct jval *limits;
    const struct jval *dialect;
    const char *profile;      // of the run
    const struct secret *key; // the device's; NULL: not known. Lent
    bool key_in_token;        // it is known, but not to us
    uint64_t random_key;      // of the attempt
    uint64_t random_index;
};

/// Raises a misuse when the table at `index` (or nothing) has a key that is not in the
/// NULL-terminated list.
void bind_options(lua_State *L, int index, const char *const *allowed);
/// A number of seconds, `otherwise` when absent; a misuse when negative, infinite or no number.
double bind_seconds(lua_State *L, int index, const char *name, double otherwise);
/// The sample time `seconds` from now.
int64_t bind_until(const struct bind *b, double seconds);
/// Raises a fault: a table { code, blame, text } with metatable "fox.fault".
int bind_fault(lua_State *L, const struct err *err);
/// After any call that may have moved the clock: refills the budget, raises a fault when rc < 0.
void bind_settle(lua_State *L, struct bind *b, int rc, const struct err *err);

/// Decodes a packet of whatever class fits its length and length indicator.
bool bind_decode_packet(const char *hex, struct sfx_uplink *up);

/// Pushes the table `core` that lua/cert works on: dut, air, net, device, bench, limits, dialect
/// and functions.
void bind_push_core(lua_State *L, struct bind *b);

/// Reads the flash chip at the adapter's SPI pins; arguments and results of probe:flash_image,
/// whose adapter this is.
int bind_read_image(lua_State *L, struct bind *b, struct ftdi *f);

void bind_push_dut(lua_State *L, struct bind *b);
void bind_push_air(lua_State *L, struct bind *b);
void bind_push_net(lua_State *L, struct bind *b);
void bind_push_probe(lua_State *L, struct bind *b);
void bind_push_tx(lua_State *L, struct bind *b);
void bind_push_samples(lua_State *L, struct bind *b);
void bind_push_stations(lua_State *L, struct bind *b);
void bind_push_jam(lua_State *L, struct bind *b);

#endif
