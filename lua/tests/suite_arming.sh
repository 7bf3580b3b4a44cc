#!/bin/sh
# A case that disturbs runs in the virtual lab, and on a bench with a file only when the operator armed it.
. "$(dirname "$0")/suite_common.sh"

mkdir -p "$scratch/root/suites/mine" "$scratch/root/suites/profiles"
for part in lua fixtures reports; do ln -s "$root/$part" "$scratch/root/$part"; done
cat >"$scratch/root/suites/mine/MINE-001.lua" <<'END'
local cert <const> = require "cert"
local suite <const> = cert.suite { id = "MINE", title = "My own checks" }
suite:case {
  id = "MINE-001", title = "a case that disturbs", threat = "None.",
  severity = "low", level = "basic", needs = { "serial", "power" }, safety = "S3",
  covers = {}, faults = {}, deadline_s = 60,
  run = function(t) t:expect("the device", t.dut:is_ready()):exists() end,
}
return suite
END
echo 'return { title = "Mine", cases = { "MINE-001" } }' >"$scratch/root/suites/profiles/smoke.lua"
FOXBENCH_ROOT="$scratch/root" FOXBENCH_PDF=off
export FOXBENCH_ROOT FOXBENCH_PDF

bench MINE-001
check "the virtual lab is armed" exits 0
lab default
check "a profile's case that nobody armed is not run" exits 6
check "and says how to arm it" says 'run it with --arm interference'
lab default MINE-001
check "named itself it is refused" exits 4
check "with what would arm it" says 'add --arm interference'
lab default MINE-001 --arm destructive
check "another danger does not arm it" exits 4
lab default MINE-001 --arm interference
check "armed it runs" exits 0
tr -d ' \n' <"$scratch/results/latest/run.json" >"$scratch/run.json"
check "and the run says so" grep -q '"arm":\["interference"\]' "$scratch/run.json"
lab default --arm sleep
check "what cannot be armed is refused" exits 4
check "with what can be" says "expected interference or destructive, got 'sleep'"

# The suites' own jammer.
unset FOXBENCH_ROOT
lab default 'JAM-UL-002/ranks=1'
check "JAM-UL-002, named and not armed, is refused" exits 4
check "JAM-UL-002, named and not armed: what would arm it" says 'JAM-UL-002 must be armed .*add --arm interference'
lab default 'JAM-*'
check "JAM-UL-002, meant by a pattern and not armed, is not run" exits 6
check "JAM-UL-002, not run, sends nothing" sh -c "! grep -q '\"type\":\"jam\"' '$scratch/results/latest/events.jsonl'"
finish
