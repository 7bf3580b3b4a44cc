#!/usr/bin/env bash
# Deviations that no catalogue lists (foxdut --list-strange): each must make one of the cases fail that it names, with
# the device to blame. Prints one line for each; not a test, since it takes half an hour.
#
# usage: campaign_strange.sh FOXBENCH [PATTERN]   ids that contain PATTERN, by default all
set -euo pipefail
foxbench=$1 pattern=${2:-}
here=$(cd "$(dirname "$0")" && pwd)
devices=${FOXBENCH_ROOT:-$here/../..}/fixtures/devices
scratch=$(mktemp -d "${TMPDIR:-/tmp}/fox-strange.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

# level CASE: the profile that has the case.
level() { [ "$1" = CNT-UL-006 ] && echo substantial || echo basic; }
# of KEY: this line of the case's result.
of() { sed -n "s/^  $1: //p" "$scratch/tap" | tail -n 1; }

# kills ID DEVICE CASE: what the case says, when it fails by the device.
kills() {
    rm -rf "$scratch/results" && mkdir "$scratch/results"
    FOXBENCH_PDF=off "$foxbench" run --device "$devices/$2.lua" --profile "$(level "$3")" --fault "$1" \
        -o "$scratch/results" "$3" >"$scratch/tap" 2>"$scratch/err" || true
    [ "$(of verdict)" = fail ] && [ "$(of blame)" = device ]
}

survivors=0 all=0
while read -r id shows sentence; do
    [[ $id == *"$pattern"* ]] || continue
    device=${shows%%:*} device=${device/#rc1/foxdut} by=
    all=$((all + 1))
    for case in ${shows#*:}; do
        for one in ${case//,/ }; do
            if kills "$id" "$device" "$one"; then by=$one && break; fi
            echo "    $id: $one: $(of verdict) $(of reason)"
            [ -n "$(of verdict)" ] || grep -q '^ok' "$scratch/tap" || tail -n 3 "$scratch/err"
        done
    done
    if [ -n "$by" ]; then
        echo "$id  $by  $(of reason)"
    else
        echo "$id  SURVIVED  $sentence"
        survivors=$((survivors + 1))
    fi
done < <("$(dirname "$foxbench")/foxdut" --list-strange)
echo "$all deviations, $survivors survived"
[ "$survivors" -eq 0 ]
