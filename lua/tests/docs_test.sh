#!/bin/sh
# The pages that are made from the sources are up to date.
. "$(dirname "$0")/suite_common.sh"
"$bin/foxbench" list --markdown >"$scratch/CASES.md"
diff -u "$root/docs/CASES.md" "$scratch/CASES.md" >"$scratch/out"
check "docs/CASES.md is what foxbench list --markdown prints" test ! -s "$scratch/out"
lua5.4 "$root/lua/tests/api_page.lua" "$root" >"$scratch/LUA_API.md"
diff -u "$root/docs/LUA_API.md" "$scratch/LUA_API.md" >"$scratch/out"
check "docs/LUA_API.md is what lua/tests/api_page.lua prints" test ! -s "$scratch/out"

# The example of docs/SUITES.md runs as it stands there.
mkdir -p "$scratch/root/suites/mine"
for part in lua fixtures reports; do ln -s "$root/$part" "$scratch/root/$part"; done
cp -r "$root/suites" "$scratch/root/"
sed -n '/^```lua suites\/mine/,/^```$/p' "$root/docs/SUITES.md" | sed '1d;$d' >"$scratch/root/suites/mine/MINE-001.lua"
FOXBENCH_ROOT="$scratch/root"
export FOXBENCH_ROOT
check "the example has at most 15 lines" test "$(wc -l <"$scratch/root/suites/mine/MINE-001.lua")" -le 15
bench MINE-001
check "the example of docs/SUITES.md passes" exits 0
check "and says so" says '^ok 1 - MINE-001'
finish
