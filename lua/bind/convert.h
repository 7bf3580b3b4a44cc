// Values between JSON and Lua. JSON null and a missing key are nil; an empty table becomes an
// object unless it was marked by convert_array_mark (metatable "fox.array"), which convert_push
// sets on every JSON array.
//
// convert_push may raise a Lua error (no memory): call it where that is caught. convert_take never
// raises and runs no metamethod.
#ifndef LUA_BIND_CONVERT_H
#define LUA_BIND_CONVERT_H

#include <lua.h>

#include "bench/base/err.h"
#include "bench/base/json.h"

enum { CONVERT_DEPTH_MAX = 64, CONVERT_VALUES_MAX = 1 << 18 };

/// Pushes one value. j may be NULL (nil).
void convert_push(lua_State *L, const struct jval *j);
/// Marks the table at index as an array, so that it stays one in JSON even when it is empty.
void convert_array_mark(lua_State *L, int index);
/// New value from the one at index: tables with keys 1..n are arrays, string keys objects, mixed
/// keys, functions, NaN, invalid UTF-8, cycles, more than 64 levels and more than 262144 values are
/// ERR_FORMAT, the text names the path ("ports.uart: …").
FOX_CHECK int convert_take(lua_State *L, int index, struct jval **out, struct err *err);

#endif
