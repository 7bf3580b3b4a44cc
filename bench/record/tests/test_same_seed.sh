#!/bin/sh
# Two real runs with one seed leave the same run directory, byte for byte, but for what wall time touches.
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
for n in 1 2; do
    "$FOX_BIN_DIR/foxbench" run AUTH-UL-004 AUTH-UL-002 --seed 7 -o "$out/$n" >"$out/$n.tap" 2>"$out/$n.err" ||
        { echo "run $n ended with $?:" && cat "$out/$n.tap" "$out/$n.err" && exit 1; }
    "$FOX_BIN_DIR/foxbench" verify "$out/$n/latest"
done
# -x takes what design.md 5 excepts, and nothing else
diff -r -x wall.jsonl -x junit.xml -x report "$out/1/latest/" "$out/2/latest/" >"$out/diff" || {
    echo "expected the same run directory twice, got these differences:"
    cut -c1-300 "$out/diff" | head -20
    exit 1
}
"$FOX_SOURCE_DIR/bench/record/tests/check_schemas.py" "$out/1/latest"
cmp "$out/1.tap" "$out/2.tap"
if diff -q "$out/1/latest/wall.jsonl" "$out/2/latest/wall.jsonl" >"$out/same"; then
    echo "expected two wall.jsonl with different times, got the same: was the second run carried out at all?"
    exit 1
fi
echo "the same: $(find "$out/1/latest/" -type f | wc -l) files, $(wc -l <"$out/1/latest/events.jsonl") events"
