#!/bin/sh
# foxbench report --format oscal,sarif,intoto --key, and --lint, of runs with every verdict, made by a worker that makes
# them up. check_exports.py and openssl judge. TAP.
set -u
. "$FOX_SOURCE_DIR/bench/tests/common.sh"
FOXBENCH_PDF=off
export FOXBENCH_PDF
runs() { # WORD…
    FOXBENCH_WORKER=$FOX_BIN_DIR/../tests/fake_worker FOXBENCH_LAB=$FOX_SOURCE_DIR/bench/record/tests/fake_lab.sh \
        "$fox" run "$@" -o results >out 2>err
}
openssl genpkey -algorithm ed25519 -out signer.key && chmod 600 signer.key &&
    openssl pkey -in signer.key -pubout -out signer.pub
says() { # EXIT PATTERN ARGUMENT…
    code=$1 pattern=$2
    shift 2
    "$fox" "$@" >out 2>err </dev/null
    got=$?
    cat out err >both
    [ $got -eq "$code" ] && grep -qE -- "$pattern" both || echo "exit $got: $(cat both)"
}

FAKE_TITLE='a "title" # TO''DO \ with
not ok 7 - things' runs PASS FAIL WARN INFO OPEN EMPTY NA ONCE CRASH SUITE AXES
run=$(readlink -f results/latest)
verdict "all three are made, and the attestation is signed" \
    "$(says 0 'report/attestation.dsse.json' report "$run" --format oscal,sarif,intoto --key signer.key)"
verdict "strangers accept them, and read what the ledger says" \
    "$("$FOX_SOURCE_DIR/reports/tests/check_exports.py" --key signer.pub "$run" 2>&1 | grep -v 'told as they are')"
sed -n '/statement$/,/^```$/{/^```/d;p}' "$FOX_SOURCE_DIR/docs/REPORTS.md" >recipe.sh
cp -a "$run" copy && cp signer.pub copy/
verdict "so does the recipe of docs/REPORTS.md" \
    "$(cd copy && sh ../recipe.sh 2>&1 | grep -vx 'Signature Verified Successfully')"
sed -i 's/"payload":"./"payload":"f/' copy/report/attestation.dsse.json
verdict "which refuses another payload" "$(cd copy && sh ../recipe.sh 2>&1 | grep -x 'Signature Verified Successfully')"
verdict "the run still verifies" "$(says 0 'intact' verify "$run")"
verdict "--lint names parts that were replaced, and how to go on" \
    "$(says 6 "bench's own parts.* -> run without" report "$run" --lint)"
verdict "--lint writes nothing by itself" \
    "$(rm -r "$run/report"; says 6 'lacks' report "$run" --lint; ls "$run/report" 2>/dev/null)"
verdict "a key without the attestation is refused" \
    "$(says 4 '--key signs the attestation' report "$run" --format sarif --key signer.key)"
verdict "without a key there is no envelope" \
    "$(says 0 'is not signed; --key' report "$run" --format intoto; ls "$run"/report/*dsse* 2>/dev/null)"
cp -p signer.key "$run/signer.key"
verdict "a key inside the run is refused" \
    "$(says 4 'outside the run' report "$run" --format intoto --key "$run/signer.key")"
rm "$run/signer.key"
verdict "an unknown format is named" "$(says 4 "got 'oscar'; the nearest is oscal" report "$run" --format html,oscar)"

# a fail that somebody turned into a pass in the ledger
cp -a "$run" altered
sed -i 's/"verdict":"fail"/"verdict":"pass"/g' altered/events.jsonl
rm -f altered/report/*
for format in oscal sarif intoto; do
    verdict "nobody vouches for an altered run: $format" \
        "$(says 7 'events.jsonl line.*nothing was written' report altered --format $format; ls altered/report)"
done
"$fox" sign "$run" --key signer.key >out 2>err
verdict "a signed run is not written to" \
    "$(says 4 'is signed: sarif would be written anew' report "$run" --format sarif)"
verdict "but can be asked what it lacks" "$(says 6 'lacks' report "$run" --lint; grep 'a signature' out)"

runs PASS PASS
"$fox" report results/latest --format intoto,oscal,sarif --key signer.key >out 2>err
verdict "a run made by other programs is no attestation of a pass" \
    "$(cd results/latest/report && { grep -q '"result": "FAILED"' attestation.json || cat attestation.json; })"
finish
