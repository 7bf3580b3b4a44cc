#!/bin/bash
# The scenario and the commands of docs/LAB.md are carried out as they stand there; and chaos is drawn twice. TAP.
# Environment: FOX_BIN_DIR. Argument: docs/LAB.md.
. "$(dirname "$0")/tap.sh"
page=$1
block() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" "$page" | sed '1d;$d'; }

block scenario >"$dir/two.scenario"
block jam >"$dir/jam.sh"
lines=$(wc -l <"$dir/two.scenario")
[ "$lines" -gt 5 ] && [ "$lines" -lt 20 ] && [ "$(grep -c '^device' "$dir/two.scenario")" -eq 2 ]
ok $? "a scenario with two devices and a jammer has $lines lines"

# How strong the jammer's tone is in the station's samples, in codes: 80 + 50 kHz above the station's LO,
# and 2 ppm of 868 MHz, its crystal.
cat >"$dir/tone.py" <<'PY'
import array, cmath, math, sys
iq = array.array("h", open(sys.argv[1], "rb").read())[-200000:]
turn = cmath.exp(-2j * math.pi * 131736 / 30720000)
phase, total = 1, 0
for k in range(0, len(iq), 2):
    total += complex(iq[k], iq[k + 1]) * phase
    phase *= turn
print(abs(total) / (len(iq) / 2))
PY
# At 30.72 MS/s and the automatic gain, as a unit comes out of the box; on the jammer's frequency.
tune='iio_attr -u $FOXLAB_PLUTO_0_URI -c -o ad9361-phy altvoltage0 frequency 868000000 >/dev/null'
cat >"$dir/both.sh" <<SH
$tune
iio_readdev -u \$FOXLAB_PLUTO_0_URI -b 65536 -s 1048576 cf-ad9361-lpc >$dir/quiet.iq
sh $dir/jam.sh >$dir/all
tail -c 4000000 $dir/all >$dir/jammed.iq
SH
timeout 60 "$foxlab" run --report "$dir/two.scenario" -- sh "$dir/both.sh" 2>"$dir/err"
ok $? "the commands of the page run"
quiet=$(python3 "$dir/tone.py" "$dir/quiet.iq") jammed=$(python3 "$dir/tone.py" "$dir/jammed.iq")
echo "# quiet $quiet, jammed $jammed"
python3 -c 'import sys; sys.exit(not (float(sys.argv[2]) > 10 * float(sys.argv[1]) > 0))' "$quiet" "$jammed"
ok $? "the station hears the jammer"

# --- chaos

read_long='iio_readdev -u $FOXLAB_PLUTO_0_URI -b 1000000 -s 200000000 cf-ad9361-lpc >/dev/null; true'
chaos() { # chaos SEED WORK
    timeout 60 "$foxlab" run --seed "$1" --chaos uart,pluto.overflow,rate=300/min,window=0s-6s,hold=0.2s-0.4s \
        --work "$dir/$2" "$dir/two.scenario" -- sh -c "$read_long" 2>"$dir/err"
}
chaos 5 a && chaos 5 b && chaos 6 c
ok $? "three labs with faults that a receiver survives"
[ "$(wc -l <"$dir/a/faults.log")" -ge 10 ] && cmp -s "$dir/a/faults.log" "$dir/b/faults.log"
ok $? "one seed, the same $(wc -l <"$dir/a/faults.log") faults and ends of faults at the same lab times"
! cmp -s "$dir/a/faults.log" "$dir/c/faults.log"
ok $? "another seed, others"
refused=0
for spec in nonsense rate=2 rate=0/min window=9s-1s hold=1-2 "pluto," ftdi; do
    timeout 20 "$foxlab" run --chaos "$spec" "$dir/two.scenario" -- true 2>"$dir/err" </dev/null
    [ $? -eq 4 ] && grep -q chaos "$dir/err" || { refused=1; echo "# $spec: $(cat "$dir/err")"; }
done
ok $refused "a specification that cannot be read, or fits no unit, is a usage error"

finish
