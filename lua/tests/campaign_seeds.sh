#!/usr/bin/env bash
# The reference devices over several seeds, both at a time: nothing may fail, nothing may stay undecided. Prints one
# line a run.
#
# usage: [DEVICES="foxdut encrypted"] campaign_seeds.sh FOXBENCH [SEEDS [PROFILE [SELECT…]]]
#        (SEEDS: 5 for 1 to 5, or 6-20; without them 5 seeds of profile smoke, every case)
set -euo pipefail
foxbench=$1 seeds=${2:-5} profile=${3:-smoke}
first=${seeds%-*} last=${seeds#*-}
[[ $seeds == *-* ]] || first=1
read -ra tried <<<"${DEVICES:-foxdut encrypted}"
shift $(($# > 3 ? 3 : $#))
devices=$(cd "$(dirname "$0")/../.." && pwd)/fixtures/devices
scratch=$(mktemp -d "${TMPDIR:-/tmp}/fox-seeds.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# last EVENT LEDGER: the last event of this type, one line.
last() { grep "\"type\":\"$1\"" "$2" | tail -n 1; }
count() { sed -n "s/.*\"counts\":{[^}]*\"$1\":\([0-9]*\).*/\1/p" | grep . || echo 0; }

# seed DEVICE SEED SELECT…: one run, one line, and a file when it was clean.
seed() {
    local device=$1 seed=$2 began code=0 ended ledger end rate t all pass na fail undecided other
    shift 2
    began=$(date +%s.%N)
    FOXBENCH_PDF=off "$foxbench" run --device "$devices/$device.lua" --profile "$profile" --seed "$seed" \
        -o "$scratch/$device" "$@" >/dev/null 2>"$scratch/$device.err" || code=$?
    ended=$(date +%s.%N)
    if [ ! -e "$scratch/$device/latest" ]; then
        printf '%-18s %4d exit %d and no record\n' "$device" "$seed" "$code"
        sed 's/^/    /' "$scratch/$device.err"
        return
    fi
    ledger=$(readlink -f "$scratch/$device/latest")/events.jsonl
    end=$(last run.end "$ledger")
    rate=$(last clock "$ledger" | sed 's/.*"rate_hz":\([0-9.]*\).*/\1/')
    t=$(sed 's/.*"t":\([0-9]*\).*/\1/' <<<"$end")
    all=$(grep -o '"counts":{[^}]*}' <<<"$end" | grep -o '[0-9]*' | awk '{ n += $1 } END { print n }')
    pass=$(count pass <<<"$end") na=$(count na <<<"$end")
    fail=$(count fail <<<"$end") undecided=$(count inconclusive <<<"$end")
    other=$((all - pass - na - fail - undecided))
    printf '%-18s %4d %5d %5d %5d %6d %7d %8.0f %8.0f\n' "$device" "$seed" "$pass" "$na" "$fail" "$undecided" \
        "$other" "$(awk "BEGIN { print $t / $rate }")" "$(awk "BEGIN { print $ended - $began }")"
    if [ "$code" -eq 0 ] && [ "$pass" -gt 0 ] && [ $((fail + undecided + other)) -eq 0 ]; then
        touch "$scratch/$device.clean.$seed"
    else
        grep -E '^not ok|verdict:|reason:' "$(dirname "$ledger")/run.tap" | sed 's/^/    /'
        tail -n 5 "$scratch/$device.err" | sed 's/^/    /'
    fi
    rm -rf "$(dirname "$ledger")"
}

printf '%-18s %4s %5s %5s %5s %6s %7s %8s %8s\n' device seed pass na fail undec. other radio_s wall_s
for device in "${tried[@]}"; do
    for ((n = first; n <= last; n++)); do seed "$device" "$n" "$@"; done &
done
wait
clean=$(find "$scratch" -name '*.clean.*' | wc -l)
all=$((${#tried[@]} * (last - first + 1)))
[ "$clean" -eq "$all" ] || { echo "only $clean of $all runs were clean"; exit 1; }
