// Limits of one Lua state: memory through its allocator, instructions through its count hook.
//
// The budget belongs to the caller and outlives the state; nothing is shared between states. What
// no hook can stop is the caller's to keep out: pathological patterns and __gc metamethods.
#ifndef LUA_BIND_BUDGET_H
#define LUA_BIND_BUDGET_H

#include <lua.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct budget {
    size_t bytes_max;
    int64_t instructions_max;
    size_t bytes;         // in use
    int64_t instructions; // spent, counted in steps of 10 000
    bool starved;         // an allocation was refused
    bool overrun;         // the instructions were used up
    char where[160];      // and where that was first noticed, "suites/X.lua:7:"
};

/// New state with no library open, or NULL (no memory). The caller fills bytes_max and
/// instructions_max, zeroes the rest and ends with lua_close. Coroutines inherit the hook.
lua_State *budget_state(struct budget *b);

#endif
