#!/bin/sh
# A curve from the page of a suite to the signed report: points of two variants over the real binding, joined in the
# figure; whoever changes the figure, or a point, is found.
. "${FOX_SOURCE_DIR:?}/lua/tests/suite_common.sh"

mkdir -p "$scratch/root/suites/curve" "$scratch/root/suites/profiles"
for part in lua fixtures reports; do ln -s "$root/$part" "$scratch/root/$part"; done
export FOXBENCH_ROOT="$scratch/root" FOXBENCH_PDF=off
echo 'return { title = "Smoke", cases = { "CRV-001", "CRV-002" } }' >"$scratch/root/suites/profiles/smoke.lua"
cat >"$scratch/root/suites/curve/CRV-001.lua" <<'END'
local cert <const> = require "cert"
local suite <const> = cert.suite { id = "CRV", title = "Curves" }
local fields <const> = { threat = "none", severity = "low", level = "basic", needs = { "serial" }, safety = "S0",
  covers = { "WP:A21" }, faults = {}, deadline_s = 60 }
local function case(more)
  for k, v in pairs(fields) do more[k] = v end
  suite:case(more)
end
local function point(t, x, bad)
  t:point { series = "made up", event = "frame lost", x = x, x_name = "J/S", x_unit = "dB", bad = bad, trials = 10 }
end
case { id = "CRV-001", title = "points and a demand", for_each = { half = { "one", "two" } }, run = function(t)
  t:expect("the device", 1):equals(1)
  point(t, -6, 0)
  point(t, 6, t.each.half == "one" and 7 or 3)
end }
case { id = "CRV-002", title = "points alone", run = function(t) point(t, 12, 10) end }
return suite
END

bench
run=$(realpath "$scratch/results/latest")
check "points alone decide nothing: exit 6" exits 6
check "and the suite is to blame" says 'demands of the case.*expected at least 1, got 0'
schemas() { "$root/bench/record/tests/check_schemas.py" "$run" >"$scratch/out" 2>&1; }
check "every event follows its schema" schemas
# 7 + 3 of 20 is the interval 0.2720 to 0.7280; each half has its own in the ledger
points() { grep '"type":"point"' "$run/events.jsonl" | grep -c "$1"; }
check "five points stand in the ledger" test "$(points '"series":"made up"')" -eq 5
check "7 of 10 with its own interval" test "$(points '"high":0.933[0-9]*,"low":0.347[0-9]*')" -eq 1
page=$run/report/report.html
has() { grep -qF -- "$1" "$page"; }
check "the figure joins the variants" has '27.2 % … 72.8 %'
check "the figure says what it shows" has 'Share of frame lost against J/S'
check "the variants stand under their test" has '2 variants: 2 pass'
check "the numbers that cannot be joined stay apart" has '69.2 % … 100.0 %'

openssl genpkey -algorithm ed25519 -out "$scratch/signer.key" && chmod 600 "$scratch/signer.key" &&
    openssl pkey -in "$scratch/signer.key" -pubout -out "$scratch/signer.pub" || exit 1
foxbench() { # EXIT ARGUMENTS…
    code=0 expected=$1
    shift
    "$bin/foxbench" "$@" >"$scratch/out" 2>"$scratch/err" </dev/null || code=$?
    [ "$code" -eq "$expected" ]
}
check "the run verifies before it is signed" foxbench 0 verify "$run"
check "the run with its figure is signed" foxbench 0 sign "$run" --key "$scratch/signer.key"
check "and verifies" foxbench 0 verify "$run" --key "$scratch/signer.pub"
cp -a "$run" "$scratch/drawn"
sed -i 's/27.2 % … 72.8 %/07.2 % … 22.8 %/' "$scratch/drawn/report/report.html"
check "a figure that was altered is found" foxbench 7 verify "$scratch/drawn" --key "$scratch/signer.pub"
check "and named" says '^altered: report/report.html: '
cp -a "$run" "$scratch/measured"
rm "$scratch/measured/root.json" "$scratch/measured/root.sig"
sed -i '/"type":"point"/s/"bad":7/"bad":2/' "$scratch/measured/events.jsonl"
check "a point that was altered breaks the chain without any signature" foxbench 7 verify "$scratch/measured"
check "and the ledger is named" says '^altered: events.jsonl'
finish
