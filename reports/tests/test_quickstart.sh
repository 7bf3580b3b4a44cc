#!/usr/bin/env bash
# bench/quickstart counts honestly: run with stand-ins for dpkg-query, cmake and ctest, so that nothing is installed or
# built.
set -u
root=${FOX_SOURCE_DIR:?}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
mkdir -p "$place/bench" "$place/stubs" "$place/build/dev/bin"
cp "$root/bench/quickstart" "$root/bench/packages" "$place/bench/"
failures=0
number=0

stub() {
    printf '#!/bin/bash\n%s\n' "$2" >"$3/$1"
    chmod +x "$3/$1"
}
stub dpkg-query 'echo installed' "$place/stubs"
stub apt-get 'echo "apt-get was called" >&2; exit 1' "$place/stubs"

# check NAME EXIT LAST_LINE ARGUMENTS…: runs quickstart with the stand-ins as they are now.
check() {
    local name=$1 expected=$2 last=$3 code=0 got
    shift 3
    number=$((number + 1))
    PATH=$place/stubs:$PATH "$place/bench/quickstart" "$@" >"$place/out" 2>"$place/err" || code=$?
    got=$(tail -n 1 "$place/out")
    if [ "$code" -eq "$expected" ] && { [ "$last" = "*" ] || [ "$got" = "$last" ]; }; then
        printf 'ok %d - %s\n' "$number" "$name"
    else
        printf 'not ok %d - %s\n# expected exit %d and "%s", got %d and "%s"\n' "$number" "$name" "$expected" "$last" \
            "$code" "$got"
        sed 's/^/# /' "$place/err"
        failures=$((failures + 1))
    fi
}

# ctest DEV_TEXT DEV_EXIT ASAN_TEXT ASAN_EXIT
ctest() {
    stub ctest "case \"\$*\" in
*'--preset dev'*) printf '$1\n'; exit $2 ;;
*'--preset asan'*) printf '$3\n'; exit $4 ;;
esac
exit 99" "$place/stubs"
}
good='100%% tests passed, 0 tests failed out of 7'
bad='71%% tests passed, 2 tests failed out of 7\n\nThe following tests FAILED:\n'
bad+='\t  3 - one (Failed)\n\t  4 - two (Timeout)'

stub cmake 'exit 0' "$place/stubs"
ctest "$good" 0 "$good" 0
check "all pass" 0 "14 passed, 0 failed" test
ctest "$bad" 8 "$good" 0
check "a failing test in dev" 1 "12 passed, 2 failed" test
grep -q 'failed, preset dev: two (Timeout)' "$place/err" || { echo "not ok - failed tests are not listed"; failures=1; }
ctest "$good" 0 "$bad" 8
check "a failing test under sanitizers" 1 "12 passed, 2 failed" test
ctest "$good" 8 "$good" 0
check "ctest says failure but counts none" 1 "13 passed, 1 failed" test
ctest 'No tests were found!!!' 0 "$good" 0
check "no tests" 1 "7 passed, 1 failed" test
ctest 'Segmentation fault' 139 'Killed' 137
check "ctest dies without a summary" 1 "0 passed, 2 failed" test
ctest '100%% tests passed, 0 tests failed out of 0' 0 "$good" 0
check "none out of none" 1 "7 passed, 1 failed" test
ctest 'the program printed: 0 tests failed out of 5' 139 "$good" 0
check "a count that is not the summary's is none" 1 "7 passed, 1 failed" test
stub cmake 'echo broken; exit 1' "$place/stubs"
ctest "$good" 0 "$good" 0
check "a build that fails" 3 "" test
stub dpkg-query 'exit 1' "$place/stubs"
check "packages that cannot be installed" 3 "" test
grep -q 'could not be installed' "$place/err" || { echo "not ok - the reason is not told"; failures=1; }
stub dpkg-query 'echo installed' "$place/stubs"
check "an unknown argument" 4 "" tset
check "no argument" 4 ""
check "too many arguments" 4 "" test dev

stub cmake 'exit 0' "$place/stubs"
stub foxbench 'case $1 in
sign) [ "$(stat -c %a "$4")" = 600 ] && echo "signed $2 by $4" ;;
verify) grep -q "BEGIN PUBLIC KEY" "$4" && echo "verified $2 by $4" ;;
run)
    echo "${*:2}" >arguments
    mkdir -p results/a/report
    : >results/a/report/report.html
    ln -sfn a results/latest
    exit 6
    ;;
esac' "$place/build/dev/bin"
check "certify ends with the run's exit code" 6 "*" certify
grep -q 'report: .*results/a/report/report.html' "$place/err" || { echo "not ok - no report named"; failures=1; }
grep -q 'signed .*results/a by results/signer.key' "$place/err" || { echo "not ok - not signed"; failures=1; }
grep -q 'verified .*results/a by results/signer.pub' "$place/err" || { echo "not ok - not verified"; failures=1; }
grep -q '^--device .*encrypted.lua$' "$place/arguments" || {
    echo "not ok - not every feature"
    failures=1
}
rm "$place/results/latest"
cp "$place/results/signer.key" "$place/key"
check "certify again" 6 "*" certify --device other.lua --seed 3
[ "$(cat "$place/arguments")" = "--device other.lua --seed 3" ] || {
    echo "not ok - another device"
    failures=1
}
cmp -s "$place/key" "$place/results/signer.key" || { echo "not ok - the key was made again"; failures=1; }
stub foxbench 'exit 4' "$place/build/dev/bin"
check "certify names no old report" 4 "*" certify
grep -q 'report: ' "$place/err" && { echo "not ok - an old report is named"; failures=1; }
printf '1..%d\n' "$number"
[ "$failures" -eq 0 ]
