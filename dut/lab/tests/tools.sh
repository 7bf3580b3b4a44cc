#!/bin/bash
# foxlab from outside: the stock tools of libiio, the command line, garbage on the socket. TAP.
# Environment: FOX_BIN_DIR. Argument: the scenario with the lab's own test device.
. "$(dirname "$0")/tap.sh"
scenario=$1
inside() { # a shell line inside a lab; stdout and stderr are kept
    timeout 60 "$foxlab" run "${options[@]}" "$scenario" -- sh -c "$1" >"$dir/out" 2>"$dir/err"
}
options=()

# --- stock tools

inside 'iio_info -u $FOXLAB_PLUTO_0_URI'
ok $? "iio_info reads the whole context"
grep -q 'hw_serial: c11e47' "$dir/out"
ok $? "the unit has the scenario's serial number"
# Everything that the captured unit had is shown; only what failed there fails here.
python3 - "$dir/out" <<'PY'
import sys, re, xml.etree.ElementTree as E
shown = open(sys.argv[1]).read()
root = E.parse('fixtures/iio/pluto-context.xml').getroot()
want = [a.get('name') for a in root.iter('attribute')]
got = re.findall(r'attr +\d+: (\S+) (value|ERROR)', shown)
names = [n for n, _ in got]
bad = {n for n, v in got if v == 'ERROR'}
expected = {a.get('name') for a in root.iter('attribute') if a.get('value') == 'ERROR'} | \
           {a.get('name') for a in root.iter('debug-attribute') if a.get('value') == 'ERROR'}
missing = sorted(set(want) - set(names))
if missing or bad != expected or len(names) < len(want):
    print('missing', missing, 'errors', sorted(bad), 'expected', sorted(expected), file=sys.stderr)
    print(len(names), 'shown,', len(want), 'captured', file=sys.stderr)
    sys.exit(1)
PY
ok $? "every attribute of the captured unit is there, and no other one fails"
inside 'lo="iio_attr -u $FOXLAB_PLUTO_0_URI -c -o ad9361-phy altvoltage0 frequency"; $lo 868130000 && $lo'
[ "$(tail -1 "$dir/out")" = 868129998 ]
ok $? "iio_attr sets the LO and reads back what the chip can make"
inside 'iio_attr -u $FOXLAB_PLUTO_0_URI -c -o ad9361-phy altvoltage0 frequency 100'
! grep -q '^100' "$dir/out"
ok $? "iio_attr is refused an LO out of range"

# --- determinism

read_samples='iio_readdev -u $FOXLAB_PLUTO_0_URI -b 10000 -s 200000 cf-ad9361-lpc | sha256sum'
options=(--seed 5)
inside "$read_samples"
first=$(cat "$dir/out")
inside "$read_samples"
[ -n "$first" ] && [ "$first" = "$(cat "$dir/out")" ]
ok $? "one seed gives the same samples twice"
inside 'iio_readdev -u $FOXLAB_PLUTO_0_URI -b 4096 -s 200000 cf-ad9361-lpc >'"$dir/a"''
inside 'iio_readdev -u $FOXLAB_PLUTO_0_URI -b 10000 -s 200000 cf-ad9361-lpc >'"$dir/b"
cmp -s "$dir/a" "$dir/b" && [ "$(stat -c %s "$dir/b")" = 800000 ]
ok $? "the size of a block changes nothing in the samples"
options=(--seed 6)
inside "$read_samples"
[ "$first" != "$(cat "$dir/out")" ]
ok $? "another seed gives other samples"
options=()
inside 'iio_readdev -u $FOXLAB_PLUTO_0_URI -b 1000 -s 1000 cf-ad9361-lpc voltage1 | wc -c'
[ "$(cat "$dir/out")" = 2000 ]
ok $? "one component alone can be streamed"

# --- every unit of a lab with three

tools='uri=$(eval echo \$FOXLAB_PLUTO_$1_URI)
iio_info -u $uri | grep hw_serial
iio_attr -u $uri -c -o ad9361-phy altvoltage0 frequency 91500000$1
iio_attr -u $uri -c -o ad9361-phy altvoltage0 frequency
iio_readdev -u $uri -b 1000 -s 3000 cf-ad9361-lpc | wc -c
head -c 8000 /dev/zero | iio_writedev -u $uri -b 1000 -s 2000 cf-ad9361-dds-core-lpc && echo sent'
for unit in 0 1 2; do
    timeout 60 "$foxlab" run "$(dirname "$0")/three.scenario" -- sh -c "$tools" sh "$unit" >"$dir/out" 2>"$dir/err"
    grep -q "hw_serial: c11e4$((7 + unit))" "$dir/out" && grep -qE '^9(149999|15000)' "$dir/out" &&
        grep -q '^12000$' "$dir/out" && grep -q '^sent$' "$dir/out"
    ok $? "unit $unit: iio_info, iio_attr, iio_readdev and iio_writedev"
done

# --- garbage on the socket

inside 'python3 - <<PY
import os, socket, random
host, port = os.environ["FOXLAB_PLUTO_0_URI"].split(":")[1:]
random.seed(1)
def talk(data, answer=1):
    s = socket.create_connection((host, int(port)), 5)
    s.settimeout(2)
    try:
        s.sendall(data)
        got = b""
        while answer and got.count(b"\n") < answer: # so many lines
            part = s.recv(200)
            if not part:
                break
            got += part
        return got
    except OSError:
        return b""
    finally:
        s.close()
assert talk(b"HELLO\r\n") == b"-22\n"
assert talk(b"READ nothing attr\r\n") == b"-19\n"
assert talk(b"READ ad9361-phy INPUT voltage0 nothing\r\n") == b"-2\n"
assert talk(b"WRITE ad9361-phy nothing 3\r\nabcREAD x\r\n").startswith(b"-2\n")
assert talk(b"WRITE ad9361-phy calib_mode 99999999\r\n") == b"-22\n"
assert talk(b"OPEN cf-ad9361-lpc 100 3\r\n") == b"-22\n"
assert talk(b"OPEN cf-ad9361-lpc 100 00000004\r\n") == b"-22\n"
assert talk(b"OPEN cf-ad9361-lpc 0 00000003\r\n") == b"-12\n"
assert talk(b"OPEN cf-ad9361-lpc 999999999 00000003\r\n") == b"-12\n"
assert talk(b"OPEN xadc 100 00000003\r\n") == b"-22\n"
assert talk(b"READBUF cf-ad9361-lpc 400\r\n") == b"-9\n"
assert talk(b"CLOSE cf-ad9361-lpc\r\n") == b"-9\n"
assert talk(b"OPEN cf-ad9361-lpc 100 00000003\r\nREADBUF cf-ad9361-lpc 3\r\n", 2) == b"0\n-22\n"
assert talk(b"SET cf-ad9361-lpc BUFFERS_COUNT 0\r\n") == b"-22\n"
tx = b"cf-ad9361-dds-core-lpc"
assert talk(b"WRITEBUF " + tx + b" 400\r\n") == b"-9\n"
assert talk(b"OPEN " + tx + b" 100 00000003 CYCLING\r\n") == b"-22\n"
assert talk(b"OPEN cf-ad9361-lpc 100 00000003 CYCLIC\r\n") == b"-22\n"
assert talk(b"OPEN " + tx + b" 100 00000003\r\nREADBUF " + tx + b" 400\r\n", 2) == b"0\n-9\n"
for size in b"3", b"0", b"404", b"x": # no whole sample, none, more than a block, no number
    assert talk(b"OPEN " + tx + b" 100 00000003\r\nWRITEBUF " + tx + b" " + size + b"\r\n", 2) == b"0\n-22\n"
# One component alone; then a second stream, while the first one waits for the rest of a block.
first = b"OPEN " + tx + b" 100 00000001\r\nWRITEBUF " + tx + b" 200\r\n" + b"\x01" * 200
assert talk(first, 3) == b"0\n0\n200\n"
s = socket.create_connection((host, int(port)), 5)
s.sendall(first[:-1])
assert s.recv(100).startswith(b"0\n")
assert talk(b"OPEN " + tx + b" 100 00000003\r\n") == b"-16\n"
s.close()
assert talk(b"x" * 70000) == b""
for _ in range(200):
    words = [b"READ", b"WRITE", b"OPEN", b"READBUF", b"WRITEBUF", tx, b"CLOSE", b"SET", b"PRINT",
             b"cf-ad9361-lpc", b"ad9361-phy",
             b"INPUT", b"DEBUG", b"voltage0", b"", b"400", b"-1", b"00000003", b"\x00\xff", b"TIMEOUT", b"\r\n", b"\n"]
    talk(b" ".join(random.choice(words) for _ in range(random.randrange(1, 40))) + b"\r\n", 0)
assert talk(b"VERSION\r\n") == b"0.24.v0.24  \n"
s = socket.create_connection((host, int(port)), 5)
s.sendall(b"OPEN cf-ad9361-lpc 100000 00000003\r\nREADBUF cf-ad9361-lpc 400000\r\n")
s.close() # in the middle of a block
assert talk(b"VERSION\r\n") == b"0.24.v0.24  \n"
PY'
ok $? "garbage is answered or cut off, and the lab lives on"

# --- command line

run() { timeout 20 "$foxlab" "$@" >"$dir/out" 2>"$dir/err" </dev/null; }
run run "$scenario" -- sh -c 'exit 42'
[ $? -eq 42 ]
ok $? "the command's exit code is foxlab's"
run run "$scenario" -- sh -c 'kill -9 $$'
[ $? -eq 137 ]
ok $? "a command that was killed gives 128 and the signal"
run run "$scenario" -- /no/such/program
[ $? -eq 127 ]
ok $? "a command that does not exist gives 127"
for line in "" "run" "run a b" "run --seed x default" "run --what default" "run nothing-like-it" "run default --"; do
    # shellcheck disable=SC2086
    run $line
    [ $? -eq 4 ] && [ "$(wc -l <"$dir/err")" -eq 1 ] && [ ! -s "$dir/out" ]
    ok $? "'foxlab $line' is a usage error in one line"
done
run run --fault NO-SUCH-FAULT "$scenario"
[ $? -eq 4 ] && grep -q 'refuses to start: unknown fault NO-SUCH-FAULT' "$dir/err" && ! grep -q ready "$dir/out"
ok $? "a fault that the device does not know ends it before ready"
run run "$scenario"
[ $? -eq 0 ] && [ "$(tail -1 "$dir/out")" = ready ] && grep -q '^FOXLAB_UART_0=/dev/../../../' "$dir/out" &&
    grep -q '^LD_PRELOAD=.*libfoxshim.so' "$dir/out" && grep -q '^FOXLAB_CONTROL=' "$dir/out"
ok $? "without a command the environment is printed, and the end of input ends it"
mkfifo "$dir/in"
"$foxlab" run "$scenario" <"$dir/in" >"$dir/out" 2>"$dir/err" &
lab=$!
exec 9>"$dir/in"
for _ in $(seq 100); do grep -q ready "$dir/out" && break; sleep 0.05; done
folder=$(sed -n 's/^FOXLAB_CONTROL=\(.*\)\/control$/\1/p' "$dir/out")
[ -S "$folder/control" ] && kill -TERM $lab && wait $lab && [ ! -e "$folder" ]
ok $? "SIGTERM ends it, and its folder is gone"
exec 9>&-
# A parent that dies takes the lab with it.
cat >"$dir/parent" <<'SH'
"$1" run "$2" <"$3/in" >"$3/out" 2>"$3/err" &
echo $! >"$3/pid"
for _ in $(seq 100); do grep -q ready "$3/out" && break; sleep 0.05; done
kill -9 $$
SH
bash "$dir/parent" "$foxlab" "$scenario" "$dir" &
exec 9>"$dir/in"
wait $! 2>/dev/null
gone=1
for _ in $(seq 40); do kill -0 "$(cat "$dir/pid")" 2>/dev/null || { gone=0; break; }; sleep 0.05; done
ok $gone "it does not outlive its parent"
exec 9>&-
for file in fixtures/scenarios/*.scenario; do
    name=$(basename "$file" .scenario)
    run run "$name"
    [ $? -eq 0 ] && [ "$(tail -1 "$dir/out")" = ready ] &&
        [ "$(grep -c '^FOXLAB_PLUTO' "$dir/out")" = "$(grep -c '^pluto' "$file")" ]
    ok $? "the scenario $name starts, and no device in it refuses"
done
run run --work "$dir/nvm" --report "$scenario" -- true
[ $? -eq 0 ] && [ "$(stat -c %s "$dir/nvm/probe.nvm")" = 4096 ] && grep -q 'of lab time in' "$dir/err"
ok $? "--work keeps the devices' memory, --report tells the speed"

finish
