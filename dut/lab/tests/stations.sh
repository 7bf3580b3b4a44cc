#!/bin/bash
# One seed is one world, also with three stations and two devices; and the stock tool that sends.
# TAP. Environment: FOX_BIN_DIR. Arguments: the scenario, the client.
. "$(dirname "$0")/tap.sh"
scenario=$1
client=$2
digest() { # digest SEED BLOCK
    timeout 100 "$foxlab" run --seed "$1" "$scenario" -- "$client" "$2" 2>"$dir/err"
}

first=$(digest 3 16384)
[ ${#first} -eq 64 ]
ok $? "three stations and two devices in one lab"
grep '^#' "$dir/err"
[ ${#first} -eq 64 ] && [ "$first" = "$(digest 3 16384)" ]
ok $? "one seed gives the same samples and lines twice"
other=$(digest 4 16384)
[ ${#other} -eq 64 ] && [ "$first" != "$other" ]
ok $? "another seed gives others"

# 100 000 samples of a ramp, sent by the stock tool, are taken at the sampling rate.
python3 -c 'import struct, sys
sys.stdout.buffer.write(b"".join(struct.pack("<hh", i % 30000, -i % 30000) for i in range(100000)))' >"$dir/ramp"
timeout 60 "$foxlab" run --report "$scenario" -- sh -c \
    "iio_writedev -u \$FOXLAB_PLUTO_0_URI -b 10000 -s 100000 cf-ad9361-dds-core-lpc <$dir/ramp" 2>"$dir/err"
ok $? "iio_writedev sends"
# 30.72 MS/s after power-on, less what waits in the queue when it ends: 2.3 to 3.3 ms.
grep -q 'foxlab: 0\.00[23] s of lab time' "$dir/err"
ok $? "and what it sends takes its time"

finish
