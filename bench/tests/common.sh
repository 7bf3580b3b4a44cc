# Shared by the tests of the command line: counts checks and keeps one scratch folder, which is the working folder.
# Standard output and error of the command under test go to out and err, its exit code to code.
fox=${FOX_BIN_DIR:?set FOX_BIN_DIR to the folder of foxbench}/foxbench
root=${FOX_SOURCE_DIR:-}
work=$(mktemp -d)
trap 'chmod -R u+w "$work"; rm -rf "$work"' EXIT
cd "$work" || exit 1
n=0
bad=0

# check TITLE COMMAND…: the command must succeed.
check() {
    n=$((n + 1))
    title=$1
    shift
    if "$@" >why 2>&1; then
        echo "ok $n - $title"
    else
        echo "not ok $n - $title"
        for file in why out err; do [ -f "$file" ] && sed 's/^/#   /' "$file" | tail -n 30; done
        bad=1
    fi
}

# verdict TITLE WHY-NOT: no text, no objection.
verdict() {
    printf '%s\n' "$2" >objection
    check "$1" sh -c 'cat objection; ! grep -q . objection'
}

fox() {
    "$fox" "$@" >out 2>err </dev/null
    echo $? >code
}
exits() { [ "$(cat code)" = "$1" ]; }

# A root whose suites have a page of the test's own: page NAME <text.
own_root() {
    mkdir -p own/suites/mine
    for part in lua fixtures reports; do ln -s "$root/$part" own/$part; done
    FOXBENCH_ROOT=$work/own
    export FOXBENCH_ROOT
}

finish() {
    echo "1..$n"
    [ $bad -eq 0 ] && [ $n -gt 0 ]
    exit
}
