#!/bin/sh
# A device whose key lies in a token: the same verdicts as with a key file, and no trace of key or pin in what a run
# leaves behind. What has to search for the key says that it cannot. SoftHSM2 is the token; a module that fails on
# demand (argument: its folder) is the one that leaves.
. "$(dirname "$0")/suite_common.sh"
key=$(cat "$root/fixtures/keys/foxdut.key") pin=pin-5d1c9f
unset FAKE_TOKEN
module=
for place in /usr/lib/softhsm /usr/lib/*/softhsm; do
    [ -f "$place/libsofthsm2.so" ] && module=$place/libsofthsm2.so
done
[ -n "$module" ] || { echo "SoftHSM2 is missing; install the package softhsm2 (bench/packages)"; exit 1; }

hex_to_raw() { perl -ne 'print pack("H*", $1) if /([0-9a-fA-F]+)/'; }
mkdir "$scratch/tokens"
echo "directories.tokendir = $scratch/tokens" >"$scratch/softhsm2.conf"
export SOFTHSM2_CONF="$scratch/softhsm2.conf"
echo "$key" | hex_to_raw >"$scratch/raw"
echo "$pin" >"$scratch/pin"
{
    softhsm2-util --init-token --free --label 'lab token' --so-pin 87654321 --pin "$pin" &&
        softhsm2-util --import "$scratch/raw" --aes --token 'lab token' --label nak --id 01 --pin "$pin"
} >"$scratch/out" 2>&1 || { cat "$scratch/out"; exit 1; }

device() { # REFERENCE: the reference device with its key there
    quoted=$(printf '%s' "$1" | sed 's/[&|]/\\&/g')
    sed "s|^  key = \"[^\"]*\"|  key = \"$quoted\"|; s|file:../keys|file:$root/fixtures/keys|" \
        "$root/fixtures/devices/foxdut.lua" >"$scratch/device.lua"
}
run() { bench --device "$scratch/device.lua" "$@"; }
verdict_of() { # VERDICT BLAME
    grep -A2 '^not ok' "$scratch/out" | grep -q "verdict: $1" && grep -A3 '^not ok' "$scratch/out" | grep -q "blame: $2"
}
refuses() { # NAME TEXT
    check "$1: exit 4" exits 4
    check "$1: the device file is named" says "$scratch/device.lua: key: "
    check "$1: says so" says "$2"
}
on_air() { # RUN: what was judged and sent, without the ledger's own fields
    grep -E '"type":"(uplink|downlink)"' "$1/events.jsonl" | sed 's/"prev":"[^"]*",//; s/"seq":[0-9]*,//'
}
absent() { [ -d "$in_token" ] && ! grep -rqiF -- "$1" "$scratch/results/"; }
absent_raw() { ! perl -0777 -e '
    open F, "<:raw", shift; $key = <F>; $found = 0;
    for (split /\n/, `find "$ARGV[0]" -type f`) { open G, "<:raw", $_; $found ||= index(<G>, $key) >= 0 }
    exit !$found' "$scratch/raw" "$scratch/results"; }

reference="pkcs11:token=lab%20token;object=nak?module-path=$module&pin-source=file:pin"
device "$reference"
run AUTH-UL-001 AUTH-DL-001
check "both directions pass with the key in a token" exits 0
in_token=$(readlink -f "$scratch/results/latest")
check "the token is an instrument of the run" \
    grep -q '"kind":"token","model":"SoftHSM v2".*"label":"lab token"' "$in_token/events.jsonl"
check_value=$(printf 'foxbench key chk' | openssl enc -aes-128-ecb -nopad -K "$key" | sha256sum | cut -c1-16)
check "its fingerprint is the key's" grep -q "\"fingerprint\":\"$check_value\"" "$in_token/events.jsonl"
check "the run verifies" "$bin/foxbench" verify "$in_token"

run --fault MUT-AUTH-001 AUTH-UL-001
check "a wrong tag is found with the key in a token" exits 1
check "a wrong tag is the device's failure" verdict_of fail device

for hidden in "$key" "$(echo "$key" | sed 's/../& /g')" "$(base64 <"$scratch/raw")" "$pin" 'pin-source' "$module"; do
    check "nothing of key, pin or their places is in the runs" absent "$hidden"
done
check "nor are the bytes of the key" absent_raw
check "the search finds what is there" sh -c "grep -rqF 'token=lab%20token;object=nak' '$scratch/results/'"

for case in KEY-MEM-001 KEY-SER-001; do
    run "$case"
    check "$case: an error of the configuration" verdict_of error config
    check "$case: what to do" says 'the key lies in a token and cannot be searched for; give a file: reference in a lab'
    check "$case: exit 3" exits 3
done

device "file:$root/fixtures/keys/foxdut.key"
run AUTH-UL-001 AUTH-DL-001
on_air "$in_token" >"$scratch/a"
on_air "$scratch/results/latest" >"$scratch/b"
check "frames were compared" test -s "$scratch/a"
check "a key file gives the same frames and verdicts" cmp "$scratch/a" "$scratch/b"

# ---- what is wrong is named, before any device is touched

rm -rf "$scratch/results"
device "pkcs11:token=drawer;object=nak?module-path=$module&pin-source=file:pin"
run AUTH-UL-001
refuses "no such token" "token 'drawer' is not there; .* has: 'lab token' (serial "
device "pkcs11:token=lab%20token;object=other?module-path=$module&pin-source=file:pin"
run AUTH-UL-001
refuses "no such object" "token 'lab token' has no object 'other'"
device "pkcs11:token=lab%20token;object=nak?module-path=$module"
run AUTH-UL-001
refuses "no pin" 'wants a pin, and the reference names none'
device "pkcs11:token=lab%20token;object=nak?module-path=$module&pin-value=$pin"
run AUTH-UL-001
refuses "a pin in the reference" 'a pin never stands in a reference'
check "the pin is not shown" sh -c "! grep -qF '$pin' '$scratch/out' '$scratch/err'"
echo wrong-pin >"$scratch/wrong"
device "pkcs11:token=lab%20token;object=nak?module-path=$module&pin-source=file:wrong"
run AUTH-UL-001
refuses "a wrong pin" "token 'lab token' refuses the pin of wrong (CKR_PIN_INCORRECT)"
check "the wrong pin is not shown" sh -c "! grep -qF wrong-pin '$scratch/out' '$scratch/err'"
device "pkcs11:token=t;object=nak?module-path=/nowhere.so"
run AUTH-UL-001
refuses "no module" 'module /nowhere.so cannot be loaded'
check "no run directory" test ! -e "$scratch/results"

# ---- a token that leaves in mid-run is the bench's fault

export FAKE_TOKEN="key=$key Encrypt=0x32@6"
device "pkcs11:token=fake;object=nak?module-path=$1/fake_token.so"
run AUTH-UL-001
check "a token that leaves: exit 3" exits 3
check "a token that leaves: an error of the bench" verdict_of error bench
check "a token that leaves: the text names it" says "token 'fake' is gone: C_Encrypt gave CKR_DEVICE_REMOVED"
check "a token that leaves: no frame has a bad tag" sh -c "! grep -q bad_tag '$scratch/results/latest/events.jsonl'"
check "a token that leaves: the run verifies" "$bin/foxbench" verify "$scratch/results/latest"
finish
