#!/bin/sh
# The first seeded fault that a case declares makes that case fail, with the device to blame: a check that cannot fail
# proves nothing. All of them are the campaign `foxbench validate` (docs/TESTING.md).
. "$(dirname "$0")/suite_common.sh"

"$bin/foxbench" list --json | grep -o '"faults":\[[^]]*\],"for_each":{[^}]*},"id":"[^"]*"' |
    sed 's/"faults":\[\(.*\)\],"for_each".*"id":"\(.*\)"/\2 \1/; s/[",]/ /g' >"$scratch/table"
check "every case declares its faults" test "$(wc -l <"$scratch/table")" -eq "$("$bin/foxbench" list | wc -l)"

fails_by_device() {
    exits 1 && grep -A2 "^not ok [0-9]* - $1[ /]" "$scratch/out" | grep -q 'verdict: fail' &&
        grep -A3 "^not ok [0-9]* - $1[ /]" "$scratch/out" | grep -q 'blame: device'
}

while read -r id faults; do
    for fault in ${faults%% *}; do
        case $id/$fault in
        ENC-* | */MUT-ENC-*) device=encrypted ;;
            *) device=foxdut ;;
        esac
        bench --device "$root/fixtures/devices/$device.lua" --fault "$fault" "$id"
        check "$id fails with $fault" fails_by_device "$id"
    done
done <"$scratch/table"
finish
