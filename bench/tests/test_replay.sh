#!/bin/sh
# Recordings of a real run through the receiver again: as booked, and what is said when they, the ledger or the key are
# not what they were. TAP.
set -u
. "$(dirname "$0")/common.sh"
own_root
FOXBENCH_PDF=off
export FOXBENCH_PDF
cat >own/suites/mine/MINE.lua <<'END'
local suite <const> = require("cert").suite { id = "MINE", title = "Recordings" }
for i = 1, 2 do
  suite:case {
    id = "MINE-00" .. i, title = "a message is kept", threat = "None.", severity = "low", level = "basic",
    needs = { "serial", "power", "radio.rx" }, safety = "S0", covers = { "WP:A7" }, faults = {}, deadline_s = 60,
    run = function(t)
      t:require("request", t.dut:send "\xca\xfe"):exists()
      local message <const> = t:require("message", t.air:message { within_s = 10 }):exists()
      t:expect("kept", t.air:capture(message, "kept")):is_true()
    end,
  }
end
return suite
END
fox run MINE # MINE-002 is there for an exchange; decoding it time and again would show nothing
check "a run with two recordings" exits 0
run=$(readlink -f results/latest)
folder=cases/MINE-001/_/attempt-1
replay() { fox replay results/latest MINE-001 "$@"; }

sh -c 'cd results/latest && find . -type f | sort | xargs sha256sum' >before
fox replay results/latest
check "as booked: exit 0" exits 0
check "every frame is heard again, its tag computed" grep -qE \
    '^2 recordings replayed: 6 frames, 0 differ, 6 tags computed again; 0 files altered; 2 cases judged again, 0 ' out
sh -c 'cd results/latest && find . -type f | sort | xargs sha256sum' >after
check "the run is not changed" cmp before after

# A copy of it for strangers' programs; its recordings and their descriptions judged by the published schemas.
cp -a "$run" told
fox report told --format oscal,sarif,intoto
"$root/reports/tests/check_exports.py" told >out 2>err
check "strangers read what was booked, recordings too" grep -q '^2 cases and 2 recordings are told as they are$' out
rm -r told

# The samples of the first frame silenced, and the ledger's digest left, or made to fit by a forger.
samples=$run/$folder/iq/kept.sigmf-data
cp "$samples" samples
cp "$run/events.jsonl" kept.jsonl
fresh() {
    cp samples "$samples"
    cp kept.jsonl "$run/events.jsonl"
}
silence() { dd if=/dev/zero of="$samples" bs=4096 seek="$1" count="$2" conv=notrunc 2>why; }
forge() {
    old=$(sha256sum samples | cut -d' ' -f1) new=$(sha256sum "$samples" | cut -d' ' -f1)
    sed -i "s/$old/$new/" "$run/events.jsonl"
}
silence 60 500
replay
check "an altered recording: exit 7" exits 7
check "it is named" grep -q "^altered     $folder/iq/kept.sigmf-data: its SHA-256 is not the one in the ledger" out
check "so is the frame that is gone" grep -qE "^differs     .*kept.sigmf-meta: frame at [0-9.]+ s .* is not heard" out
check "the verdict does not stand" grep -q '^pass->inconclusive  MINE-001: ' out
forge
replay
check "with a forged digest: exit 7 all the same" exits 7
check "for the frame is not there" grep -qE '^1 recordings .* 3 frames, 1 differ, .* 0 files altered; .* 1 differ' out

# A genuine recording of another message in its place.
fresh
cp "$run/cases/MINE-002/_/attempt-1/iq/kept.sigmf-data" "$samples"
forge
replay
check "the samples of another message: exit 7" exits 7
check "none of its frames fits" grep -qE '3 frames, 3 differ' out

# A ledger that claims what the air did not carry.
fresh
sed -i '/"type":"uplink"/s/"payload_hex":"cafe"/"payload_hex":"beef"/' "$run/events.jsonl"
replay
check "altered events: exit 7" exits 7
check "what was booked and what is heard" grep -qE 'payload_hex was "beef", is "cafe"' out

# Truncated, without its description, and with a path that leads elsewhere.
fresh
truncate -s 100000 "$samples"
replay
check "a cut recording: exit 7" exits 7
check "what was expected and what came" grep -qE '^differs .*kept.sigmf-meta: .*expected.*found' out
fresh
mv "$run/$folder/iq/kept.sigmf-meta" meta
replay
check "a lost description: exit 7" exits 7
check "it is named, too" grep -q "^altered     $folder/iq/kept.sigmf-meta: " out
mv meta "$run/$folder/iq/kept.sigmf-meta"
sed -i 's|"path":"iq/kept.sigmf-meta"|"path":"../../../../x.sigmf-meta"|' "$run/events.jsonl"
replay
check "a path out of the run is not followed: exit 3" exits 3

# The key.
fresh
cp "$root/fixtures/devices/foxdut.lua" device.lua
key=$(sed -n 's/.*key = "file:\([^"]*\)".*/\1/p' device.lua | head -n 1)
sed 's/[0-9a-f]/5/2' "$root/fixtures/devices/$key" >other.key
chmod 600 other.key
sed -i 's|key = "file:[^"]*"|key = "file:other.key"|' device.lua
replay --device device.lua
check "under another key: exit 7" exits 7
check "the tag is what differs" grep -qE 'tag_ok was true, is false' out
rm other.key
replay --device device.lua
check "without a key: exit 0" exits 0
check "and it is said" grep -q 'tags are taken as they were booked: .*other.key' err

# So weak that only list decoding with the key reads some of the frames (Eb/N0 about 3 dB).
sed 's/^path   dut1 station1 loss=.*/path   dut1 station1 loss=157.5dB/' \
    "$root/fixtures/scenarios/default.scenario" >weak
"$FOX_BIN_DIR/foxlab" run weak -- "$fox" run MINE --seed 1 --device "$root/fixtures/devices/foxdut.lua" \
    --bench "$root/fixtures/benches/virtual.lua" -o weak.results >out 2>err
check "a run near the limit" grep -q '"how":"list".*"status":"ok"' weak.results/latest/events.jsonl
fox replay weak.results/latest
check "weak frames are heard as the live run heard them: exit 0" exits 0
check "none differs" grep -qE '^2 recordings replayed: [1-9][0-9]* frames, 0 differ' out
fox replay weak.results/latest --device device.lua # whose key is gone
check "without the key some are not: exit 7" exits 7
check "which shows that the key read them" grep -qE '^differs .*(is not heard any more|is "bad_crc")' out

fox replay results/latest MINE-003
check "a case that is none: exit 4" exits 4
check "it is said where to look" grep -q 'the run has no case MINE-003; its plan.json lists them' err
fox replay nowhere
check "no run directory: exit 4" exits 4
finish
