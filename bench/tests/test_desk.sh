#!/bin/sh
# Power, reset, flash and debug port by hand: what they print and how they end, in a lab with an open, a locked and a
# closed device, with the adapter pulled, and in a lab of their own. TAP.
set -u
fox=${FOX_BIN_DIR:?set FOX_BIN_DIR to the folder of foxbench}/foxbench
lab=$FOX_BIN_DIR/foxlab
scenario=$FOX_BIN_DIR/../dut/lab/tests/ftdi.scenario
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
n=0
bad=0

check() { # TITLE COMMAND…
    n=$((n + 1))
    title=$1
    shift
    if "$@" >"$work/why" 2>&1; then
        echo "ok $n - $title"
    else
        echo "not ok $n - $title"
        sed 's/^/#   /' "$work/why"
        bad=1
    fi
}

bench() { # FILE SERIAL: a bench with this adapter
    cat >"$1" <<END
syntax(1)
return {
  name = "desk", virtual = true,
  radios = { { unit = "station1", uri = env "FOXLAB_PLUTO_0_URI", lo_hz = 868e6, gain_db = 50, path = "conducted" } },
  uarts = { { unit = "dut1", path = env "FOXLAB_UART_0", baud = 9600 } },
  ftdi = { serial = "$2", relay = "AC0", reset = "AC1", discharge_s = 0.1, wired = { "spi", "swd" } },
}
END
}
bench open.lua FOXFTDI1
bench locked.lua FOXFTDI2
bench closed.lua FOXFTDI4
bench absent.lua NOSUCH
sed 's/ftdi = .*//' open.lua >bare.lua

# Each command's output and exit code, all in one lab. RUN: NAME WORD…
cat >inside.sh <<'END'
run() { name=$1; shift; "$fox" "$@" >"$name.out" 2>"$name.err" </dev/null; echo $? >"$name.code"; }
control() { perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new($ENV{FOXLAB_CONTROL}) or die; print $s "@ARGV\n";
  print scalar <$s>' -- "$@"; }
run id flash id --bench open.lua --boot 0.3
run dump flash dump chip.bin --bench open.lua --boot 0.3
run again flash dump chip.bin --bench open.lua --boot 0
run part flash dump --offset 0xffff0 --length 8 --bench open.lua --boot 0.3
run beyond flash dump x.bin --offset 0x100000 --bench open.lua --boot 0
run info swd info --bench open.lua --boot 0.3
run words swd read 0x08000000 40 --bench open.lua --boot 0.3
run locked swd info --bench locked.lua --boot 0.3
run refused swd read 0x08000000 16 --bench locked.lua --boot 0.3
run silent swd info --bench closed.lua --boot 0.3
run absent power off --bench absent.lua
run bare flash id --bench bare.lua
run cycle power cycle --off 0 --for 0.3 --bench open.lua
run reset reset --before 0.2 --hold 0.05 --for 0.2 --bench open.lua
control state device open >reset.state
control lift clip ftdi1 >lift
run lifted flash id --bench open.lua --boot 0.1
control seat clip ftdi1 >seat
# Power holds until a signal comes.
"$fox" power on --bench open.lua >on.out 2>on.err &
for i in $(seq 100); do control state device open | grep -q running && break; sleep 0.05; done
control state device open >on.state
run busy power off --bench open.lua
kill -INT $!
wait $!
echo $? >on.code
control state device open >off.state
# The plug comes out while power is on.
"$fox" power on --bench open.lua >pull.out 2>pull.err &
for i in $(seq 100); do control state device open | grep -q running && break; sleep 0.05; done
control unplug ftdi ftdi1 >unplug
wait $!
echo $? >pull.code
END
fox=$fox "$lab" run "$scenario" -- sh ./inside.sh >lab.out 2>lab.err

# Devices at JTAG pins, in a lab of their own.
jtag() { # FILE SERIAL WIRED
    cat >"$1" <<END
syntax(1)
return {
  name = "desk", virtual = true,
  radios = { { unit = "station1", uri = "ip:127.0.0.1", lo_hz = 868e6, gain_db = 50, path = "conducted" } },
  uarts = { { unit = "dut1", path = "/dev/null", baud = 9600 } },
  ftdi = { serial = "$2", relay = "AC0", discharge_s = 0.1, wired = { $3 } },
}
END
}
jtag chain.lua FOXJTAG '"spi", "jtag"'
jtag barred.lua FOXLOCK '"spi", "jtag"'
jtag both.lua FOXTWO '"spi", "swd", "jtag"'
jtag unsaid.lua FOXTWO '"spi", "swd"'
cat >chained.sh <<'END'
run() { name=$1; shift; "$fox" "$@" >"$name.out" 2>"$name.err" </dev/null; echo $? >"$name.code"; }
run jinfo swd info --bench chain.lua --boot 0.1
run jwords swd read 0x08000000 24 --bench chain.lua --boot 0
run jrefused swd read 0x08000000 24 --jtag --bench barred.lua --boot 0.1
run jboth swd read 0x08000000 24 --jtag --bench both.lua --boot 0.1
run sboth swd read 0x08000000 24 --bench both.lua --boot 0
run junsaid swd read 0x08000000 24 --jtag --bench unsaid.lua --boot 0
END
fox=$fox "$lab" run "$FOX_BIN_DIR/../dut/probes.scenario" -- sh ./chained.sh >lab2.out 2>lab2.err

is() { # NAME CODE
    [ "$(cat "$1.code")" = "$2" ] || { cat "$1.code" "$1.out" "$1.err"; false; }
}
check "flash id: exit 0" is id 0
check "the JEDEC id" grep -qx 'JEDEC id EF 40 14: Winbond, 1024 KiB' id.out
check "flash dump: exit 0" is dump 0
perl -e 'use integer; $| = 1; my $out = "";
    for my $at (0 .. 1048575) {
        my $x = ((3 << 32) | $at) + 0x9e3779b97f4a7c15;
        $x = ($x ^ (($x >> 30) & 0x3ffffffff)) * 0xbf58476d1ce4e5b9;
        $x = ($x ^ (($x >> 27) & 0x1fffffffff)) * 0x94d049bb133111eb;
        $out .= chr(($x ^ (($x >> 31) & 0x1ffffffff)) & 255);
    }
    print $out' >expected.bin
check "1 MiB bit-exact" cmp chip.bin expected.bin
check "its digest is printed" grep -q "SHA-256 $(sha256sum expected.bin | cut -d' ' -f1)" dump.err
check "an earlier dump is not overwritten: exit 4" is again 4
check "another file is asked for" grep -q 'chip.bin: File exists; name another file' again.err
check "a part of it: exit 0" is part 0
check "a part of it, bit-exact" sh -c 'dd if=expected.bin bs=1 skip=1048560 count=8 2>/dev/null | cmp - part.out'
check "beyond the end: exit 4" is beyond 4
check "swd info: exit 0" is info 0
check "who answers" grep -q '^DPIDR 2BA01477' info.out
check "the core" grep -q '^CPUID 412FC230 (part C23)' info.out
check "an open device is readable" test "$(grep -c ': readable$' info.out)" = 3
check "swd read: exit 0" is words 0
check "ten words" test "$(wc -w <words.out)" = 10
check "a locked device answers: exit 0" is locked 0
check "its code is refused" grep -qx 'code flash at 08000000: refused' locked.out
check "its RAM is not" grep -qx 'RAM at 20000000: readable' locked.out
check "reading what is protected: exit 6" is refused 6
check "the reason is named" grep -q 'the device refuses: its memory is protected' refused.err
check "a closed port: exit 5" is silent 5
check "silence proves nothing" grep -q 'nobody answers: no debug port, no power' silent.err
check "JTAG, swd info: exit 0" is jinfo 0
check "who is on the chain" grep -q '^IDCODE 4BA00477' jinfo.out
check "and lets one read" test "$(grep -c ': readable$' jinfo.out)" = 3
check "reading through JTAG: exit 0" is jwords 0
check "six words" test "$(wc -w <jwords.out)" = 6
check "what is protected: exit 6" is jrefused 6
check "JTAG of two channels: exit 0" is jboth 0
check "the same words on both pins" cmp jboth.out sboth.out
check "JTAG that is not wired: exit 4" is junsaid 4
check "what to add" grep -q 'add "jtag" to ftdi.wired' junsaid.err
check "an adapter that is not there: exit 3" is absent 3
check "those that are there are named" grep -q 'found FOXFTDI1, FOXFTDI2' absent.err
check "a bench without adapter: exit 4" is bare 4
check "what to add is said" grep -q 'expected for example ftdi = { serial' bare.err
check "power cycle: exit 0" is cycle 0
check "its steps" test "$(cut -d' ' -f1-3 cycle.err | tr '\n' ';')" = 'power is off;power is on;power is off;'
check "reset: exit 0" is reset 0
check "two starts more: power and reset" grep -q 'off starts=' reset.state
check "a lifted clip: exit 3" is lifted 3
check "it is named" grep -q 'got all ones; check that the device has power and the clip sits right' lifted.err
check "power on: the device runs" grep -q '^running' on.state
check "a second program cannot have the adapter: exit 3" is busy 3
check "Ctrl-C is its end: exit 0" is on 0
check "the device is off then" grep -q '^off' off.state
check "the plug is pulled: exit 3" is pull 3
check "the cable is named" grep -q 'the device has lost its power: check the USB cable' pull.err

# A lab of its own.
"$fox" flash id --boot 0.3 >own.out 2>own.err
echo $? >own.code
check "without a bench file: exit 0" is own 0
check "the lab's chip answers" grep -q '^JEDEC id EF 40 14' own.out
check "it says that this is the lab" grep -q 'without --bench this is the virtual lab' own.err

# The console: what is typed reaches the device with its own line end, and power comes and goes with the command.
printf 'AT\nAT$I=10\nwhat\n' | "$fox" console --quiet 0.5 >con.out 2>con.err
echo $? >con.code
check "console: exit 0" is con 0
check "a line each" test "$(tr '\n' ';' <con.out)" = 'OK;00F0C5A1;ERROR: parse error;'
check "the port, its rate and its power are named" grep -q '^dut1 at 9600 baud, its power is on' con.err
printf 'AT$I=10\n' | "$fox" console dut2 --quiet 0.5 >second.out 2>second.err
check "another unit, powered by its own line" grep -qx 00F0C5B2 second.out
"$fox" console nobody >nobody.out 2>nobody.err </dev/null
echo $? >nobody.code
check "a unit that is not there: exit 4" is nobody 4
check "it is named" grep -q "no serial port 'nobody'" nobody.err

for words in 'console --baud 7' power 'power up' 'power on --for -1' flash 'flash wipe' swd 'swd read 0x3 4' \
    'swd read 0 0' 'reset --hold x'; do
    # shellcheck disable=SC2086 # words
    "$fox" $words >wrong.out 2>wrong.err </dev/null
    echo $? >wrong.code
    check "'$words': exit 4" is wrong 4
    check "'$words': says what was expected" grep -q 'expected' wrong.err
done
echo "1..$n"
exit $bad
