#!/bin/sh
# What the bench sends is looked for in what it hears: a downlink that did not go out as ordered proves nothing about a
# device that does not react to it. The refusal of a wrong tag rests on it here, in a lab that is more and more broken.
. "$(dirname "$0")/suite_common.sh"

mkdir -p "$scratch/root/suites/mine" "$scratch/root/suites/profiles"
for part in lua fixtures reports; do ln -s "$root/$part" "$scratch/root/$part"; done
cat >"$scratch/root/suites/mine/MINE-001.lua" <<'END'
local cert <const> = require "cert"
local suite <const> = cert.suite { id = "MINE", title = "My own checks" }
suite:case {
  id = "MINE-001", title = "a wrong tag is refused", threat = "None.",
  severity = "low", level = "basic", needs = { "serial", "power", "radio.rx", "radio.tx" }, safety = "S0",
  covers = {}, faults = {}, deadline_s = 120,
  run = function(t)
    t:require("the request", t.dut:send "\xca\xfe"):exists()
    local message <const> = t:require("a message", t.air:message { within_s = 10 }):exists()
    for rank = 1, 3 do
      local measured <const> = t:require("what is measured", t.air:measure(message.by_rank[rank])):exists()
      t:measure("frequency", measured.f_mid_hz):within(868.034e6, 868.226e6, "Hz")
      t:measure("phase error", measured.phase_error_rms_deg):within(-1, 10, "deg")
      t:measure("power", measured.power_dbm):within(-120, -90, "dBm")
    end
    local made <const> = t:exchange { label = "wrong tag", payload = "12345678", tag_flip_hex = "0001" }
    t:expect("the reaction", made.reaction or "none"):equals "none"
  end,
}
return suite
END
echo 'return { title = "Mine", cases = { "MINE-001" } }' >"$scratch/root/suites/profiles/smoke.lua"
FOXBENCH_ROOT="$scratch/root" FOXBENCH_PDF=off
export FOXBENCH_ROOT FOXBENCH_PDF
default=$root/fixtures/scenarios/default.scenario
verdict() { # NAME: of the one case
    grep -q "^ *verdict: $1" "$scratch/out" || { [ "$1" = pass ] && grep -q '^ok .*MINE-001' "$scratch/out"; }
}

# 14 dBm and a path of 116 dB arrive; full scale at a gain of 50 dB is the lab's -74 dBm.
known='calibration = { full_scale_dbm = -74, u_db = 0.5, date = "2026-01-31", mark = "ASSUMED" },'
sed "s/^      path = \"conducted\",/&\n      $known/" "$root/fixtures/benches/virtual.lua" >"$scratch/calibrated.lua"
on() { # BENCH SCENARIO
    code=0
    "$bin/foxlab" run "$2" -- "$bin/foxbench" run --bench "$1" --device "$root/fixtures/devices/foxdut.lua" \
        -o "$scratch/results" >"$scratch/out" 2>"$scratch/err" || code=$?
}
lab() { on "$scratch/calibrated.lua" "$1"; }

lab "$default"
events=$scratch/results/latest/events.jsonl
check "a whole lab: refused" verdict pass
check "the downlink was heard by the second radio, as ordered" \
    grep -q '"by":"station1".*"found":true.*"of":"downlink".*"type":"echo","unit":"station2"' "$events"
check "with every bit" grep -q '"bit_errors":0' "$events"
check "and nothing against it" sh -c "! grep '\"type\":\"echo\"' '$events' | grep -q '\"why\"'"
check "each frame is measured, with its uncertainty as a guard" \
    test "$(grep -c '"U":.*"guard":.*"name":"phase error".*"verdict":"pass"' "$events")" -eq 3
power=$(sed -n 's/.*"name":"power".*"value":\([-0-9.]*\),.*/\1/p' "$events" | head -1)
check "its power is what the scenario says, -102 dBm less what the turns of phase cost (it is $power)" \
    awk -v p="$power" 'BEGIN { exit !(p > -103.8 && p < -101.8) }'
at=$(sed -n 's/.*"start":\([0-9]*\),.*"type":"echo".*/\1/p' "$events" | head -1)

sed 's/^path   station1 station2 loss=85dB/path   station1 station2 loss=105dB/' "$default" >"$scratch/weak.scenario"
lab "$scratch/weak.scenario"
check "a path of 20 dB too much: inconclusive" verdict inconclusive
check "the bench is to blame, and says how to mend it" says 'it was 20.0 dB weaker than ordered.*mend the path'
check "inconclusive is no pass" exits 6

sed '/^path   station1 station2/d' "$default" >"$scratch/deaf.scenario"
lab "$scratch/deaf.scenario"
check "a cable that is not there: inconclusive" verdict inconclusive
check "it says what was heard" says 'nothing like it was on the air within 100 ms of its time'

{
    cat "$default"
    awk -v at="$at" 'BEGIN { printf "at %.3fs underflow pluto station1\n", at / 520834 + 0.15 }'
} >"$scratch/dry.scenario"
lab "$scratch/dry.scenario"
check "a stream that runs dry in the burst: never a pass" sh -c "! grep -q '^ok .*MINE-001' '$scratch/out'"
check "it is called by its name" says 'transmit stream'

sed 's/downlink_lo_hz = .*/-- no radio listens to what the bench sends/' "$scratch/calibrated.lua" >"$scratch/alone.lua"
on "$scratch/alone.lua" "$default"
check "nobody listens: refused" verdict pass
check "the record says so, once" \
    test "$(grep -c 'downlinks of station1 leave unheard' "$scratch/results/latest/events.jsonl")" -eq 1
finish
