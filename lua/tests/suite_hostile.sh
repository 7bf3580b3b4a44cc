#!/bin/sh
# Devices that spoil a test (foxdut --list-hostile): what they pass would prove nothing.
#
# usage: suite_hostile.sh [--all [MANNER…]]   a case or two for each; with --all every case that the manner concerns,
# plain and encrypted, which is a campaign (docs/TESTING.md) and prints a line for each device; of some manners alone
. "$(dirname "$0")/suite_common.sh"

# on FAULT DEVICE CASE…: runs the cases on this device; its TAP is in $scratch/out then.
on() {
    fault=$1 device=$2
    shift 2
    began=$(date +%s)
    bench --device "$root/fixtures/devices/$device.lua" --fault "$fault" "$@"
    [ -z "$all" ] || echo "# $fault, $device: $(count pass) pass, $(count inconclusive) inconclusive," \
        "$(count fail) fail, $(count error) error, $(grep -c ' # SKIP' "$scratch/out") na; $(($(date +%s) - began)) s"
}
count() {
    if [ "$1" = pass ]; then grep -c '^ok [^#]*$' "$scratch/out"; else grep -c "^  verdict: $1" "$scratch/out"; fi
}
no_error() { ! grep -q '^  verdict: error' "$scratch/out"; }
nothing_passes() { silent_on '^ok [^#]*$'; }
none_of_these_pass() { ! grep -E '^ok [^#]*$' "$scratch/out" | grep -qE "$1"; }
fails() { grep -A3 "^not ok [0-9]* - $1[ /]" "$scratch/out" | grep -q 'blame: device'; }
# Every case that did not pass has the bytes of its serial line beside its verdict, but for those that watch others.
has_bytes() {
    find -L "$scratch/results/latest/cases" -name verdict.json |
        grep -vE '/(AUTH-UL-002|AUTH-DL-008|CNT-UL-002|CNT-UL-010)/' | {
        seen=0
        while read -r verdict; do
            grep -q '"verdict": *"\(fail\|inconclusive\)"' "$verdict" || continue
            [ -s "${verdict%verdict.json}uart.log" ] || { echo "$verdict" >>"$scratch/err"; return 1; }
            seen=1
        done
        [ $seen -eq 1 ]
    }
}

all='' downlinks='' signs=''
if [ "${1:-}" = --all ]; then
    all='* --profile basic' downlinks='AUTH-DL-* CNT-DL-* FWL-* --profile basic' signs='AUTH-UL-* --profile smoke'
    shift
fi
only=$*
wanted() { [ -z "$only" ] || case " $only " in *" $1 "*) ;; *) false ;; esac; }
set -f # the stars are foxbench's

for manner in DEAF-SERIAL MUTE CHATTY; do
    wanted $manner || continue
    for device in foxdut encrypted; do
        cases="CNT-UL-009 AUTH-UL-007"
        [ $device = foxdut ] || cases=ENC-007
        on "$manner" $device ${all:-$cases}
        check "$manner, $device: nothing passes" nothing_passes
        check "$manner, $device: no error" no_error
    done
done

# Every refusal rests on a genuine downlink that the same device takes.
for device in foxdut ${all:+encrypted}; do
    wanted DEAF-DOWNLINK || continue
    on DEAF-DOWNLINK $device ${downlinks:-AUTH-DL-007}
    check "DEAF-DOWNLINK, $device: no case of downlinks passes" none_of_these_pass ' (AUTH-DL-|CNT-DL-|FWL-002)'
    check "DEAF-DOWNLINK, $device: no error" no_error
done

for manner in FLOOD-SERIAL GARBLE-SERIAL SPLIT-SERIAL; do
    wanted $manner || continue
    for device in foxdut ${all:+encrypted}; do
        on "$manner" $device ${all:-AUTH-UL-007}
        check "$manner, $device: nothing passes" nothing_passes
        check "$manner, $device: no error" no_error
        check "$manner, $device: the raw bytes are in evidence" has_bytes
    done
done

# A device that is not what its file says is a finding.
for manner in LIE-ID ${all:+LIE-KEY LIE-ENCRYPTION}; do
    wanted $manner || continue
    case=AUTH-UL-007
    [ $manner = LIE-ID ] || case=AUTH-UL-001
    on $manner foxdut ${signs:-$case}
    check "$manner: a finding" fails $case
    check "$manner: no error" no_error
done
finish
