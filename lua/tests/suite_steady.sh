#!/bin/sh
# Jammers that need no frame, several of them on one transmitter: each heard at the level asked for, without a gap, gone
# at once when its handle is closed, when the case ends and when its worker does.
. "$(dirname "$0")/suite_common.sh"

mkdir -p "$scratch/root/suites/mine" "$scratch/root/suites/profiles"
for part in lua fixtures reports; do ln -s "$root/$part" "$scratch/root/$part"; done
cat >"$scratch/root/suites/mine/MINE-001.lua" <<'END'
local cert <const> = require "cert"
local suite <const> = cert.suite { id = "MINE", title = "My own checks" }
local function case(id, title, run)
  suite:case {
    id = id, title = title, threat = "None.", severity = "low", level = "basic",
    needs = { "serial", "power", "radio.rx", "radio.jam" }, safety = "S3", covers = {}, faults = {}, deadline_s = 60,
    run = run,
  }
end
local function unjammed(t)
  t:require("the request", t.dut:send "\xca\xfe"):exists()
  return t:require("the message", t.air:message { within_s = 10 }):exists()
end
case("MINE-001", "two jammers at once", function(t)
  unjammed(t)
  local low <close> = t.air:jam { steady = true, shape = "cw", f_hz = 868.060e6, js_db = 14 }
  local high <const> = t.air:jam { steady = true, shape = "bpsk", f_hz = 868.200e6, js_db = 8 }
  t.air:wait { s = 2 }
  t:expect("the carrier", low:unplanned(13, 15) or "in order"):equals "in order"
  t:expect("the keyed one", high:unplanned(7, 9) or "in order"):equals "in order"
  t:expect("a message beside them", t.air:ranks_of(unjammed(t))):equals "1+2+3"
  high:stop()
  t.air:wait { s = 1.5 }
  t:expect("the carrier goes on", low:unplanned(13, 15) or "in order"):equals "in order"
end)
case("MINE-002", "too much together", function(t)
  unjammed(t)
  local one <close> = t.air:jam { steady = true, shape = "cw", f_hz = 868.060e6, level_dbm = 6 }
  local two <close> = t.air:jam { steady = true, shape = "cw", f_hz = 868.200e6, level_dbm = 6 }
  t.air:wait { s = 1.5 }
  t:expect("the first", one:unplanned() or "in order"):equals "in order"
  local why <const> = two:unplanned() or "it was sent"
  t:expect("the second is refused: " .. why, why:find("together they would clip", 1, true) ~= nil):is_true()
end)
case("MINE-003", "left on", function(t)
  unjammed(t)
  t.air:jam { steady = true, shape = "cw", f_hz = 868.100e6, level_dbm = 0 }
  t.air:wait { s = 1 }
  t:expect("a case that leaves it on", true):is_true()
end)
case("MINE-004", "what is left", function(t)
  t:expect("the message after it", t.air:ranks_of(unjammed(t))):equals "1+2+3"
  local message <const> = unjammed(t)
  local noise <const> = t:require("what is measured", t.air:measure(message.frames[1])):exists().noise_dbfs_hz
  t:measure("noise beside it", noise):within(-100, -92, "dBFS/Hz")
end)
case("MINE-005", "a worker that dies", function(t)
  unjammed(t)
  local _ <close> = t.air:jam { steady = true, shape = "cw", f_hz = 868.100e6, level_dbm = 0 }
  t.air:wait { s = 3000 }
  t:expect("its end", true):is_true()
end)
return suite
END
echo 'return { title = "Mine", cases = { "MINE-001", "MINE-002", "MINE-003", "MINE-004" } }' \
    >"$scratch/root/suites/profiles/smoke.lua"
FOXBENCH_ROOT="$scratch/root" FOXBENCH_PDF=off
export FOXBENCH_ROOT FOXBENCH_PDF

bench
events=$scratch/results/latest/events.jsonl
check "two at once, measured as asked for, beside a message" grep -q '^ok .*MINE-001' "$scratch/out"
check "more than the transmitter can do is refused" grep -q '^ok .*MINE-002' "$scratch/out"
check "nothing is left of one that its case forgot" grep -q '^ok .*MINE-004' "$scratch/out"
check "each is booked with shape and level" \
    test "$(grep -c '"shape":"\(cw\|bpsk\)".*"steady":true.*"type":"jam"' "$events")" -ge 4
check "every piece of it was heard where and when it was due" \
    test "$(grep '"of":"jam".*"type":"echo"' "$events" | grep -c '"why"')" -eq 0
check "the run passes" exits 0

# In a lab that outlives the bench: who looks at the radio when its worker is gone?
cat >"$scratch/kill.sh" <<'END'
"$1/foxbench" run --bench "$2/fixtures/benches/virtual.lua" --device "$2/fixtures/devices/foxdut.lua" \
    --arm interference -o "$3/killed" MINE-005 >"$3/out" 2>"$3/err" &
bench=$!
for _ in $(seq 300); do # until the jammer has been heard
    grep -qs '"of":"jam"' "$3"/killed/2*/events.jsonl && break
    sleep 0.1
done
iio_attr -u "$FOXLAB_PLUTO_1_URI" -o -c ad9361-phy altvoltage1 powerdown >"$3/before"
kill -9 $(ps -o pid= --ppid $bench)
wait $bench
iio_attr -u "$FOXLAB_PLUTO_1_URI" -o -c ad9361-phy altvoltage1 powerdown >"$3/after"
END
sed -i 's/deadline_s = 60/deadline_s = 6000/' "$scratch/root/suites/mine/MINE-001.lua"
"$bin/foxlab" run default -- sh "$scratch/kill.sh" "$bin" "$root" "$scratch" 2>/dev/null
check "its worker was killed while the oscillator was on" test "$(cat "$scratch/before")" = 0
check "the run says so" says 'MINE-005.*killed\|signal 9'
check "the oscillator of the radio that jammed is off afterwards" test "$(cat "$scratch/after")" = 1
finish
