#!/bin/sh
# Devices that spoil a test (foxdut --list-hostile): what they pass would prove nothing.
#
# usage: suite_hostile.sh [--all]   a case or two for each; profile basic for each is a campaign (docs/TESTING.md)
. "$(dirname "$0")/suite_common.sh"

# on FAULT DEVICE CASE…: runs the cases on this device; its TAP is in $scratch/out then.
on() {
    fault=$1 device=$2
    shift 2
    bench --device "$root/fixtures/devices/$device.lua" --fault "$fault" "$@"
}
no_error() { ! grep -q '^  verdict: error' "$scratch/out"; }
nothing_passes() { silent_on '^ok [^#]*$'; }
none_of_these_pass() { ! grep -E '^ok [^#]*$' "$scratch/out" | grep -qE "$1"; }
fails() { grep -A3 "^not ok [0-9]* - $1[ /]" "$scratch/out" | grep -q 'blame: device'; }
# Every case that did not pass has the bytes of its serial line beside its verdict.
has_bytes() {
    for verdict in "$scratch"/results/latest/cases/*/_/attempt-1/verdict.json; do
        grep -q '"verdict": *"\(fail\|inconclusive\)"' "$verdict" || continue
        [ -s "${verdict%verdict.json}uart.log" ] || return 1
    done
}

all=
[ "${1:-}" != --all ] || all="--profile basic"

for manner in DEAF-SERIAL MUTE CHATTY; do
    on "$manner" foxdut ${all:-CNT-UL-009 AUTH-UL-007}
    check "$manner: nothing passes" nothing_passes
    check "$manner: no error" no_error
    on "$manner" encrypted ${all:-ENC-007}
    check "$manner, encrypted: nothing passes" nothing_passes
done

# Every refusal rests on a genuine downlink that the same device takes.
on DEAF-DOWNLINK foxdut ${all:-AUTH-DL-007}
check "DEAF-DOWNLINK: no case of downlinks passes" none_of_these_pass ' (AUTH-DL-|CNT-DL-|FWL-002)'
check "DEAF-DOWNLINK: no error" no_error

for manner in FLOOD-SERIAL GARBLE-SERIAL; do
    on "$manner" foxdut ${all:-AUTH-UL-007}
    check "$manner: nothing passes" nothing_passes
    check "$manner: no error" no_error
    check "$manner: the raw bytes are in evidence" has_bytes
done

# A device that is not what its file says is a finding.
on LIE-ID foxdut ${all:-AUTH-UL-007}
check "LIE-ID: a finding" fails AUTH-UL-007
check "LIE-ID: no error" no_error
if [ -n "$all" ]; then
    on LIE-KEY foxdut $all
    check "LIE-KEY: a finding" fails AUTH-UL-001
    check "LIE-KEY: no error" no_error
    on LIE-ENCRYPTION foxdut $all
    check "LIE-ENCRYPTION: a finding" fails AUTH-UL-001
    check "LIE-ENCRYPTION: no error" no_error
    on SPLIT-SERIAL foxdut $all
    check "SPLIT-SERIAL: no error" no_error
fi
finish
