#!/bin/sh
# Pages of suites that do not load: the text says where and what is allowed. What pages do wrong in a run stands in
# bench/tests/blame.txt.
. "$(dirname "$0")/suite_common.sh"

mkdir -p "$scratch/root/suites/bad" "$scratch/root/suites/profiles"
for part in lua fixtures reports; do ln -s "$root/$part" "$scratch/root/$part"; done
export FOXBENCH_ROOT="$scratch/root"

# page ID BODY: a suite of one case.
page() {
    cat >"$scratch/root/suites/bad/$1.lua" <<END
local cert <const> = require "cert"
local suite <const> = cert.suite { id = "BAD", title = "Wrong pages" }
suite:case {
  id = "$1", title = "a wrong page", threat = "none", severity = "low", level = "basic",
  needs = { "serial", "radio.rx" },
  safety = "S0", covers = { "WP:A36" }, faults = {}, deadline_s = 60,
  run = function(t)
    $2
  end,
}
return suite
END
}
echo 'return { title = "Smoke", cases = { "BAD-001" } }' >"$scratch/root/suites/profiles/smoke.lua"
page BAD-001 't:step "doing nothing"'

# Pages that do not load: list and plan say where.
broken() {
    printf '%s\n' "$1" >"$scratch/root/suites/bad/BROKEN.lua"
    code=0
    "$bin/foxbench" list >"$scratch/out" 2>"$scratch/err" || code=$?
    planned=0
    "$bin/foxbench" run -o "$scratch/results" BAD-001 >"$scratch/plan.out" 2>"$scratch/plan.err" || planned=$?
    rm "$scratch/root/suites/bad/BROKEN.lua"
}
broken 'local cert = require "cert" return cert.suite { id = "BAD", titel = "x" }'
check "list: unknown field, file and line" says 'suites/bad/BROKEN.lua: .*titel.*allowed are id, title'
check "list: exit 3" exits 3
check "run: exit 3 too, as nothing is wrong with what was asked for" test "$planned" -eq 3
check "run: the same text" grep -q 'suites/bad/BROKEN.lua: .*titel.*allowed are id, title' "$scratch/plan.err"
broken 'return require "os"'
check "list: what may be required" says 'BROKEN.lua: require "os"'
broken 'local x = = 3'
check "list: syntax error" says 'BROKEN.lua:1:'
finish
