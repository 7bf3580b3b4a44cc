#!/bin/sh
# run.sh NAME: runs test_NAME.lua in plain Lua, where it finds cert and dialects as the bench does.
cd "${FOX_SOURCE_DIR:?}" || exit 1
LUA_PATH='lua/?.lua;lua/?/init.lua;?.lua;?/init.lua' exec lua5.4 "lua/tests/test_$1.lua" "$FOX_SOURCE_DIR"
