#!/bin/sh
# What is found becomes a bench file that the doctor accepts; odd names from outside stay data. TAP.
set -u
. "$(dirname "$0")/common.sh"
lab=$FOX_BIN_DIR/foxlab
touch bench.lua err doctor

# shellcheck disable=SC2016 # the lab's variables
"$lab" run default -- sh -c '"$0" discover "$FOXLAB_PLUTO_0_URI" "$FOXLAB_PLUTO_2_URI" "$FOXLAB_UART_0" >bench.lua 2>err
    echo $? >code
    "$0" doctor --bench bench.lua >doctor
    echo $? >doctor.code
    "$0" run --dry-run --bench bench.lua >plan 2>plan.err
    echo $? >plan.code' "$fox"
check "something was found: exit 0" grep -qx 0 code
check "the bench file is a configuration file" grep -qx 'syntax(1)' bench.lua
check "radios are known by the serial numbers of the scenario" \
    grep -q 'serial = "104473f0c5a300010203040506070809a2"' bench.lua
check "the adapter is found by itself" grep -q 'ftdi = { serial = "FOXFTDI1"' bench.lua
check "the next step is named" grep -q 'foxbench doctor --bench FILE' err
check "the doctor accepts it" grep -qx 0 doctor.code
check "each instrument opens" test "$(grep -cE '^ok +(radio station[12]|uart dut1|ftdi ftdi1) ' doctor)" = 4
check "a run can be planned with it" grep -qx 0 plan.code
check "no radio may send" test -z "$(grep -E '^[^-]*transmit' bench.lua)"

"$fox" discover ip:127.0.0.1:1 >bench.lua 2>err
check "an address that does not answer: exit 3" test $? -eq 3
check "it is named" grep -q '^foxbench discover: radio ip:127.0.0.1:1: nobody answers there' err
"$fox" discover /dev/none >bench.lua 2>err
check "a port that is not there: exit 3" test $? -eq 3
check "it is named too" grep -q '/dev/none: expected a serial port, found No such file' err

odd=$work/'x", evil = "--[[]]'
: >"$odd"
"$fox" discover ip:127.0.0.1:1 "$odd" >bench.lua 2>err
radio='{ uri = "ip:127.0.0.1:1", unit = "a", path = "antenna", lo_hz = 868e6, gain_db = 50 },'
sed "s|^    -- none was found: plug a Pluto.*|    $radio|" \
    bench.lua >odd.lua
"$fox" doctor --bench odd.lua >doctor
check "a name that looks like a program stays a text" \
    grep -qF "serial port $odd: expected a serial port, found another kind of file" doctor

finish
