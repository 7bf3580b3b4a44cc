#!/usr/bin/env bash
# The reference devices over several seeds: nothing may fail, nothing may stay undecided. Prints one line a run.
#
# usage: campaign_seeds.sh FOXBENCH [SEEDS [PROFILE]]   (5 seeds of profile smoke)
set -euo pipefail
foxbench=$1 seeds=${2:-5} profile=${3:-smoke}
devices=$(cd "$(dirname "$0")/../.." && pwd)/fixtures/devices
scratch=$(mktemp -d "${TMPDIR:-/tmp}/fox-seeds.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# last EVENT LEDGER: the last event of this type, one line.
last() { grep "\"type\":\"$1\"" "$2" | tail -n 1; }
count() { sed -n "s/.*\"counts\":{[^}]*\"$1\":\([0-9]*\).*/\1/p" | grep . || echo 0; }

bad=0
printf '%-18s %4s %5s %5s %5s %6s %7s %8s %8s\n' device seed pass na fail undec. other radio_s wall_s
for device in foxdut encrypted; do
    for ((seed = 1; seed <= seeds; seed++)); do
        began=$(date +%s.%N) code=0
        FOXBENCH_PDF=off "$foxbench" run --device "$devices/$device.lua" --profile "$profile" --seed "$seed" \
            -o "$scratch" >/dev/null 2>"$scratch/err" || code=$?
        ended=$(date +%s.%N)
        ledger=$(readlink -f "$scratch/latest")/events.jsonl
        end=$(last run.end "$ledger")
        rate=$(last clock "$ledger" | sed 's/.*"rate_hz":\([0-9.]*\).*/\1/')
        t=$(sed 's/.*"t":\([0-9]*\).*/\1/' <<<"$end")
        all=$(grep -o '"counts":{[^}]*}' <<<"$end" | grep -o '[0-9]*' | awk '{ n += $1 } END { print n }')
        pass=$(count pass <<<"$end") na=$(count na <<<"$end")
        fail=$(count fail <<<"$end") undecided=$(count inconclusive <<<"$end")
        other=$((all - pass - na - fail - undecided))
        printf '%-18s %4d %5d %5d %5d %6d %7d %8.0f %8.0f\n' "$device" "$seed" "$pass" "$na" "$fail" "$undecided" \
            "$other" "$(awk "BEGIN { print $t / $rate }")" "$(awk "BEGIN { print $ended - $began }")"
        if [ "$code" -ne 0 ] || [ "$pass" -eq 0 ] || [ $((fail + undecided + other)) -ne 0 ]; then
            bad=$((bad + 1))
            grep -E '^not ok|verdict:|reason:' "$(dirname "$ledger")/run.tap" | sed 's/^/    /'
            tail -n 5 "$scratch/err" | sed 's/^/    /'
        fi
        rm -rf "$(dirname "$ledger")"
    done
done
[ "$bad" -eq 0 ] || { echo "$bad runs were not clean"; exit 1; }
