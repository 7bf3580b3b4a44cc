#!/bin/sh
# rx and tx by hand: a device is heard and recorded, what one radio sends another one receives, and what must not be
# sent is refused. The oscillator is off on every way out. TAP.
set -u
. "$(dirname "$0")/common.sh"
lab=$FOX_BIN_DIR/foxlab
export fox
virtual=$root/fixtures/benches/virtual.lua
export virtual

# Benches that are not what they say, or must not send.
sed 's/path = "conducted"/path = "antenna"/' "$virtual" >antenna.lua
sed 's/BETWEEN_DB <const> = 85 /BETWEEN_DB <const> = 60 /' "$virtual" >wrong.lua
sed 's/if m ~= n then rf/if m < 0 then rf/' "$virtual" >alone.lua
verdict "the benches differ from the lab's own" \
    "$(for b in antenna wrong alone; do cmp -s $b.lua "$virtual" && echo "$b.lua does not"; done)"

# RUN: NAME WORD…: its output and exit code.
cat >functions.sh <<'END'
run() { name=$1; shift; "$fox" "$@" >"$name.out" 2>"$name.err" </dev/null; echo $? >"$name.code"; }
lines() { for i in $(seq 400); do [ "$(grep -c . "$1")" -ge "$2" ] && return; sleep 0.05; done; } # FILE COUNT
ends() { kill -INT "$2"; wait "$2"; echo $? >"$1.code"; } # NAME PROCESS
powered_down() { iio_attr -u "$FOXLAB_PLUTO_0_URI" -c ad9361-phy altvoltage1 powerdown; }
END
cat >inside.sh <<'END'
. ./functions.sh
# A device is made to send from another terminal.
mkfifo keys
"$fox" console --bench "$virtual" --quiet 0.5 <keys >console.out 2>console.err &
exec 3>keys
lines console.err 1
: >heard.err >second.err >heard.out
"$fox" rx --bench "$virtual" --radio station2 --json >second.out 2>second.err &
second=$!
"$fox" rx --bench "$virtual" -o heard.sigmf-meta >heard.out 2>heard.err &
heard=$!
lines heard.err 1
lines second.err 1
printf 'AT$SF=CAFE\n' >&3
lines heard.out 3
lines second.out 3
ends heard $heard
ends second $second
exec 3>&-
run again rx --bench "$virtual" --seconds 1 -o heard.sigmf-meta
run timed rx --bench "$virtual" --seconds 1

# One radio sends, another one receives; who has it is told.
: >receives.err >receives.out
"$fox" rx --bench "$virtual" --radio station2 >receives.out 2>receives.err &
receives=$!
lines receives.err 1
for i in 1 2 3 4 5; do # on a busy computer two programs do not always keep step: then tx says so
    run uplink tx uplink --payload 0badcafe --counter 77 --rank 2 --bench "$virtual" --arm interference
    grep -q 'ran dry\|samples were lost' uplink.err || break
done
lines receives.out 1
ends receives $receives

run downlink tx downlink --counter 9 --payload 0011223344556677 --bench "$virtual"
run noise tx jam noise --for 0.5 --dbm -20 --bench "$virtual" --arm interference
run unarmed tx jam cw --bench "$virtual"
run antenna tx downlink --bench antenna.lua
run loud tx downlink --dbm 9 --bench "$virtual"
run outside tx downlink --hz 870e6 --bench "$virtual"
run wrong tx downlink --bench wrong.lua
run alone tx downlink --bench alone.lua
powered_down >after.lo
END

cat >stopped.sh <<'END'
. ./functions.sh
# Time stands still while the sending process is stopped: the burst is on the air for as long as it takes.
for how in INT KILL; do
    "$fox" tx jam cw --for 10 --bench "$virtual" --arm interference >$how.out 2>$how.err &
    tx=$!
    for i in $(seq 100); do pgrep -P $tx >sender && break; sleep 0.02; done
    sender=$(cat sender)
    for i in $(seq 300); do
        kill -CONT "$sender"
        sleep 0.02
        kill -STOP "$sender"
        [ "$(powered_down)" = 0 ] && break
    done
    powered_down >$how.on
    if [ $how = INT ]; then
        kill -INT $tx
        sleep 0.1
        kill -CONT "$sender"
    else
        kill -KILL "$sender"
    fi
    wait $tx; echo $? >$how.code
    powered_down >$how.off
done

"$fox" rx --bench "$virtual" >third.out 2>third.err &
third=$!
lines third.err 1
run busy tx jam cw --bench "$virtual" --arm interference
echo $third >busy.pid
ends third $third
END
"$lab" run default -- sh ./inside.sh >lab.out 2>lab.err
"$lab" run default -- sh ./stopped.sh >lab2.out 2>lab2.err

is() { # NAME CODE
    [ "$(cat "$1.code")" = "$2" ] || { cat "$1.code" "$1.out" "$1.err"; false; }
}
says() { # FILE PATTERN
    grep -qE -- "$2" "$1" || { cat "$1"; false; }
}
check "rx: exit 0" is heard 0
check "three frames of the device" test "$(grep -c '00f0c5a1 counter    0 .* bytes cafe  tag right$' heard.out)" = 3
check "each rank once" test "$(grep -o 'rank [123]' heard.out | tr '\n' ';')" = 'rank 1;rank 2;rank 3;'
check "another radio hears them, too" test "$(grep -c '"crc_ok":true' second.out)" = 3
check "as JSON with what was measured" says second.out '"measured":\{.*"f_mid_hz"'
"$fox" decode heard.sigmf-meta --json >decoded 2>err
check "the recording holds the same packets" sh -c 'hex() { grep -o "\"packet_hex\":\"[0-9a-f]*\"" "$1"; }
    hex decoded >a; hex second.out >b; [ "$(wc -l <a)" = 3 ] && cmp a b'
check "its annotations name the frames" test "$(grep -o 'uplink rank [123], counter 0' heard.sigmf-meta | wc -l)" = 3
check "a recording is not overwritten: exit 4" is again 4
check "another name is asked for" says again.err 'File exists; name another file'
check "rx --seconds: exit 0" is timed 0
check "so long" says timed.err '^0 frames in 1.0 s'
check "a radio has one user: exit 3" is busy 3
check "who it is, is told" says busy.err "radio station1: process $(cat busy.pid) \(.*foxbench rx .* has it"
check "tx uplink: exit 0" is uplink 0
check "what was sent is said" says uplink.out \
    '^sent uplink as 00f0c5a1, counter 77, rank 2, class C: 868.130000 MHz, [0-9.]+ dBm at the connector of station1'
check "a radio that is free listens" says uplink.out '^heard by station3: '
check "a receiver receives it, signed" says receives.out \
    '00f0c5a1 counter   77 rank 2 class C  bytes 0badcafe  tag right$'
check "tx downlink: exit 0" is downlink 0
check "no bit of it is wrong" says downlink.out '^heard by station2: .*, 0 wrong bits$'
check "tx jam: exit 0" is noise 0
check "at the level that was asked for" says noise.out '^sent jammer noise: .* -20.0 dBm'
check "interference that is not armed: exit 4" is unarmed 4
check "how to arm it" says unarmed.err 'interference was not armed; .* --arm interference'
check "a radio with an antenna: exit 4" is antenna 4
check "it is the antenna" says antenna.err "transmission refused: .* declared 'antenna'"
check "above the permit: exit 4" is loud 4
check "the permit is named" says loud.err 'at most 7.0 dBm .* asked for 9.0 dBm'
check "outside the band: exit 4" is outside 4
check "the band is named" says outside.err 'lies in none of the [0-9]+ permitted bands'
check "a path that is not as declared: exit 3" is wrong 3
check "what was expected of it" says wrong.out 'not as ordered: .* dBFS were expected'
check "nobody listens: exit 6" is alone 6
check "that is said" says alone.out '^heard by nobody: '
check "the oscillator is off after all of them" test "$(cat after.lo)" = 1
check "during a burst it is on" test "$(cat INT.on KILL.on | tr '\n' ' ')" = '0 0 '
check "Ctrl-C: exit 2" is INT 2
check "it says that it stopped" says INT.err 'stopped: the oscillator is off'
check "the oscillator is off" test "$(cat INT.off)" = 1
check "the sending process is lost: exit 3" is KILL 3
check "that is said" says KILL.err 'the sending process was lost \(signal 9\); the transmitters are powered down'
check "the oscillator is off, too" test "$(cat KILL.off)" = 1
check "Ctrl-C ends rx: exit 0" test "$(cat third.code)" = 0

for words in tx 'tx louder' 'tx jam' 'tx jam cv' 'tx downlink --payload 12' 'tx uplink --payload xy' \
    'tx uplink --rank 4' 'tx downlink --counter 4096' 'tx jam cw --for 60' 'tx jam cw --arm everything' \
    'rx --seconds no' 'rx --bench absent.lua'; do
    # shellcheck disable=SC2086 # words
    "$fox" $words --bench "$virtual" >out 2>err </dev/null
    echo $? >code
    check "'$words': exit 4" exits 4
done
finish
