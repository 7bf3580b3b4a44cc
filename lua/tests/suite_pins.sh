#!/bin/sh
# An output that refused downlinks drive: it is read, seen to move again, and a genuine one puts it back.
. "$(dirname "$0")/suite_common.sh"

bench --fault STR-PIN-001 AUTH-DL-004
check "the run ends with 1" exits 1
check "it fails" grep -q 'verdict: fail' "$scratch/out"
check "the device is to blame" grep -q 'blame: device' "$scratch/out"
events=$scratch/results/latest/events.jsonl
moved='"trace":"AD4 went high, each of three times, and not behind a request that nobody answered"'
check "the record says which pin moved, and how often" grep -q "$moved" "$events"
check "and where it was after a genuine downlink" grep -q '"levels":"AD4=0","moment":"on the way back"' "$events"
finish
