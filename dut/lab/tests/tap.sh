# Shared by the lab's tests in shell: numbers checks, and keeps one scratch folder, whose files out and err are told
# with what fails.
set -u
foxlab=$FOX_BIN_DIR/foxlab
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
# Preloaded into tools that were not made for it, the sanitizer's leak check would judge them.
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0
count=0
failed=0

ok() { # ok CONDITION-STATUS TITLE
    count=$((count + 1))
    if [ "$1" -eq 0 ]; then
        echo "ok $count - $2"
    else
        echo "not ok $count - $2"
        sed 's/^/# /' "$dir/out" "$dir/err" 2>/dev/null | head -20
        failed=1
    fi
}

finish() {
    echo "1..$count"
    exit $failed
}
