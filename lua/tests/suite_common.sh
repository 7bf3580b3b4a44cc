# Shared by the suite tests: counts checks, keeps one scratch folder.
bin=${FOX_BIN_DIR:?} root=${FOX_SOURCE_DIR:?}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/fox-suite.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
checks=0 failed=0

# check NAME COMMAND…: the command must succeed.
check() {
    name=$1
    shift
    checks=$((checks + 1))
    if "$@"; then
        echo "ok $checks - $name"
    else
        failed=$((failed + 1))
        echo "not ok $checks - $name"
        for file in "$scratch/out" "$scratch/err"; do
            [ -f "$file" ] && sed 's/^/# /' "$file" | tail -40
        done
    fi
}

# bench ARGUMENTS…: foxbench run into the scratch folder; leaves its exit code in $code.
bench() {
    code=0
    "$bin/foxbench" run -o "$scratch/results" "$@" >"$scratch/out" 2>"$scratch/err" || code=$?
}

# lab SCENARIO ARGUMENTS…: foxbench run on the virtual bench in a lab of this scenario.
lab() {
    scenario=$1
    shift
    code=0
    "$bin/foxlab" run "$scenario" -- "$bin/foxbench" run --bench "$root/fixtures/benches/virtual.lua" \
        --device "$root/fixtures/devices/foxdut.lua" -o "$scratch/results" "$@" \
        >"$scratch/out" 2>"$scratch/err" || code=$?
}

exits() { [ "$code" -eq "$1" ]; }
says() { grep -q -- "$1" "$scratch/out" "$scratch/err"; }
silent_on() { ! grep -q -- "$1" "$scratch/out"; }

finish() {
    echo "1..$checks"
    [ "$failed" -eq 0 ] && [ "$checks" -gt 0 ]
    exit
}
