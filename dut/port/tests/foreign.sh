#!/bin/sh
# A foreign library behind the device port: built outside the tree from a copy of dut/port, with make and a compiler
# alone, its own files unchanged, and certified in the lab like any device.
set -e
here="$FOX_SOURCE_DIR/dut/port/tests/acme"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/sdk/dut/port" "$work/acme"
cd "$FOX_SOURCE_DIR/dut/port"
cp ./*.c ./*.h Makefile "$work/sdk/dut/port"
cd "$work"
env -u CFLAGS -u MAKEFLAGS make -s -C "$work/sdk/dut/port" OUT="$work/lib"
cc -std=c99 -O1 -Wall -Werror -I"$work/sdk" "$here"/acme_ep.c "$here"/board_acme.c "$here"/main.c \
  "$work/lib/libdevport.a" -lm -o "$work/acme/acme"
# The library itself must not know the port.
if grep -l 'dut/' "$here"/acme_ep.[ch] "$here"/acme_hal.h; then
  echo "the foreign library includes files of this project"
  exit 1
fi

sed "s|@ACME_PROGRAM@|$work/acme/acme|" "$here/acme.scenario.in" >"$work/acme.scenario"
# Under sanitizers the bench is slow, and this reaches no code of its own: one exchange is enough.
if [ "${FOX_SANITIZE:-}" ]; then cases=AUTH-DL-001; else cases='AUTH-UL-001 AUTH-DL-001'; fi
# shellcheck disable=SC2086 # words
"$FOX_BIN_DIR/foxlab" run "$work/acme.scenario" -- "$FOX_BIN_DIR/foxbench" run $cases \
  --bench "$here/bench.lua" --device "$here/acme.lua" -o "$work/results" >"$work/tap" 2>"$work/err" || {
  cat "$work/tap" "$work/err"
  exit 1
}
cat "$work/tap"
# shellcheck disable=SC2086 # words
[ "$(grep -c '^ok' "$work/tap")" = "$(set -- $cases; echo $#)" ] || { cat "$work/err"; exit 1; }
if grep -q 'SKIP' "$work/tap"; then exit 1; fi
# What its printf says reaches the operator and not the bench.
grep -q 'ACME ready' "$work/err"
# Supply (2950 mV) and temperature (-7.5 degrees) of the scenario came over the air in its keep-alive and confirmation.
events="$work/results/latest/events.jsonl"
[ "${FOX_SANITIZE:-}" ] || grep -q '"payload_hex":"08860b860bb5ff"' "$events"
grep -q '"payload_hex":"09860b860bb5ff' "$events"
