#!/bin/sh
# foxbench decode at the command line: what it prints, and how it answers damaged recordings.
# usage: decode_test.sh FOXBENCH FIXTURES
set -u
foxbench=$1
iq=$2/iq
work=$(mktemp -d) || exit 3
trap 'rm -rf "$work"' EXIT
failed=0

fail() {
    echo "not ok: $*"
    failed=1
}

# expect EXIT STDOUT-PATTERN STDERR-PATTERN ARGUMENTS…: patterns are basic regular expressions, '' for nothing at all
expect() {
    want=$1 out=$2 err=$3
    shift 3
    "$foxbench" decode "$@" >"$work/out" 2>"$work/err"
    got=$?
    [ $got -eq "$want" ] || fail "decode $*: exit $got, expected $want: $(cat "$work/err")"
    for stream in out err; do
        eval "pattern=\$$stream"
        if [ -z "$pattern" ]; then
            [ -s "$work/$stream" ] && fail "decode $*: expected nothing on std$stream, found: $(cat "$work/$stream")"
        else
            grep -q -e "$pattern" "$work/$stream" ||
                fail "decode $*: expected '$pattern' on std$stream, found: $(cat "$work/$stream")"
        fi
    done
    if [ "$want" -ne 0 ] && [ "$(wc -l <"$work/err")" -ne 1 ]; then
        fail "decode $*: expected one line, found: $(cat "$work/err")"
    fi
}

# copy NAME [SED-SCRIPT]: a recording to damage
copy() {
    cp "$iq/cal_clean.sigmf-data" "$work/$1.sigmf-data"
    sed -e "${2:-}" "$iq/cal_clean.sigmf-meta" >"$work/$1.sigmf-meta"
    chmod u+w "$work/$1".*
}

# good recordings
packet=4bd0fc39b4f90f69a4ab57f985f892665552
expect 0 "class D rank 1  $packet  CRC ok" '1 frame$' "$iq/cal_clean.sigmf-meta"
expect 0 "\"packet_hex\":\"$packet\",\"rank\":1" '' --json "$iq/cal_clean.sigmf-meta"
expect 0 '"how":"plain"' '' --plain --json "$iq/cal_clean.sigmf-meta"
for key in t_s f_hz f_mid_hz drift_hz_s bit_rate ebn0_db rank class packet_hex crc_ok how measured; do
    grep -q "\"$key\":" "$work/out" || fail "decode --json: expected the key $key in $(cat "$work/out")"
done
expect 0 '' '' --json "$iq/none_noise.sigmf-meta"
expect 0 '' '' --json --all "$iq/none_noise.sigmf-meta"
expect 0 '"measured":{.*"f_mid_hz":{"u":[0-9.e-]*,"unit":"Hz","value":-4320[.]99' '' --json "$iq/cal_clean.sigmf-meta"
expect 0 '"power_dbm":{"unit":"dBm","void":"no calibration' '' --json "$iq/cal_clean.sigmf-meta"
copy fraction 's/48000.000/48000.125/'
expect 0 "$packet" '' --json "$work/fraction.sigmf-meta"

# a sample at full scale inside the burst, and a second packet on its image: flagged, and told
copy full
printf '\377\007\377\007' | dd of="$work/full.sigmf-data" bs=4 seek=50000 conv=notrunc 2>/dev/null
expect 0 "$packet  CRC ok   plain  clipped" '1 of 1 frames lie among samples at full scale' "$work/full.sigmf-meta"
expect 0 '"clipped":true' 'record with less gain' --json "$work/full.sigmf-meta"
expect 0 '"clipped":false,"copies":0' '' --json "$iq/cal_clean.sigmf-meta"
expect 0 '"copies":1' '' --json "$iq/imp_iq.sigmf-meta"

# damaged ones: exit 3 and one line
expect 3 '' "expected a recording's description" "$work/none.sigmf-meta"
copy odd
printf 'x' >>"$work/odd.sigmf-data"
expect 3 '' 'expected whole samples of 4 bytes.*found 499201 bytes.*copy it again' "$work/odd.sigmf-meta"
copy short
head -c 200000 "$iq/cal_clean.sigmf-data" >"$work/short.sigmf-data"
expect 3 '' 'expected data up to sample 106560.*found 50000 samples.*cut short' "$work/short.sigmf-meta"
copy empty
: >"$work/empty.sigmf-data"
expect 3 '' 'found an empty file' "$work/empty.sigmf-meta"
digest=$(sha512sum "$iq/cal_clean.sigmf-data" | cut -d' ' -f1)
copy digest "s/\"core:version\"/\"core:sha512\":\"$digest\",&/"
expect 0 "$packet" '' --json "$work/digest.sigmf-meta"
printf 'x' | dd of="$work/digest.sigmf-data" bs=1 seek=100000 conv=notrunc 2>/dev/null
expect 3 '' 'expected core:sha512.*altered or damaged' "$work/digest.sigmf-meta"
copy alone
rm "$work/alone.sigmf-data"
expect 3 '' 'alone.sigmf-data: No such file.*put the data file beside' "$work/alone.sigmf-meta"
copy type 's/ci16_le/rf64_be/'
expect 3 '' 'expected core:datatype ci16_le, cf32_le, cu8 or ci8, found "rf64_be"' "$work/type.sigmf-meta"
copy norate 's/"core:sample_rate":48000.000,//'
expect 3 '' 'expected a number as global core:sample_rate, found none' "$work/norate.sigmf-meta"
for rate in 0 -48000 12 1e12; do
    copy rate "s/48000.000/$rate/"
    expect 3 '' 'expected a core:sample_rate of 48000 to 2500000' "$work/rate.sigmf-meta"
done
copy text 's/48000.000/"fast"/'
expect 3 '' 'found something else' "$work/text.sigmf-meta"
copy torn 's/"global"/"global/'
expect 3 '' 'torn.sigmf-meta' "$work/torn.sigmf-meta"
copy other 's/"global"/"local"/'
expect 3 '' 'expected a SigMF description with an object "global"' "$work/other.sigmf-meta"
copy float 's/ci16_le/cf32_le/'
printf '\000\000\300\177\000\000\000\000' | dd of="$work/float.sigmf-data" bs=8 conv=notrunc seek=100 2>/dev/null
sed -i 's/"annotations.*/"annotations": []}/; /core:sample_start":2/d; /^  ]/d; /^}/d' "$work/float.sigmf-meta"
expect 3 '' 'NaN or infinity' "$work/float.sigmf-meta"

# wrong use: exit 4
expect 4 '' 'expected the name of a .sigmf-meta file, found none'
expect 4 '' 'expected --json, --plain or --all, found --jsn' --jsn
expect 4 '' 'expected one recording' "$iq/cal_clean.sigmf-meta" "$iq/cal_600.sigmf-meta"
expect 4 '' 'expected the name of a recording' "$iq/cal_clean.sigmf-data"

[ $failed -eq 0 ] && echo "ok"
exit $failed
