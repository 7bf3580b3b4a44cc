#!/bin/sh
# One direction: every #include points to its own folder or to a lower layer, and each outside library has one home.
# First the check itself is checked: planted breaches must be found.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=${FOX_SOURCE_DIR:-$(cd "$here/../.." && pwd)}

check() {
    (cd "$1" && find bench dut lua reports -name '*.[ch]' -o -name '*.def' | sort |
        xargs awk -v rules="$here/layers.txt" -f "$here/layers.awk")
}

planted=$(mktemp -d)
trap 'rm -rf "$planted"' EXIT
mkdir -p "$planted/bench/base" "$planted/bench/phy/tests" "$planted/bench/radio" "$planted/bench/net" \
    "$planted/dut/lab" "$planted/lua" "$planted/reports"
cd "$planted"
echo '#include <stdio.h>' >bench/base/good.h
echo '#include "bench/base/good.h"' >bench/phy/good.h
echo '#include "bench/phy/good.h"' >bench/net/good.h
echo '#include "bench/phy/good.h"' >dut/lab/good.h
echo '#include "good.h"' >bench/phy/tests/helper.h
: >bench/phy/tests/good.h
check "$planted" >/dev/null || { echo "the check refuses a good tree:"; check "$planted"; exit 1; }

plant() { # FILE LINE EXPECTED
    printf '%s\n' "$2" >"$1"
    if check "$planted" >found 2>&1; then
        echo "not found: $1 with $2"
        exit 1
    fi
    grep -qF "$1:1: $3" found || { echo "found, but not named: $1 with $2"; cat found; exit 1; }
    rm "$1"
}
plant bench/base/up.c '#include "bench/phy/good.h"' '"bench/phy/good.h": bench/base may not include bench/phy'
plant bench/radio/side.c '  # include "bench/net/good.h"' '"bench/net/good.h": bench/radio may not include bench/net'
plant bench/main.c '#include "dut/lab/good.h"' '"dut/lab/good.h": bench may not include dut/lab'
plant dut/lab/lab.c '#include "bench/net/good.h"' '"bench/net/good.h": dut/lab may not include bench/net'
plant bench/radio/other.c '#include <iio.h>' '<iio.h> has its home in bench/radio/radio_pluto.c'
plant bench/phy/lua.c '#include <lua.h>' '<lua.h> has its home in lua/bind/'
plant bench/phy/aes.c '#include <openssl/evp.h>' '<openssl/evp.h> has its home in bench/base/crypto.c'
plant bench/phy/t.c '#include <cmocka.h>' '<cmocka.h> has its home in tests/'
plant bench/phy/zip.c '#include <zlib.h>' '<zlib.h> is no header of C or Linux'
plant bench/phy/gone.c '#include "bench/base/gone.h"' '"bench/base/gone.h" does not exist'
plant bench/phy/rel.c '#include "../base/good.h"' '"../base/good.h": write the path from the root'
plant bench/phy/bare.c '#include "good.h"' '"good.h": write the path from the root'
plant bench/phy/leak.c '#include "bench/phy/tests/helper.h"' '"bench/phy/tests/helper.h": only tests include'
plant lua/new.c '#include <stdio.h>' 'lies in no layer'

check "$root"
