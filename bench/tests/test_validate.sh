#!/bin/sh
# foxbench validate with real runs: kills, a laboratory that is broken, a stop in between. TAP.
set -u
foxbench=${FOX_BIN_DIR:?set FOX_BIN_DIR to the folder of foxbench}/foxbench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tmp"
n=0
bad=0

# check TITLE CODE PATTERN…: the last run ended with CODE, and its stdout has every pattern (grep -E).
check() {
    title=$1 why=
    [ "$got" -eq "$2" ] || why="exit code $got, expected $2"
    shift 2
    for pattern in "$@"; do
        grep -qE -- "$pattern" "$work/out" || why="$why; stdout lacks $pattern"
    done
    n=$((n + 1))
    if [ -z "$why" ]; then
        echo "ok $n - $title"
    else
        echo "not ok $n - $title"
        echo "# $why"
        sed 's/^/#   /' "$work/out" "$work/err" | cut -c1-300 | head -n 20
        bad=1
    fi
}
validate() {
    TMPDIR=$work/tmp "$foxbench" validate "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
}

validate AUTH-UL-003 --fault MUT-AUTH-008 --json --html "$work/matrix.html"
check "a fault is killed" 0 '^\{"canary":\{.*\},"faults":\["MUT-AUTH-008"\],"killed":\["MUT-AUTH-008"\],"matrix":' \
    '"ratio":1.0,' '"survivors":\[\]\}$' '"AUTH-UL-003":\{"blame":"device","is":"killed",' '"sound":true'

for said in '<h2>Every fault killed</h2><p>1 of 1 fault killed, 100.0 %' 'No fault survived' 'killed it</span>'; do
    grep -qF "$said" "$work/matrix.html"
    got=$?
    check "the page says: $said" 0
done
validate AUTH-UL-004 --fault MUT-AUTH-008 --html "$work/nowhere/matrix.html"
cat "$work/err" >>"$work/out"
check "a page that has no place is an error that names it" 3 'kill matrix: .*nowhere/matrix.html'

FOXBENCH_LAB=/bin/false validate AUTH-UL-003 --fault MUT-AUTH-008
check "a laboratory that does not work kills nothing" 1 '^MUT-AUTH-008 +err  NO$' '^0 of 1 faults killed$' \
    'DOES NOT DIE'

# A foxlab that gives the device another fault than the one that was asked for: what does not show is no kill.
printf '#!/bin/sh\nexec "%s/foxlab" "$@"\n' "$FOX_BIN_DIR" >"$work/foxlab"
sed -i 's/"\$@"/$(echo "$@" | sed "s|--fault MUT-AUTH-008||")/' "$work/foxlab"
chmod +x "$work/foxlab"
FOXBENCH_LAB=$work/foxlab validate AUTH-UL-003 --fault MUT-AUTH-008
check "a fault that does not show survives" 1 '^MUT-AUTH-008 +PASS  NO$' '^    AUTH-UL-003 lets it pass$' \
    'canary MUT-AUTH-006 dies'

validate AUTH-UL-004 --fault MUT-AUTH-008
check "nothing to try" 5 '^0 of 0 faults killed$'

TMPDIR=$work/tmp "$foxbench" validate AUTH-UL-001 >"$work/out" 2>"$work/err" </dev/null &
pid=$!
sleep 1
kill -TERM "$pid"
wait "$pid"
got=$?
check "a stop ends it" 2
got=$(find "$work/tmp" -mindepth 1 | wc -l)
check "nothing was left behind" 0

echo "1..$n"
exit $bad
