#!/bin/sh
# The first seeded fault that a case of profile smoke declares makes that case fail, with the device to blame: a check
# that cannot fail proves nothing. All faults and cases are the campaign `foxbench validate` (docs/TESTING.md).
. "$(dirname "$0")/suite_common.sh"

fields='"faults":\[\([^]]*\)\],"for_each":{[^}]*},"id":"\([^"]*\)",.*"profiles":\[\([^]]*\)\]'
"$bin/foxbench" list --json | grep -o '"catalogue_version"[^}]*}[^}]*}[^}]*}' |
    sed "s/.*$fields.*/\2 \1 \3/; s/[\",]/ /g" >"$scratch/all"
check "every case declares its faults" test "$(wc -l <"$scratch/all")" -eq "$("$bin/foxbench" list | wc -l)"
grep -w smoke "$scratch/all" >"$scratch/table"

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
