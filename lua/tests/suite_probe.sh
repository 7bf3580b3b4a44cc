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

inside default '/wired = /d' KEY-DBG-002
check "a debug port that is not wired: an error of the configuration" verdict_of error config
check "a debug port that is not wired: what to add" says 'wired = { "swd" }'

device foxdut '/^  memory = {/,/^  },/d'
inside default '' KEY-DBG-002
check "no memory declared: an error of the configuration" verdict_of error config
check "no memory declared: what to add" says 'declares no memory to try; add memory'

device foxdut-encrypted 's/scenario = "encrypted"/scenario = "default"/'
inside default '' ENC-001
check "declared encrypted, sent in clear: the device fails" verdict_of fail device
check "declared encrypted, sent in clear: the text says so" says 'a payload declared encrypted was readable'

# A key that the device says over its serial line is in no file of the run.
bench --fault MUT-KEY-011 KEY-SER-001
key=$(cut -c9-24 "$root/fixtures/keys/foxdut.key")
check "a key on the serial line fails the device" verdict_of fail device
check "its fingerprint is in the record" grep -rq '16 bytes of the key b49aefa6d48cedea' "$scratch/results/latest"
check "the key is not" sh -c "! grep -rqi '$key' '$scratch/results/latest/'"
finish
