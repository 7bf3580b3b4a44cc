#!/bin/sh
# The list of runs, made by real ones: what it says is what verify and the directories say. TAP.
set -u
. "$(dirname "$0")/common.sh"
own_root
cat >own/suites/mine/MINE-001.lua <<'END'
local cert <const> = require "cert"
local suite <const> = cert.suite { id = "MINE", title = "The shortest case" }
suite:case {
  id = "MINE-001", title = "a request is accepted", threat = "None.", severity = "low", level = "basic",
  needs = { "serial", "power" }, safety = "S0", covers = { "WP:A7" }, faults = {}, deadline_s = 30,
  run = function(t) t:expect("request", t.dut:send "\xca\xfe"):exists() end,
}
return suite
END
runs() { fox runs "$@"; }

runs
check "no folder: exit 4 and what to do" exits 4
check "it is named" grep -q '^foxbench runs: results: expected a folder with run directories, found nothing' err
mkdir results
runs
check "no runs: exit 5" exits 5
check "it says so" grep -q 'results: no runs; foxbench run makes one' err

"$fox" run MINE-001 >tap 2>run.err
one=$(basename "$(readlink results/latest)")
cp -r "results/$one" results/20000101T000000Z-torn-foxdut
head -c 2000 "results/$one/events.jsonl" >results/20000101T000000Z-torn-foxdut/events.jsonl
mkdir results/20000102T000000Z-empty-foxdut results/notes
: >results/20000102T000000Z-empty-foxdut/run.json
runs
check "three runs and the head: exit 0" exits 0
check "one line each" test "$(wc -l <out)" = 4
check "the finished one with its verdicts" \
    grep -qE "^[0-9-]{10} [0-9:]{8} foxdut +smoke +1 +not granted yet +- +$one 1 pass" out
check "a torn one is unfinished, as verify says" grep -qE '^.* unfinished +- +20000101T000000Z-torn-foxdut' out
"$fox" verify results/20000101T000000Z-torn-foxdut >verified 2>&1
check "(verify)" grep -qE '^(unfinished|altered)' verified
check "an empty one is unreadable" grep -qE 'unreadable +- +20000102T000000Z-empty-foxdut' out
check "the decision is the report's" grep -qi 'not granted yet' "results/$one/report/report.html"

# Made again, out of the directory alone.
(cd "results/$one" && sha256sum report/report.html >before)
rm "results/$one/junit.xml"
fox report "results/$one" --format junit,html
check "report: exit 0" exits 0
check "the same bytes" sh -c "cd 'results/$one' && sha256sum -c --quiet before && rm before"
check "JUnit is there again" xmllint --noout "results/$one/junit.xml"
fox report "results/$one" --format tap
check "the TAP is that of the run" cmp out tap
fox report "results/$one" --format json
check "JSON: decision and cases" perl -MJSON::PP -0777 -e '
    my $r = decode_json(<>);
    exit !($r->{decision} eq "not granted yet" && $r->{cases}[0]{verdict} eq "pass" && $r->{ended})' out
fox report "results/$one" --format htlm
check "an unknown format: exit 4" exits 4
check "and the nearest" grep -q "got 'htlm'; the nearest is html" err
fox report nowhere
check "no run directory: exit 4" exits 4
fox report results/20000102T000000Z-empty-foxdut
check "a hollow one: exit 3" exits 3

runs --json --last 1
check "--json is an array of objects" perl -MJSON::PP -0777 -e '
    my ($run) = @{decode_json(<STDIN>)};
    exit !($run->{state} eq "finished" && $run->{counts}{pass} == 1 && $run->{seed} == 1 && !$run->{signed})' <out
openssl genpkey -algorithm ed25519 -out key 2>why && chmod 600 key
"$fox" sign "results/$one" --key key >why 2>&1
runs --last 1
check "a signed run" grep -qE "signed +$one" out
fox report "results/$one"
check "a signed run is not written to" sh -c 'grep -q "is signed: junit would be written anew" err && grep -qx 4 code'
check "signing and listing leave the run intact" "$fox" verify "results/$one"

echo garbage >results/index.sqlite
runs
check "a damaged index is made again" exits 0
check "with the same runs" test "$(wc -l <out)" = 4
rm -r results/2000*
runs
check "runs that are gone are forgotten" test "$(wc -l <out)" = 2
runs --device nobody
check "no runs of another device: exit 5" exits 5
runs --last x
check "--last takes a number" exits 4

if [ "$(id -u)" -eq 0 ]; then
    chmod 755 "$work" results
    rm results/index.sqlite
    setpriv --reuid=65534 --regid=65534 --clear-groups "$fox" runs results 2>err >out
    echo $? >code
    check "a folder that cannot be written is listed all the same" grep -q "$one" out
    check "and nothing is left in it" test ! -e results/index.sqlite
fi
finish
