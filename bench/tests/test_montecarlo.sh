#!/bin/sh
# foxbench montecarlo as a user meets it: tables, JSON, one result for any number of threads, what it says of bad input.
# TAP.
set -u
foxbench=${FOX_BIN_DIR:?set FOX_BIN_DIR to the folder of foxbench}/foxbench
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
n=0
bad=0

verdict() {
    n=$((n + 1))
    if [ "$2" -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        head -n 5 "$work/err" | sed 's/^/#   /'
        bad=1
    fi
}

mc() {
    "$foxbench" montecarlo "$@" >"$work/out" 2>"$work/err" </dev/null
}

# refuses TITLE PATTERN ARGUMENT…
refuses() {
    title=$1 pattern=$2
    shift 2
    mc "$@"
    [ $? -eq 4 ] && [ ! -s "$work/out" ] && [ "$(wc -l <"$work/err")" -eq 1 ] && grep -qE -- "$pattern" "$work/err"
    verdict "$title" $?
}

mc --trials 100 && [ "$(grep -c '  50 % at' "$work/out")" -eq 8 ] && [ ! -s "$work/err" ]
verdict "every jammer has a table with its 50 % point" $?
cp "$work/out" "$work/one"
mc --trials 100 --threads 3 && cmp -s "$work/out" "$work/one"
verdict "three threads print what one does" $?
mc --trials 100 --seed 2 && ! cmp -s "$work/out" "$work/one"
verdict "another seed prints something else" $?

mc cw --trials=200 --js-db=-3:0:1 && [ "$(grep -cE '^ +[-+][0-9.]+ ' "$work/out")" -eq 4 ]
verdict "an option's value may follow a =" $?
mc bpsk --json --trials 200 --js-db -3:0:1 --receivers 2 --confidence 0.9 &&
    python3 - "$work/out" <<'P'
import json, sys
top = json.load(open(sys.argv[1]))
assert top["confidence"] == 0.9
(jammer,) = top["jammers"]
assert jammer["jammer"] == "bpsk" and jammer["trials"] == 200 and jammer["seed"] == 1
ways = [(c["way"], c["receivers"]) for c in jammer["curves"]]
assert ways == [(w, r) for r in (1, 2) for w in ("frame", "ranks", "combined")], ways
for curve in jammer["curves"]:
    assert [p["js_db"] for p in curve["points"]] == [-3, -2, -1, 0]
    loss = [p["loss"] for p in curve["points"]]
    assert loss == sorted(loss)
    for p in curve["points"]:
        assert p["low"] <= p["loss"] == p["lost"] / 200 <= p["high"]
    assert [x["loss"] for x in curve["crossings"]] == [0.1, 0.5, 0.9]
assert jammer["curves"][0]["crossings"][1]["js_db"] < 0
P
verdict "--json holds every point with its interval, and the crossings" $?
mc cw --ranks 1 --trials 50 --js-db -9:-8:1 && ! grep -q combined "$work/out" && grep -q 'not reached' "$work/out"
verdict "one rank is not combined; a curve that ends before says so" $?

refuses "an unknown jammer is named, with those there are" "expected a jammer .*reactive.*'laser'" laser
refuses "an unknown option is named" "unknown option '--js'" cw --js 3
refuses "a value is missing" "--trials: expected a value behind it" cw --trials
refuses "a number is none" "--ebn0-db: expected a number, got '2O'" cw --ebn0-db 2O
refuses "NaN is no number" "--late-s: expected a number, got 'nan'" reactive --late-s nan
refuses "levels are three numbers" "--js-db: expected FROM:TO:STEP in dB" cw --js-db 3:4
refuses "levels rise" "--js-db: expected FROM up to TO" cw --js-db 3:1:1
refuses "levels are not too many" "at most 64 levels" cw --js-db 0:100:1
refuses "ranks are 1 or 3" "ranks: expected 1 or 3" cw --ranks 2
refuses "jammed ranks are a list" "--jam-ranks: expected some of 1, 2 and 3" cw --jam-ranks 4
refuses "a class is a letter" "--class: expected A to E, got 'F'" cw --class F
refuses "no trials are none" "expected 1 or more" cw --trials 0
refuses "too many threads" "--threads: expected a whole number up to 64, got '65'" cw --threads 65
refuses "a pulse is shorter than its period" "pulse: on: expected at most the period" pulse --on-s 1
refuses "a confidence is below 1" "--confidence: expected a part between 0 and 1" cw --confidence 1
refuses "a bit rate that no device has" "bit rate: expected 100 or 600" cw --bit-rate 300

"$foxbench" montecarlo cw --trials 10 >/dev/full 2>"$work/err"
[ $? -eq 3 ] && grep -q "standard output failed" "$work/err"
verdict "a full disk is an error" $?

echo "1..$n"
exit $bad
