// Limits of one Lua state: memory through its allocator, instructions through its count hook.
//
// Work that the library does in C, where no hook comes, counts as instructions, too: what it
// allocates here, and what pattern.c and state.c put to budget_spend. The budget belongs to the
// caller and outlives the state; nothing is shared between states. What nothing can stop is the
// caller's to keep out: __gc metamethods.
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
    bool early;           // the hook was told to come at once, to see whether they are
    const char *what;     // of what there was too much: "instructions", …
    char where[160];      // and where that was first noticed, "suites/X.lua:7:"
    lua_State *L;         // whose hook comes early when an allocation used up the rest
};

/// New state with no library open, or NULL (no memory). The caller fills bytes_max and
/// instructions_max, zeroes the rest and ends with lua_close. Coroutines inherit the hook.
lua_State *budget_state(struct budget *b);
/// Counts `steps` of work in C as instructions; raises an error at the page's line when the budget
/// is spent. `what` (static) says in that text what there was too much of.
void budget_spend(lua_State *L, int64_t steps, const char *what);

#endif
