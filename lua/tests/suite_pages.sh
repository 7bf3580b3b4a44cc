#!/bin/sh
# Pages of suites that are wrong or hostile: the run goes on, the suite is to blame, and the text says where.
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
  safety = "S0", covers = { "WP:A36" }, faults = {}, deadline_s = ${3:-60},
  run = function(t)
    $2
  end,
}
return suite
END
}
echo 'return { title = "Smoke", cases = { "BAD-001" } }' >"$scratch/root/suites/profiles/smoke.lua"
page BAD-001 'while true do end'
page BAD-002 'local s = "x" while true do s = s .. s end'
page BAD-003 'while true do pcall(function() while true do end end) end'
page BAD-004 'pcall(function() t:require("a thing", false):exists() end) t:expect("after", 1):equals(1)'
page BAD-005 't.air:uplink { withn_s = 3 }'
page BAD-006 't.air:wait { s = 120 }' 20
page BAD-007 'return os.exit(0)'
page BAD-008 't:step "doing nothing"'
page BAD-009 'local m = getmetatable(t) t.dut.command = nil m.__index = nil t:expect("x", 1):equals(2)'
page BAD-010 't:expect("the device", 1):equals(1) t:expect("the device", 2):equals(1)'

lab default 'BAD-*'
check "the run ends with exit 1: one case fails the device" exits 1
verdict_of() { # ID VERDICT BLAME TEXT
    block=$(grep -A6 "^\(not \)\?ok [0-9]* - $1 " "$scratch/out")
    echo "$block" | grep -q "verdict: $2" && echo "$block" | grep -q "blame: $3" && echo "$block" | grep -q -- "$4"
}
check "an endless loop is the suite's error" verdict_of BAD-001 error suite 'BAD-001.lua:8: more than .*loop'
check "a memory bomb is the suite's error" verdict_of BAD-002 error suite 'memory'
check "an endless loop behind pcall ends too" verdict_of BAD-003 error suite 'loop'
check "pcall does not swallow a required demand" verdict_of BAD-004 fail device 'a thing'
check "an unknown option names the line and what is allowed" verdict_of BAD-005 error suite 'within_s'
check "a case that outlives its deadline is stopped" verdict_of BAD-006 error suite 'deadline_s'
check "the sandbox has no os" verdict_of BAD-007 error suite "unknown name 'os'"
check "a page that demands nothing does not pass" silent_on '^ok .*BAD-008'
check "a page that breaks its own objects is its own error" verdict_of BAD-009 error suite 'BAD-009.lua'
check "an honest page still fails the device" verdict_of BAD-010 fail device 'expected 1, got 2'

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
