#!/bin/sh
# Three devices in one run: only CLN-ID-001 sees the samples, and it tells a shared key from a wrong declaration.
. "$(dirname "$0")/suite_common.sh"
record=$scratch/results/latest/events.jsonl

verdict_of() {
    grep -A2 '^not ok' "$scratch/out" | grep -q "verdict: $1" && grep -A3 '^not ok' "$scratch/out" | grep -q "blame: $2"
}
# device SED: the reference device, declared otherwise.
device() {
    sed "s|file:../keys|file:$root/fixtures/keys|; $1" "$root/fixtures/devices/foxdut.lua" >"$scratch/device.lua"
}
silent_in() { ! grep -q "$2" "$1"; }
in_use() { grep -c "\"on\":true,.*\"type\":\"power\",\"unit\":\"$1\"" "$record"; }

bench CLN-ID-001
check "three devices of their own pass" exits 0
check "each sample is switched on once" test "$(in_use dut2) $(in_use dut3)" = "1 1"
check "and off at the end" grep -q '"on":false,.*"type":"power","unit":"dut3"' "$record"
plan='more than 63.2 % are bad, 13 units would exclude more than 20.6 %'
check "the plan says what three units show" grep -q "$plan" "$record"
check "frames of all three are judged with their keys" test \
    "$(grep '"type":"uplink"' "$record" | grep -c '"judge":"\(accepted\|repetition\)"')" -eq 27
log=$scratch/results/latest/cases/CLN-ID-001/_/attempt-1/uart.log
check "the serial log names the unit" grep -q '^[0-9]* @ dut3$' "$log"
keys=0
for key in foxdut foxdut2 foxdut3; do
    grep -rqiF "$(tr -d '\n' <"$root/fixtures/keys/$key.key")" "$scratch/results" && keys=$((keys + 1))
done
check "no key is in the run" test "$keys" -eq 0

bench --fault MUT-CLN-001 CLN-ID-001
check "one key for all: the device fails" verdict_of fail device
check "one key for all: says which" says 'dut1 and dut2 have one key, dut1 and dut3 have one key'
bench --fault MUT-CLN-003 CLN-ID-001
check "keys made out of the first: the device fails" verdict_of fail device
check "keys made out of the first: says how" \
    says "dut2 is made out of that of dut1: K = K' XOR (ID XOR ID'), big-endian"

bench --fault MUT-CLN-001 AUTH-UL-003
check "other cases do not see the samples" exits 0
check "which stay off" test "$(in_use dut2) $(in_use dut3)" = "0 0"
check "and silent" silent_in "$record" '"type":"command".*"unit":"dut[23]"'

device 's/foxdut2.key/foxdut3.key/'
bench --device "$scratch/device.lua" CLN-ID-001
check "a key that is another unit's: no decision, the configuration" verdict_of inconclusive config
check "a key that is another unit's: says so" says "the declared key is not this unit's; give the right key file"
device 's/foxdut2.key/swap.key/; s/foxdut3.key/foxdut2.key/; s/swap.key/foxdut3.key/'
bench --device "$scratch/device.lua" CLN-ID-001
check "two keys in each other's place: no decision, the configuration" verdict_of inconclusive config
check "two keys in each other's place: says so" says 'they verify under the key declared for dut3'
device '/91C4E07A2D5B8F36/d'
bench --device "$scratch/device.lua" CLN-ID-001
check "one sample only: refused, exit 4" exits 4
check "one sample only: what to do" says 'expected 2 to 12 further units'
device '/  samples = {/,/^  },/d; s/, "FLEET"//'
bench --device "$scratch/device.lua" CLN-ID-001
check "no samples declared: not applicable, exit 5" exits 5
check "no samples declared: the reason" says 'SKIP.*FLEET'
finish
