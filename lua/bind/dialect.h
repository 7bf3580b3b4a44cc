// A dialect of lua/dialects as the device engine wants it.
#ifndef LUA_BIND_DIALECT_H
#define LUA_BIND_DIALECT_H

#include "bench/base/json.h"
#include "dut/dut.h"

/// `dialect` is what state_dialect gave, checked; its strings are lent and outlive `out`.
void dialect_fill(const struct jval *dialect, struct dut_dialect *out);

#endif
