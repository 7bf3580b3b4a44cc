#!/bin/sh
# The command line as it is promised: which commands exist, what goes where, which exit code. TAP.
set -u
foxbench=${FOX_BIN_DIR:?set FOX_BIN_DIR to the folder of foxbench}/foxbench
built="run plan resume rerun rejudge replay report compare list decode vectors
    montecarlo validate sign verify doctor discover runs console power reset flash swd rx tx"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0
bad=0

# expect TITLE EXIT STDOUT STDERR ARGUMENT…: patterns (grep -E); an empty one demands silence.
expect() {
    title=$1 code=$2 out=$3 err=$4
    shift 4
    (cd "$work" && exec "$foxbench" "$@") >"$work/out" 2>"$work/err" </dev/null
    got=$?
    why=
    [ "$got" -eq "$code" ] || why="exit code $got, expected $code"
    for stream in out err; do
        eval "pattern=\$$stream"
        if [ -z "$pattern" ]; then
            [ ! -s "$work/$stream" ] || why="$why; std$stream is not silent"
        else
            grep -qE -- "$pattern" "$work/$stream" || why="$why; std$stream has no '$pattern'"
        fi
    done
    verdict "$title" "$why"
}

verdict() {
    n=$((n + 1))
    if [ -z "$2" ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        echo "# $2" | sed 's/^# ; /# /'
        sed 's/^/#   /' "$work/err" | head -n 5
        bad=1
    fi
}

expect "no command: usage on stderr" 4 '' '^usage: foxbench COMMAND'
expect "--help goes to stdout" 0 '^usage: foxbench COMMAND' '' --help
sed -n 's/^  \([a-z]*\) .*/\1/p' "$work/out" >"$work/listed"
why=
for c in $built; do grep -qx "$c" "$work/listed" || why="$why; help misses $c"; done
while read -r c; do
    case " $(echo $built) " in *" $c "*) ;; *) why="$why; help lists $c, which this test does not know" ;; esac
done <"$work/listed"
verdict "help lists exactly the built commands" "$why"
expect "help is another word for --help" 0 '^usage: foxbench COMMAND' '' help
expect "--version is one line" 0 '^foxbench [0-9]+\.[0-9]+\.[0-9]+$' '' --version

unknown="^foxbench: unknown command '%s'; expected one of those that foxbench --help lists(; the nearest is [a-z]+)?\$"
# shellcheck disable=SC2059
for c in frobnicate '' RUN --frob; do
    expect "'$c' is an unknown command" 4 '' "$(printf "$unknown" "$c")" "$c"
done
expect "the nearest command is named" 4 '' 'nearest is verify$' verfy
expect "the nearest option is named" 4 '' "unknown option '--sead=3'; the nearest is --seed" run --sead=3
for c in $built; do
    expect "$c --help goes to stdout" 0 "foxbench $c" '' "$c" --help
    expect "$c refuses an unknown option and names it" 4 '' '--frobnicate' "$c" --frobnicate
done
verdict "nothing was left behind" "$(ls "$work" | grep -vE '^(out|err|listed)$')"

echo "1..$n"
exit $bad
