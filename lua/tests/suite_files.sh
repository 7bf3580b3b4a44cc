#!/bin/sh
# Device files, bench files and selections that are wrong: exit 4, one line that says what is allowed, no run directory.
. "$(dirname "$0")/suite_common.sh"

device() {
    sed "$1; s|file:../keys|file:$root/fixtures/keys|" "$root/fixtures/devices/foxdut.lua" >"$scratch/device.lua"
}
bench_file() { sed "$1" "$root/fixtures/benches/virtual.lua" >"$scratch/bench.lua"; }
refused() {
    code=0
    "$bin/foxlab" run default -- "$bin/foxbench" run --bench "$scratch/bench.lua" --device "$scratch/device.lua" \
        -o "$scratch/results" "$@" >"$scratch/out" 2>"$scratch/err" || code=$?
}
refuses() { # NAME TEXT
    check "$1: exit 4" exits 4
    check "$1: says so" says "$2"
    check "$1: no run directory" test ! -e "$scratch/results"
}

device '' && bench_file ''
refused NOPE-001
refuses "unknown case" "unknown case 'NOPE-001'"
refused --profile nightly
refuses "unknown profile" "unknown profile 'nightly'; there are: alarm, basic, high, meter, rail, smoke, substantial"

code=0
"$bin/foxbench" run --bench "$scratch/nowhere.lua" -o "$scratch/results" >"$scratch/out" 2>"$scratch/err" || code=$?
refuses "no bench file" 'nowhere.lua: No such file or directory; expected a file of declarations'

device 's/messages_per_day = 140/messages_per_day = 0/'
refused CNT-UL-004
refuses "a number out of range" 'device.lua: device.messages_per_day: expected 1 … 140, got 0'
check "what is wrong with the device file names that file alone" sh -c "! grep -q bench.lua '$scratch/err'"
device 's/modulus = 4096/modulus = "4096"/'
refused CNT-UL-004
refuses "text for a number" 'modulus: expected an integer, got string'

device 's/  id = /  ident = /'
refused CNT-UL-004
refuses "unknown device field" 'unknown field "ident"; allowed are .*dialect, .*extensions'
device '/  id = /d'
refused CNT-UL-004
refuses "missing device field" 'the field id is missing'
device 's/00F0C5A1/F0C5A1/'
refused CNT-UL-004
refuses "short identifier" '8 hexadecimal digits'
device 's/foxdut.key/nobody.key/'
refused CNT-UL-004
refuses "absent key" 'nobody.key'
device 's/sfm10r/klingon/'
refused CNT-UL-004
refuses "unknown dialect" 'klingon'
device 's/"TESTMODE"/"TESTMODES"/'
refused CNT-UL-004
refuses "unknown feature" '"TESTMODES" is unknown; allowed are .*KNOWNKEY'
device 's/= 4096/= 4000/'
refused CNT-UL-004
refuses "impossible modulus" '4000'
device 's/^return {/return {{/'
refused CNT-UL-004
refuses "syntax" 'device.lua:[0-9]*:'

device '' && bench_file 's/gain_db/gian_db/'
refused CNT-UL-004
refuses "unknown bench field" 'bench.radios\[1\]: unknown field "gian_db"'
bench_file '/^  ftdi = {/,/^  },/d; s/^  uarts = /  power = { uart = "dut9", line = "rts" },\n&/'
refused CNT-UL-004
refuses "power on no port" 'no uart called "dut9"'
bench_file 's/868015000/869015000/'
refused CNT-UL-004
refuses "a band outside the radio" 'bench.lua: bench.radios\[1\]: the band .* does not fit'
check "what is wrong with the bench file names that file alone" sh -c "! grep -q device.lua '$scratch/err'"
bench_file 's/rate_hz = 520834/rate_hz = 450000/'
refused CNT-UL-004
refuses "a rate that no Pluto has" 'rate_hz: expected at least 520833'
bench_file 's/gain_db = 50/gain_db = -5/'
refused CNT-UL-004
refuses "a gain that no Pluto has" 'gain_db: expected 1 … 77'
bench_file 's/  name = "virtual",/&\n  operator_typo = 1,/'
refused CNT-UL-004
refuses "unknown field of the bench" 'unknown field "operator_typo"'

# A feature that is not declared makes a case not applicable; a bench without a line cannot run one.
device 's/"KNOWNKEY", //' && bench_file ''
refused AUTH-UL-001
check "no KNOWNKEY: not applicable" says 'SKIP.*KNOWNKEY'
check "no KNOWNKEY: nothing applicable, exit 5" exits 5

# Without the test mode fewer kinds can be asked for; the record says which were not.
device 's/, "TESTMODE"//' && bench_file ''
refused AUTH-UL-001 AUTH-UL-002
check "no TESTMODE: passes with what can be asked for" exits 0
record=$scratch/results/latest/events.jsonl
check "no TESTMODE: the record names what was not exercised" grep -q 'not exercised: empty' "$record"


# The samples that the run kept are a recording that decodes to the same three frames.
iq=$scratch/results/latest/cases/AUTH-UL-001/_/attempt-1/iq/first-message.sigmf-meta
"$bin/foxbench" decode --json "$iq" >"$scratch/out" 2>"$scratch/err"
check "the kept samples decode to three frames" test "$(grep -c '"crc_ok":true' "$scratch/out")" -eq 3
packet=$(grep -o '"packet_hex":"[0-9a-f]*"' "$scratch/out" | sort -u)
check "of one packet, which is the one of the record" grep -q "\"counter\":0,.*${packet:-nothing},\"payload" "$record"

device '' && bench_file '/^    reset = /d'
refused CNT-UL-004
check "no reset line: an error of the configuration" says 'needs a reset line'
check "no reset line: exit 3" exits 3
finish
