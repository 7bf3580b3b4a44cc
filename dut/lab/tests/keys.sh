#!/bin/sh
# The reference device and each fault of its key storage before probe and clip: keys.sh SCENARIO PROGRAM
set -eu
scenario=$1 program=$2
failed=0
"$FOX_BIN_DIR/foxlab" run "$scenario" -- "$program" || failed=1
for fault in MUT-KEY-001 MUT-KEY-002 MUT-KEY-004 MUT-KEY-008 MUT-KEY-009; do
    "$FOX_BIN_DIR/foxlab" run --fault "$fault" "$scenario" -- "$program" "$fault" || { echo "$fault"; failed=1; }
done
exit $failed
