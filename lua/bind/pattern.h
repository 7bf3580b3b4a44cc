// Lua's patterns with a budget: string.find, match, gmatch and gsub as the manual of Lua 5.4 has
// them (6.4.1), where every comparison counts as an instruction of the page that asked.
//
// The library's own functions try every way there is, in C, where no hook can stop them. The state
// must be one of budget_state. Nothing is kept between calls.
#ifndef LUA_BIND_PATTERN_H
#define LUA_BIND_PATTERN_H

#include <lua.h>

/// Puts the four functions into the table on the top of the stack, over those that are there.
void pattern_register(lua_State *L);

#endif
