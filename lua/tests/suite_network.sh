#!/bin/sh
# The core network as suites reach it: blocks and their end, the monitor's rules and alarms, and what is wrong with a
# request for them.
. "$(dirname "$0")/suite_common.sh"

mkdir -p "$scratch/root/suites/net" "$scratch/root/suites/profiles"
for part in lua fixtures reports; do ln -s "$root/$part" "$scratch/root/$part"; done
export FOXBENCH_ROOT="$scratch/root"
echo 'return { title = "Smoke", cases = { "NET-001" } }' >"$scratch/root/suites/profiles/smoke.lua"

# page ID BODY: a suite of one case; in it send(label) gives the network's word on a message.
page() {
    cat >"$scratch/root/suites/net/$1.lua" <<END
local cert <const> = require "cert"
local suite <const> = cert.suite { id = "NET", title = "The core network" }
suite:case {
  id = "$1", title = "a page about the network", threat = "none", severity = "low", level = "basic",
  needs = { "serial", "power", "radio.rx" },
  safety = "S0", covers = { "WP:A36" }, faults = {}, deadline_s = 200,
  run = function(t)
    local function send(label)
      t:require(label .. " is accepted by the device", t.dut:send "NET"):exists()
      return t:require(label, t.air:message { within_s = 10 }):exists().judge
    end
    $2
  end,
}
return suite
END
}
page NET-001 '
    t:expect("before", send "before"):equals "accepted"
    t.net:block { reason = "to see it ignored" }
    t:expect("blocked", send "while the device is blocked"):equals "blocked"
    t.net:unblock { reason = "seen" }
    t:expect("free", send "after that"):equals "accepted"
    t.net:block { station = 1, reason = "to see it deaf" }
    t:expect("station", send "while the station is blocked"):equals "blocked"
    t:expect("alarms", #t.net:alarms()):equals(0)'
page NET-002 't:expect("a block ends with its attempt", send "the next case"):equals "accepted"'
page NET-003 '
    t.net:watch { forged_per_hour = 2, block_station = { "forgery" } }
    t:expect("a wrong tag", send "first"):equals "bad_tag"
    t:expect("after the third wrong tag", send "second"):equals "blocked"
    local alarms <const> = t.net:alarms()
    t:require("alarms", #alarms):equals(1)
    t:expect("its kind", alarms[1].kind):equals "forgery"
    t:expect("its station", alarms[1].unit):equals "station1"
    t:expect("it blocks", alarms[1].blocked_station):is_true()'
page NET-004 't.net:watch { block_device = { "clones" } }'
page NET-005 't.net:block { device_id = "00f0c5a1", station = 1, reason = "both" }'
page NET-006 't.net:block {}'
page NET-007 't.net:block { device_id = "12345678", reason = "a stranger" }'

verdict_of() { # ID VERDICT BLAME TEXT
    block=$(grep -A6 "^\(not \)\?ok [0-9]* - $1 " "$scratch/out")
    echo "$block" | grep -q "verdict: $2" && echo "$block" | grep -q "blame: $3" && echo "$block" | grep -q -- "$4"
}

bench NET-001 NET-002
check "blocks act, end when they are taken back, and end with their attempt" exits 0
check "the record says who blocked the device" sh -c 'grep "\"who\":\"suite\"" "$1" | grep -q "to see it ignored"' _ \
    "$(readlink -f "$scratch/results/latest")/events.jsonl"
check "and who took back what the suite left" sh -c 'grep "\"type\":\"network\"" "$1" | grep -q "\"who\":\"bench\""' _ \
    "$(readlink -f "$scratch/results/latest")/events.jsonl"

bench --fault MUT-AUTH-001 NET-003
check "a station that hands over forgeries is told and blocked" exits 0
check "the alarm stands in the record" sh -c 'grep "\"type\":\"alarm\"" "$1" | grep -q forgery' _ \
    "$(readlink -f "$scratch/results/latest")/events.jsonl"

bench NET-004 NET-005 NET-006 NET-007
check "an unknown kind of alarm is the suite's error" verdict_of NET-004 error suite 'clones.* is no kind of alarm'
check "a device and a station at once, too" verdict_of NET-005 error suite 'got both'
check "a block without a reason, too" verdict_of NET-006 error suite 'reason: expected a text'
check "a device that nobody registered, too" verdict_of NET-007 error suite 'NET-007.lua'
finish
