#!/bin/sh
# What goes wrong round a device's pins and its declarations: each has its own message, verdict and blame.
. "$(dirname "$0")/suite_common.sh"

device() { # NAME SED: a device file of the fixtures, altered
    sed "$2; s|file:../keys|file:$root/fixtures/keys|" "$root/fixtures/devices/$1.lua" >"$scratch/device.lua"
}
inside() { # SCENARIO SED CASE: runs a case in a lab of this scenario, with an altered bench file
    sed "$2" "$root/fixtures/benches/virtual.lua" >"$scratch/bench.lua"
    code=0
    "$bin/foxlab" run "$1" -- "$bin/foxbench" run --bench "$scratch/bench.lua" --device "$scratch/device.lua" \
        -o "$scratch/results" "$3" >"$scratch/out" 2>"$scratch/err" || code=$?
}
verdict_of() { # VERDICT BLAME
    grep -A2 '^not ok' "$scratch/out" | grep -q "verdict: $1" && grep -A3 '^not ok' "$scratch/out" | grep -q "blame: $2"
}

device foxdut ''
inside default 's/env "FOXLAB_FTDI_0_SERIAL"/"NOBODY"/' KEY-MEM-001
check "an absent adapter: the run cannot be done, exit 3" exits 3
check "an absent adapter: the text names it and those that are there" says 'ftdi1.*NOBODY.*FOXFTDI1'

pull='0,/^path /s/^path /at 20s unplug ftdi ftdi1\n&/'
sed "$pull" "$root/fixtures/scenarios/default.scenario" >"$scratch/pulled.scenario"
inside "$scratch/pulled.scenario" '' KEY-DBG-002
check "an adapter that is pulled: exit 3" exits 3
check "an adapter that is pulled: an error of the bench" verdict_of error bench
check "an adapter that is pulled: the text names it" says 'adapter ftdi1'

# The device loses its power with the adapter: that it stops answering in the middle of a message is not its fault.
default=$root/fixtures/scenarios/default.scenario
sed '0,/^path /s/^path /at 10s unplug ftdi ftdi1\n&/' "$default" >"$scratch/dark.scenario"
inside "$scratch/dark.scenario" '' KEY-MEM-001
check "an adapter that takes the power along: exit 3" exits 3
check "an adapter that takes the power along: an error of the bench" verdict_of error bench
check "an adapter that takes the power along: the text names it" says 'adapter ftdi1: .*went away'

sed '0,/^path /s/^path /at 4s lift clip ftdi1\n&/' "$default" >"$scratch/lifted.scenario"
inside "$scratch/lifted.scenario" '' KEY-MEM-001
check "a flash that answers all ones: nothing is decided, exit 6" exits 6
check "a flash that answers all ones: the bench's" verdict_of inconclusive bench
check "a flash that answers all ones: what to look at" says 'got all ones; check .*the clip'

inside default '/wired = /d' KEY-DBG-002
check "a debug port that is not wired: an error of the configuration" verdict_of error config
check "a debug port that is not wired: what to add" says 'wired = { "swd" }'

device foxdut '/^  memory = {/,/^  },/d'
inside default '' KEY-DBG-002
check "no memory declared: an error of the configuration" verdict_of error config
check "no memory declared: what to add" says 'declares no memory to try; add memory'

device encrypted 's/scenario = "encrypted"/scenario = "default"/; s/at_slave/sfm10r/'
inside default '' ENC-001
check "declared encrypted, sent in clear: the device fails" verdict_of fail device
check "declared encrypted, sent in clear: the text says so" says 'a payload declared encrypted was readable'

device encrypted 's/"ENC"/"TESTMODE"/; /^  encryption = /d'
inside encrypted '' AUTH-UL-001
check "encrypts and does not declare it: the device fails" verdict_of fail device
check "encrypts and does not declare it: what it sends is not what was asked for" \
    says 'asked for [^,]*, on air is .*must declare the feature ENC'
inside encrypted '' ENC-001
check "encrypts and does not declare it: ENC-001 does not apply" exits 5

device encrypted '/^  encryption = /d'
inside encrypted '' AUTH-DL-001
check "encrypts, but how is not said: an error of the configuration" verdict_of error config
check "encrypts, but how is not said: what to add" says 'add encryption = { profile = '

# The payload on air is what an independent implementation of the assumed cipher makes of it.
device encrypted ''
inside encrypted '' AUTH-DL-001
check "a downlink for a device that encrypts is taken" exits 0
grep '"type":"downlink"' "$scratch/results/latest/events.jsonl" | head -1 >"$scratch/downlink"
field() { sed "s/.*\"$1\":\"*\([^\",]*\).*/\1/" "$scratch/downlink"; }
aes() {
    perl -ne 'chomp; print pack "H*", $_' | openssl enc -aes-128-ecb -nopad -K "$1" | od -An -tx1 -v | tr -d ' \n'
}
key=$(tr -d ' \n' <"$root/fixtures/keys/foxdut.key")
session=$(echo 00000000000000000000000000000000 | aes "$key")
counter=$(printf '%04x' "$(field counter)" | sed 's/\(..\)\(..\)/\2\1/')
stream=$(echo "a1c5f000${counter}00010000000000000000" | aes "$session" | cut -c1-16)
xor() { printf '%08x%08x' $((0x$(echo "$1" | cut -c1-8) ^ 0x$(echo "$2" | cut -c1-8))) \
    $((0x$(echo "$1" | cut -c9-16) ^ 0x$(echo "$2" | cut -c9-16))); }
check "its payload is encrypted as protocol.md says" \
    test "$(field payload_hex)" = "$(xor "$(field clear_hex)" "$stream")"

# What the operator did not permit is not sent: the bench file says it, and nobody else is blamed.
device foxdut ''
inside default '/869300000/d' AUTH-DL-001
check "a frequency outside the permit: an error of the configuration" verdict_of error config
check "a frequency outside the permit: which, and what to mend" says '8695[0-9]* Hz .* lies in none of the .*permit'
inside default 's/high_hz = 869750000, max_dbm = 7/high_hz = 869750000, max_dbm = -10/' AUTH-DL-001
check "a level outside the permit: an error of the configuration" verdict_of error config
check "a level outside the permit: which, and what to mend" says 'at most -10.0 dBm .*asked for 7.0 dBm'
inside default 's/kind = "conducted"/kind = "antenna"/' AUTH-DL-001
check "a path through the open air: nothing is opened, exit 3" exits 3
check "a path through the open air: the configuration's" verdict_of notrun config
check "a path through the open air: what to do" says "declared 'antenna'; cable or shield it"
inside default 's/path = "conducted"/path = "antenna"/' AUTH-DL-001
check "a radio with an antenna: the configuration's, though its rf paths are cabled" verdict_of notrun config
check "a radio with an antenna: what to do" says "to the open air to be conducted.*declared 'antenna'"
inside default 's/rf = rf,/rf = (function() for _ = 1, 16 do rf[#rf + 1] = rf[1] end return rf end)(),/' AUTH-DL-001
check "more paths than can be watched: what was expected" says 'expected at most 16 paths from station1'
check "none of them sent anything" sh -c "! grep -q '\"type\":\"downlink\"' '$scratch/results/latest/events.jsonl'"

# A key in a token that is not there.
module=$(find /usr/lib -name libsofthsm2.so 2>/dev/null | head -1)
nobody="pkcs11:token=nobody;object=foxdut?module-path=$module\&pin-source=file:/dev/null"
device foxdut "s|^  key = .*|  key = \"$nobody\",|"
inside default '' AUTH-UL-001
check "a token that is not there: exit 4" exits 4
check "a token that is not there: device file, token, what to do" \
    says "device.lua: key: .*token 'nobody' is not there; plug it in or mend the reference"

# A key that the device says over its serial line is in no file of the run.
bench --fault MUT-KEY-011 KEY-SER-001
key=$(cut -c9-24 "$root/fixtures/keys/foxdut.key")
check "a key on the serial line fails the device" verdict_of fail device
check "its fingerprint is in the record" grep -rq '16 bytes of the key b49aefa6d48cedea' "$scratch/results/latest"
check "the key is not" sh -c "! grep -rqi '$key' '$scratch/results/latest/'"

# What a refused downlink leaves in the flash, told by the device's own image of it.
bench --fault STR-MEM-002 AUTH-DL-004
check "a refused payload in the flash, as text, fails the device" verdict_of fail device
lies='"trace":"the flash holds bytes 1 to 6 of a refused payload ([0-9a-f]*) from 0x020009 on, as hexadecimal text"'
check "the record says where it lies, and as what" grep -q "$lies" "$scratch/results/latest/events.jsonl"
finish
