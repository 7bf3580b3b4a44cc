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
for key in t_s f_hz f_mid_hz drift_hz_s bit_rate ebn0_db rank class packet_hex crc_ok how tag clipped copies \
    measured; do
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
expect 0 '"clipped":false,"copies":\[\]' '' --json "$iq/cal_clean.sigmf-meta"

# an image is reported once, as what it is: where, and how much weaker (0.8 dB and 4 degrees make 24.8 dB)
expect 0 '"copies":\[{"below_db":24[.][0-9]*,"f_mid_hz":\(8999[.]9\|9000[.]0\)[0-9]*,"what":"image"}\]' '' \
    --json "$iq/imp_iq.sigmf-meta"
expect 0 '+9000[.]0[0-9] Hz at mid-burst  its image, 24[.][0-9] dB weaker: left out' '^1 frame$' "$iq/imp_iq.sigmf-meta"
# clipped at a fifth of its amplitude, the burst comes three times as high, and five times, folded back at half the rate
copy hard
perl -e 'binmode $_ for *STDIN, *STDOUT; local $/; srand 1;
    print pack "s<*", map { $_ > 2047 ? 2047 : $_ < -2048 ? -2048 : $_ }
        map { 500 * $_ + 200 * (rand() - 0.5) } unpack "s<*", <STDIN>' \
    <"$iq/cal_clean.sigmf-data" >"$work/hard.sigmf-data"
expect 0 "$packet  CRC ok   plain  clipped" '1 of 1 frames' "$work/hard.sigmf-meta"
expect 0 '+12963[.]0[0-9] Hz at mid-burst  its product of order 3' '1 of 1 frames' "$work/hard.sigmf-meta"
expect 0 '21605[.]0[0-9] Hz at mid-burst  its product of order 5' '1 of 1 frames' "$work/hard.sigmf-meta"

# with keys: what was received as it is comes out whatever its tag, what the list made up only if the key agrees
id=$(sed -n 's/.*dev=\([0-9a-f]*\).*/\1/p' "$iq/rep_4dB.truth.json" | head -n 1)
key=$(sed -n 's/.*key=\([0-9a-f]*\).*/\1/p' "$iq/rep_4dB.truth.json" | head -n 1)
RIGHT=$key WRONG=$(echo "$key" | tr '0-9a-f' '1-9a-f0')
export RIGHT WRONG
expect 0 '"how":"list".*"tag":"unknown"' '' --json "$iq/rep_4dB.sigmf-meta"
expect 0 '"how":"list".*"tag":"right"' '' --json --id "$id" --key env:RIGHT "$iq/rep_4dB.sigmf-meta"
expect 0 '"tag":"unknown"' '' --json --id 12345678 --key env:RIGHT "$iq/rep_4dB.sigmf-meta"
"$foxbench" decode --json --id "$id" --key env:WRONG "$iq/rep_4dB.sigmf-meta" >"$work/out" 2>&1
grep -q '"how":"list"' "$work/out" && fail "decode with a wrong key: the list's frames are taken: $(cat "$work/out")"
id=$(sed -n 's/.*dev=\([0-9a-f]*\).*/\1/p' "$iq/cal_clean.truth.json" | head -n 1)
key=$(sed -n 's/.*key=\([0-9a-f]*\).*/\1/p' "$iq/cal_clean.truth.json" | head -n 1)
printf '%s\n' "$key" >"$work/key"
expect 0 "$packet  CRC ok   plain  tag right" '^1 frame$' --key "file:$work/key" --id "$id" "$iq/cal_clean.sigmf-meta"
expect 0 "$packet  CRC ok   plain  tag WRONG" '^1 frame$' --id "$id" --key env:WRONG "$iq/cal_clean.sigmf-meta"
expect 4 '' 'expected one --id for every --key, in the same order, found 2 and 1' --id 1 --id 2 --key env:RIGHT "$iq/x"
expect 4 '' "expected a device identifier of 1 to 8 hex digits, found '12345678x'" --id 12345678x --key env:W "$iq/x"
expect 4 '' 'a key reference of kind .* is not understood' --id 1 --key "$key" "$iq/cal_clean.sigmf-meta"
expect 3 '' 'env:FOX_NO_SUCH: the variable is not set' --id 1 --key env:FOX_NO_SUCH "$iq/cal_clean.sigmf-meta"
expect 4 '' 'expected a reference after --key' "$iq/cal_clean.sigmf-meta" --id 1 --key

# deaf: no frame, and why that says nothing
copy deaf
perl -e 'binmode STDOUT; srand 1; print pack "s<*", map { $_ > 2047 ? 2047 : $_ < -2048 ? -2048 : int }
    map { 9000 * (rand() - 0.5) } 1 .. 300000' >"$work/deaf.sigmf-data"
sed -i 's/"annotations.*/"annotations": []}/; /core:sample_start":2/d; /^  ]/d; /^}/d' "$work/deaf.sigmf-meta"
expect 0 '' 'no frame, but [0-9]* of 150000 samples are at full scale' --json "$work/deaf.sigmf-meta"
head -c 600000 /dev/zero >"$work/deaf.sigmf-data"
expect 0 '' 'all 150000 samples are the same: nothing was recorded' --json "$work/deaf.sigmf-meta"

# relabel NAME TYPE PERL-PACK PERL-MAP [BYTES]: the clean recording's samples of one type under another one's name, or
# those of its first bytes: what is no signal keeps the receiver busy
relabel() {
    head -c "${5:-1000000}" "$iq/cal_clean.sigmf-data" |
        perl -e 'binmode $_ for *STDIN, *STDOUT; local $/; my ($how, $map) = @ARGV; @ARGV = ();
            my $f = eval "sub { $map }"; print pack $how, map { $f->() } unpack "s<*", <STDIN>' "$3" "$4" \
            >"$work/$1.sigmf-data"
    printf '{"global":{"core:datatype":"%s","core:sample_rate":48000,"core:version":"1.0.0"},"captures":[]}' "$2" \
        >"$work/$1.sigmf-meta"
}
relabel right cf32_le 'f<*' '$_ / 2048'
expect 0 "$packet" '^1 frame$' "$work/right.sigmf-meta"
relabel volts cf32_le 'f<*' '$_ * 7.3' # floats that know no full scale
expect 0 "$packet  CRC ok   plain\$" '^1 frame$' "$work/volts.sigmf-meta"
relabel small ci8 'c*' 'int($_ / 16)' # whose products are no frames, though hardly weaker
expect 0 "$packet" '^1 frame$' "$work/small.sigmf-meta"
relabel floats ci16_le 'f<*' '$_ / 2048' 160000
expect 0 '' 'look like cf32_le, and core:datatype says otherwise.*correct the d' --json "$work/floats.sigmf-meta"
relabel bytes ci16_le 'c*' '$_'
expect 0 '' 'look like ci8 or cu8, and core:datatype is ci16_le' --json "$work/bytes.sigmf-meta"
relabel swapped ci16_le 's>*' '$_'
expect 0 "$packet" 'look like ci16_be' "$work/swapped.sigmf-meta"
for type in ci8 cu8; do
    relabel words $type 's<*' '$_' 160000
    expect 0 '' 'look like ci16_le, and core:datatype says otherwise' --json "$work/words.sigmf-meta"
done
relabel ints cf32_le 's<*' '$_'
expect 3 '' 'look like integers, and core:datatype is cf32_le' --json "$work/ints.sigmf-meta"
relabel nan cf32_le 'f<*' '9**9**9 / 9**9**9'
expect 3 '' 'NaN or infinity after sample 0; record or convert it again' --json "$work/nan.sigmf-meta"

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
expect 4 '' 'expected --json, --plain, --all, --id or --key, found --jsn' --jsn
expect 4 '' 'expected one recording' "$iq/cal_clean.sigmf-meta" "$iq/cal_600.sigmf-meta"
expect 4 '' 'expected the name of a recording' "$iq/cal_clean.sigmf-data"

[ $failed -eq 0 ] && echo "ok"
exit $failed
