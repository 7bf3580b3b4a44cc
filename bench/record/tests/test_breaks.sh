#!/bin/sh
# A real run whose laboratory is killed, whose worker is stopped, whose bench is absent: never a pass, never a fail, and
# the run directory verifies.
set -u
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
fox=$FOX_BIN_DIR/foxbench
bad=0

check() { # what expected got
    if [ "$2" = "$3" ]; then
        echo "ok - $1"
    else
        echo "not ok - $1: expected '$2', got '$3'"
        cat "$out/tap" "$out/err"
        bad=1
    fi
}

# Starts a run, waits until frames have been heard, and sends signal $2 to the child whose command line begins with $1.
run_and_hurt() {
    rm -rf "$out/results"
    "$fox" run AUTH-UL-004 -o "$out/results" >"$out/tap" 2>"$out/err" &
    pid=$!
    n=0
    while ! grep -qs '"uplink"' "$out/results/latest/events.jsonl"; do
        n=$((n + 1))
        [ $n -lt 300 ] || break
        sleep 0.1
    done
    for child in $(cat /proc/$pid/task/$pid/children); do
        case "$(tr '\0' ' ' <"/proc/$child/cmdline")" in "$1"*) kill -"$2" "$child" ;; esac
    done
    before=$(date +%s)
    wait $pid
    code=$?
    took=$(($(date +%s) - before))
    verdict=$(grep -o '"verdict": "[a-z]*"' "$out/results/latest/cases/AUTH-UL-004/_/attempt-1/verdict.json" | head -1)
    blame=$(grep -o '"blame": "[a-z]*"' "$out/results/latest/cases/AUTH-UL-004/_/attempt-1/verdict.json" | head -1)
    "$fox" verify "$out/results/latest" >"$out/verify"
    verified=$?
}

run_and_hurt foxlab KILL
check "lab killed: exit" 3 $code
check "lab killed: the verdict is an error" '"verdict": "error"' "$verdict"
check "lab killed: the bench is to blame" '"blame": "bench"' "$blame"
check "lab killed: the ledger names it" yes \
    "$(grep -q 'virtual lab ended (signal 9' "$out/results/latest/events.jsonl" && echo yes || echo no)"
check "lab killed: noticed at once" yes "$([ $took -le 3 ] && echo yes || echo "after $took s")"
check "lab killed: verifies" 0 $verified

run_and_hurt "foxbench worker" STOP
check "worker stopped: exit" 3 $code
check "worker stopped: the verdict is an error" '"verdict": "error"' "$verdict"
check "worker stopped: the bench is to blame" '"blame": "bench"' "$blame"
check "worker stopped: noticed within 5 s and 2" yes "$([ $took -le 8 ] && echo yes || echo "after $took s")"
check "worker stopped: verifies" 0 $verified

sed -e 's|env "FOXLAB_PLUTO_0_URI"|"ip:127.0.0.1:9"|' -e 's|env "FOXLAB_UART_0"|"/dev/ttyUSB99"|' \
    -e 's|env "FOXLAB_FTDI_0_SERIAL"|"NONE"|' \
    -e 's|env "FOXLAB_FTDI_0_SERIAL"|"NONE"|' \
    "$FOX_SOURCE_DIR/fixtures/benches/virtual.lua" >"$out/absent.lua"
rm -rf "$out/results"
"$fox" run AUTH-UL-004 --bench "$out/absent.lua" -o "$out/results" >"$out/tap" 2>"$out/err"
check "absent bench: exit" 3 $?
check "absent bench: the case is not run" 1 "$(grep -c 'verdict: notrun' "$out/tap")"
"$fox" verify "$out/results/latest" >"$out/verify"
check "absent bench: verifies" 0 $?

echo "syntax(1) return { name = 7" >"$out/broken.lua"
rm -rf "$out/results"
"$fox" run --bench "$out/broken.lua" -o "$out/results" >"$out/tap" 2>"$out/err"
check "malformed bench file: exit" 4 $?
check "malformed bench file: one line" 1 "$(grep -c . "$out/err")"
check "malformed bench file: no run directory" no "$([ -e "$out/results" ] && echo yes || echo no)"

"$fox" run --fault MUT-NONE-999 -o "$out/results" >"$out/tap" 2>"$out/err"
check "unknown fault: exit" 4 $?
check "unknown fault: no run directory" no "$([ -e "$out/results" ] && echo yes || echo no)"
# A disk that fills up: the attempt is lost, no other one begins, and the books are closed in the room kept for them.
mkdir "$out/small"
if mount -t tmpfs -o size=6m none "$out/small" 2>"$out/err"; then
    trap 'umount "$out/small"; rm -rf "$out"' EXIT
    "$fox" run AUTH-UL-001 AUTH-UL-005 -o "$out/small" >"$out/tap" 2>"$out/err"
    check "disk full: exit" 3 $?
    check "disk full: both cases are answered for" 2 "$(grep -c '^not ok' "$out/tap")"
    check "disk full: the message says so" yes "$(grep -q 'the disk is full' "$out/err" && echo yes || echo no)"
    record=$out/small/latest/cases/AUTH-UL-001/_/attempt-1/verdict.json
    check "disk full: the one that ran is an error" '  "verdict": "error",' "$(grep '^  "verdict":' "$record")"
    check "disk full: the bench is to blame" '  "blame": "bench",' "$(grep '^  "blame":' "$record")"
    "$fox" verify "$out/small/latest" >"$out/verify"
    check "disk full: verifies" 0 $?
    mount -o remount,size=1m "$out/small"
    "$fox" run AUTH-UL-005 -o "$out/small/next" >"$out/tap" 2>"$out/err"
    check "no room at all: exit" 3 $?
    check "no room at all: no run is begun" 0 "$(ls "$out/small/next" | wc -l)"
else
    echo "ok - disk full # SKIP no small disk can be mounted here: $(cat "$out/err")"
fi

exit $bad
