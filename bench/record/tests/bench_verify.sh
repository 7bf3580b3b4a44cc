#!/bin/sh
# How fast verify reads a signed run of a gigabyte, against sha256sum on the same files: a ratio within one run, best of
# three each, after everything was read once.
set -eu
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
fox=$FOX_BIN_DIR/foxbench
openssl genpkey -algorithm ed25519 -out "$out/key"
chmod 600 "$out/key"
openssl pkey -in "$out/key" -pubout -out "$out/pub"
FOXBENCH_PDF=off FOXBENCH_WORKER=$FOX_BIN_DIR/../tests/fake_worker \
    FOXBENCH_LAB=$FOX_SOURCE_DIR/bench/record/tests/fake_lab.sh \
    "$fox" run GIGA -o "$out/results" >"$out/log" 2>&1
run=$(realpath "$out/results/latest")
"$fox" sign "$run" --key "$out/key" >"$out/log"
find "$run" -type f ! -name 'root.*' >"$out/files"

now_ms() { echo $(($(date +%s%N) / 1000000)); }
# best COMMAND…: the shortest of three times, in ms.
best() {
    least=
    for _ in 1 2 3; do
        from=$(now_ms)
        "$@" >"$out/log" || exit 1
        took=$(($(now_ms) - from))
        [ -n "$least" ] && [ "$least" -le "$took" ] || least=$took
    done
    echo "$least"
}
sums() { xargs -d '\n' sha256sum <"$out/files"; }
sums >"$out/log"
theirs=$(best sums)
ours=$(best "$fox" verify "$run" --key "$out/pub")
bytes=$(du -sb "$run" | cut -f1)
echo "$bytes bytes: verify $ours ms, sha256sum $theirs ms: $((theirs * 100 / ours)) % of its speed"
[ $((theirs * 2)) -ge "$ours" ]
