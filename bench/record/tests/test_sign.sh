#!/bin/sh
# Signing from the command line, and checking by two strangers to it: foxbench verify, and the recipe of
# docs/EVIDENCE.md, which needs openssl and sha256sum alone. TAP.
set -u
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
foxbench=$FOX_BIN_DIR/foxbench
run=$work/results/latest
n=0
bad=0

check() { # TITLE; the last command's success decides
    code=$?
    n=$((n + 1))
    if [ $code -eq 0 ]; then
        echo "ok $n - $1"
    else
        echo "not ok $n - $1"
        sed 's/^/#   /' "$work/out" "$work/err" | head -n 10
        bad=1
    fi
}

# says EXIT PATTERN ARGUMENT…: foxbench's exit code, and what it says on either stream.
says() {
    code=$1 pattern=$2
    shift 2
    "$foxbench" "$@" >"$work/out" 2>"$work/err" </dev/null
    got=$?
    [ $got -eq "$code" ] || echo "exit code $got, expected $code" >>"$work/err"
    [ $got -eq "$code" ] && cat "$work/out" "$work/err" | grep -qE -- "$pattern"
}

# The recipe as the page has it: its first block of sh.
recipe() {
    (cd "$run" && key=$1 sh "$work/recipe.sh") >"$work/out" 2>"$work/err"
}
sed -n '/^### Signatures/,/^### /{/^```sh$/,/^```$/{/^```/d;p}}' "$FOX_SOURCE_DIR/docs/EVIDENCE.md" >"$work/recipe.sh"
[ "$(grep -c openssl "$work/recipe.sh")" -eq 2 ] && grep -q sha256sum "$work/recipe.sh"
check "the page has its recipe"

for k in signer other; do
    openssl genpkey -algorithm ed25519 -out "$work/$k.key" && chmod 600 "$work/$k.key" &&
        openssl pkey -in "$work/$k.key" -pubout -out "$work/$k.pub" || exit 1
done
FOXBENCH_WORKER=$FOX_BIN_DIR/../tests/fake_worker FOXBENCH_LAB=$FOX_SOURCE_DIR/bench/record/tests/fake_lab.sh \
    "$foxbench" run PASS FAIL NA -o "$work/results" >"$work/out" 2>"$work/err"
[ $? -eq 1 ]
check "there is a run with a pass and a fail"

# ---- what is not signed
says 4 'expected --key .*openssl genpkey' sign "$run"
check "no key: says how to make one"
says 4 'expected a run directory' sign --key "$work/signer.key"
check "no run is refused"
says 4 'none.key: .*openssl genpkey -algorithm ed25519' sign "$run" --key "$work/none.key"
check "a key that is not there: says how to make one"
says 4 'expected an Ed25519 private key' sign "$run" --key "$work/signer.pub"
check "a public key does not sign"
for mode in 640 604 660 644 777; do
    chmod $mode "$work/signer.key"
    says 4 "mode $mode.*chmod 600" sign "$run" --key "$work/signer.key"
    check "a key of mode $mode is refused"
done
chmod 600 "$work/signer.key"
cp -p "$work/signer.key" "$run/signer.key"
says 4 'outside the run' sign "$run" --key "$run/signer.key"
check "a key inside the run is refused"
rm "$run/signer.key"
says 4 'expected a run directory' sign "$work" --key "$work/signer.key"
check "something that is no run is refused"
says 7 'not signed: expected a signature' verify "$run" --key "$work/signer.pub"
check "verify with a key demands a signature"
says 0 '^intact: .*; not signed$' verify "$run"
check "verify without one says that there is none"

cp -a "$(realpath "$run")" "$work/cut"
truncate -s -9 "$work/cut/wall.jsonl"
says 6 'unfinished.*not signed' sign "$work/cut" --key "$work/signer.key"
check "an unfinished run is not signed"
cp -a "$(realpath "$run")" "$work/changed"
echo >>"$work/changed/run.tap"
says 7 'run.tap.*not signed' sign "$work/changed" --key "$work/signer.key"
check "an altered run is not signed"
! ls "$work"/*/root.* "$run"/root.* >"$work/out" 2>&1
check "nothing of a signature was left anywhere"

# ---- what is
before=$(cd "$run" && find . -type f -exec sha256sum {} + | sort)
says 0 '^signed: [0-9]+ files, 20..-.*Z, by key [0-9a-f]{64}$' sign --key "$work/signer.key" "$run"
check "a finished run is signed"
fingerprint=$(openssl pkey -pubin -in "$work/signer.pub" -outform DER | sha256sum | cut -d' ' -f1)
grep -q "$fingerprint" "$work/out"
check "the signer is named as sha256sum names the key"
[ "$before" = "$(cd "$run" && find . -type f ! -name 'root.*' -exec sha256sum {} + | sort)" ]
check "no other file was touched"
! grep -rqF "$(sed -n 2p "$work/signer.key")" "$run/"
check "the key did not enter the run"
says 4 'signed already' sign "$run" --key "$work/other.key"
check "a signature is not overwritten"
says 0 "^intact: .*; signed .* by key $fingerprint, [0-9]+ files\$" verify "$run" --key "$work/signer.pub"
check "verify accepts it"
says 0 'The run itself names this key' verify "$run"
check "verify without the key says what that is worth"
recipe "$work/signer.pub"
check "the recipe accepts it"
says 7 '^altered: root.sig: expected the signature of key' verify "$run" --key "$work/other.pub"
check "verify with another key refuses"
! recipe "$work/other.pub"
check "the recipe with another key refuses"
"$FOX_SOURCE_DIR/bench/record/tests/check_schemas.py" "$run" >"$work/out" 2>"$work/err"
check "root.json follows its schema"

# ---- what is changed afterwards
unnamed=0
strangers=0
files=0
for file in $(cd "$run" && find . -type f | sed 's/^\.\///' | sort); do
    files=$((files + 1))
    cp "$run/$file" "$work/kept"
    # the last byte but one changes, whatever it is
    size=$(wc -c <"$run/$file")
    byte=$(tail -c 2 "$run/$file" | head -c 1 | od -An -tu1)
    printf "\\$(printf %03o $((byte ^ 1)))" | dd of="$run/$file" bs=1 seek=$((size - 2)) conv=notrunc 2>"$work/err"
    cmp -s "$run/$file" "$work/kept" && echo "$file was not changed"
    says 7 "^altered: $file: " verify "$run" --key "$work/signer.pub" || { unnamed=1 && echo "# $file is not named"; }
    # of root.sig the recipe reads the signature alone
    [ "$file" = root.sig ] || ! recipe "$work/signer.pub" || { strangers=1 && echo "# $file: the recipe accepts it"; }
    cp "$work/kept" "$run/$file"
done
[ $unnamed -eq 0 ] && [ $files -gt 12 ]
check "verify names each of $files files when it is altered"
[ $strangers -eq 0 ]
check "so does the recipe, of all but root.sig"
rm "$run/root.sig"
says 7 '^altered: root.sig: the file is missing' verify "$run"
check "a signature that was taken away is missed"
rm "$run/root.json"
says 0 'not signed$' verify "$run" && says 7 'not signed' verify "$run" --key "$work/signer.pub"
check "taken away as a whole it is missed by those who have the key"
says 0 '^signed' sign "$run" --key "$work/signer.key" && echo late >"$run/report/late.txt" &&
    says 0 '^not signed: report/late.txt' verify "$run" --key "$work/signer.pub" && recipe "$work/signer.pub"
check "a file made later is listed and does no harm"

# ---- what was signed by other means: openssl and sed, no foxbench
forged=$work/forged
cp -a "$(realpath "$run")" "$forged"
echo "# one line more" >>"$forged/run.tap"
digest=$(sha256sum <"$forged/run.tap" | cut -d' ' -f1)
size=$(wc -c <"$forged/run.tap")
other=$(openssl pkey -pubin -in "$work/other.pub" -outform DER | openssl base64 -A)
sed -i 's/"path":"run.tap","sha256":"[^"]*","size":[0-9]*/"path":"run.tap","sha256":"'"$digest"'","size":'"$size"'/
    s|"public_key":"[^"]*"|"public_key":"'"$other"'"|' "$forged/root.json"
{ printf 'DSSEv1 34 application/vnd.foxbench.root+json %d ' "$(wc -c <"$forged/root.json")"
    cat "$forged/root.json"; } >"$work/pae"
openssl pkeyutl -sign -inkey "$work/other.key" -rawin -in "$work/pae" -out "$work/sig"
form='{"payload":"%s","payloadType":"application/vnd.foxbench.root+json","signatures":[{"keyid":"%s","sig":"%s"}]}\n'
# shellcheck disable=SC2059
printf "$form" "$(openssl base64 -A <"$forged/root.json")" \
    "$(openssl pkey -pubin -in "$work/other.pub" -outform DER | sha256sum | cut -d' ' -f1)" \
    "$(openssl base64 -A <"$work/sig")" >"$forged/root.sig"
says 7 '^altered: run.tap: expected ' verify "$forged" --key "$work/other.pub" &&
    grep -q 'the signature fits' "$work/out"
check "openssl signs as well, but the ledger does not follow a forger"
says 7 '^altered: root.sig: expected the signature of key' verify "$forged" --key "$work/signer.pub"
check "and it is not the signer's"

echo "1..$n"
exit $bad
