#!/bin/sh
# What people see at a terminal, and that nobody else does: progress with n/N, case, step and the time that is left,
# colours unless NO_COLOR is set, a summary that begins with what to do next. TAP.
set -u
. "$(dirname "$0")/common.sh"
FOXBENCH_WORKER=$FOX_BIN_DIR/../tests/fake_worker FOXBENCH_LAB=$root/bench/record/tests/fake_lab.sh FOXBENCH_PDF=off
export FOXBENCH_WORKER FOXBENCH_LAB FOXBENCH_PDF
unset NO_COLOR

# seen TERM ARGUMENT…: what a terminal of 60 columns gets on stderr, a line for each that was drawn over.
seen() {
    term=$1
    shift
    TERM=$term script -qec "stty cols 60; $fox $* >tap; echo \$? >code" /dev/null </dev/null | tr '\r' '\n' >shown
}
esc=$(printf '\033')

seen xterm run PASS FAIL OPEN
check "the exit code is the run's" exits 1
check "stdout has the TAP alone" sh -c "head -n 1 tap | grep -qx 'TAP version 13' && ! grep -q '$esc' tap"
check "n/N and the case" grep -q '\[2/3\] FAKE-FAIL-2' shown
check "the first line of the summary says what to do" sh -c \
    "grep -n 'Next: the device fails.*foxbench rerun results/.*--failed' shown >at && test -s at"
check "before everything else" sh -c "sed -n '/Next: /,\$p' shown | grep -q 'Report: ' &&
    ! sed '/Next: /,\$d' shown | grep -q 'Report: '"
check "a reason stays on its line, whatever it says" sh -c \
    "sed -n '/Next: /,\$p' shown | grep -q 'fail .*not ok 99 - forged' && ! grep -q '^not ok 99' shown"
check "in colour" grep -q "$esc\[31mfail" shown
seen xterm run PASS FAIL OPEN
check "the second time it is known how long it takes" grep -qE '\[1/3\] FAKE-PASS-1 .*(left|soon done)' shown
check "no line is wider than the terminal" sh -c \
    "grep '\[./3\]' shown | sed 's/$esc\[K//g' | awk 'length > 59 { exit 1 }'"
NO_COLOR=1
export NO_COLOR
seen xterm run PASS FAIL
check "NO_COLOR: progress all the same" grep -q '\[1/2\] FAKE-PASS-1' shown
check "but no colour" sh -c "! grep -q '$esc\[[0-9;]*m' shown"
unset NO_COLOR
seen dumb run PASS FAIL
check "a dumb terminal gets neither" sh -c "! grep -qE '$esc|\[1/2\]' shown"
fox run PASS FAIL
check "nor does a file" sh -c "! grep -qE '$esc|\[1/2\]' err"

mkdir devices
ln -s "$root/fixtures/keys" "$root/fixtures/limits" .
cp "$root/fixtures/devices/foxdut.lua" devices/second.lua
devices="--device $root/fixtures/devices/foxdut.lua --device devices/second.lua"
seen xterm run -j 2 "$devices" PASS PASS
check "several devices: a line for each" grep -qE '^(.\[.*)?second +\[./2\] FAKE-PASS-' shown
check "and a summary of all" grep -q 'Next: nothing is left to do for the 2 devices' shown
finish
