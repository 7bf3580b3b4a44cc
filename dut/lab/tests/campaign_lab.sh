#!/usr/bin/env bash
# Runs under --chaos: each must end by itself, with an intact record and no verdict against the device that the
# faults of the bench brought about. One line a run, then a sum.
#
# usage: campaign_lab.sh FOXBENCH [COUNT [FIRST_SEED [SELECT...]]]   (50 runs from seed 1)
# CHAOS: the specification. LIMIT_S: wall seconds after which a run counts as hung.
set -euo pipefail
foxbench=$1 count=${2:-50} first=${3:-1}
shift $(($# < 3 ? $# : 3))
select=("$@")
[ "${#select[@]}" -gt 0 ] || select=(AUTH-UL-001 AUTH-UL-004)
chaos=${CHAOS:-all,rate=2/min,window=0s-300s}
limit_s=${LIMIT_S:-300}
scratch=$(mktemp -d "${TMPDIR:-/tmp}/fox-chaos.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

declare -A sum=([runs]=0 [hung]=0 [altered]=0 [fail]=0 [pass]=0 [inconclusive]=0 [error]=0 [notrun]=0 [faults]=0)
printf '%6s %5s %7s %6s  %s\n' seed exit faults wall_s verdicts
for ((seed = first; seed < first + count; seed++)); do
    began=$(date +%s) code=0
    FOXBENCH_PDF=off timeout -k 10 "$limit_s" "$foxbench" run "${select[@]}" --seed "$seed" --chaos "$chaos" \
        -o "$scratch" >"$scratch/tap" 2>"$scratch/err" </dev/null || code=$?
    wall=$(($(date +%s) - began))
    run=$(readlink -f "$scratch/latest")
    verdicts='' faults=$(grep -c '"type":"chaos"' "$run/events.jsonl" || true)
    if [ "$code" -eq 124 ] || [ "$code" -eq 137 ]; then
        sum[hung]=$((sum[hung] + 1)) verdicts=hung
    elif ! "$foxbench" verify "$run" >"$scratch/verify" 2>&1; then
        sum[altered]=$((sum[altered] + 1)) verdicts="$(head -n 1 "$scratch/verify")"
    fi
    for word in pass fail inconclusive error notrun; do
        n=$(grep '"type":"run.end"' "$run/events.jsonl" | tail -n 1 |
            sed -n "s/.*\"counts\":{[^}]*\"$word\":\([0-9]*\).*/\1/p")
        [ "${n:-0}" -eq 0 ] || verdicts+=" $n $word"
        sum[$word]=$((sum[$word] + ${n:-0}))
    done
    sum[runs]=$((sum[runs] + 1)) sum[faults]=$((sum[faults] + faults))
    printf '%6d %5d %7d %6d %s\n' "$seed" "$code" "$faults" "$wall" "$verdicts"
    case " $verdicts" in
    *fail* | *hung* | *altered* | *' forged'*)
        grep -E '^not ok|reason:' "$scratch/tap" | sed 's/^/    /'
        tail -n 3 "$scratch/err" | sed 's/^/    /'
        ;;
    esac
    rm -rf "$run" "$scratch/latest"
done
echo "${sum[runs]} runs, ${sum[faults]} faults injected or ended: ${sum[hung]} hung," \
    "${sum[altered]} records not intact; cases: ${sum[pass]} pass, ${sum[fail]} fail," \
    "${sum[inconclusive]} inconclusive, ${sum[error]} error, ${sum[notrun]} not run"
[ $((sum[hung] + sum[altered] + sum[fail])) -eq 0 ]
