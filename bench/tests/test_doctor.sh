#!/bin/sh
# What the doctor says of a bench that is well, of broken ones, and to a user without rights. TAP.
set -u
. "$(dirname "$0")/common.sh"
lab=$FOX_BIN_DIR/foxlab
chmod 755 "$work"

# doctor EXIT COMMAND…: what it says is in out and err, why it is wrong in $why.
doctor() {
    code=$1
    shift
    "$@" >out 2>err </dev/null
    got=$?
    why=
    [ "$got" -eq "$code" ] || why="exit code $got, expected $code"
}
says() { grep -qE -- "$1" "$work/out" || why="$why; expected a line '$1'"; }
silent() { ! grep -qE -- "$1" "$work/out" || why="$why; there is a line '$1'"; }

doctor 0 "$fox" doctor
silent '^(MISSING|WRONG)'
for unit in 'radio station1' 'radio station2' 'radio station3' 'uart dut1' 'uart dut3' 'ftdi ftdi1'; do
    says "^ok +$unit "
done
says '^ok +radio station1 .*serial 104473f0c5a100010203040506070809a0, .*samples arrive'
says '^ok +key .*fingerprint [0-9a-f]{16}$'
says '^Everything that a run needs is there'
verdict "the virtual lab is well" "$why"
key=$(cat "$root/fixtures/keys/foxdut.key")
verdict "no key is shown" "$(grep -i "$(printf %s "$key" | tr -d ' \n')" "$work/out")"
shown=$(sed -n 's/^ok *libiio *[0-9.]* (\(.*\))$/\1/p' "$work/out")
verdict "it names the file of a library" "$([ -f "$shown" ] || echo "'$shown' is no file")"

doctor 0 "$fox" doctor --json
printed=$(perl -MJSON::PP -0777 -ne '
    my $list = decode_json($_);
    print scalar(grep { $_->{state} eq "ok" && $_->{subject} =~ /^radio / } @$list)' "$work/out" 2>&1)
[ "$printed" = 3 ] || why="$why; three radios in the JSON, found $printed"
verdict "--json is an array of findings" "$why"

# What the instruments are like, against what libiio's own tool reads of them; nothing is on the air afterwards.
{
    cat "$root/fixtures/scenarios/default.scenario"
    for s in $(seq 1 15); do printf 'at %ds overflow pluto station3\nat %d.5s overflow pluto station3\n' "$s" "$s"; done
} >"$work/lossy.scenario"
sed 's/path = "conducted",/path = n == 2 and "antenna" or "conducted",/' "$root/fixtures/benches/virtual.lua" \
    >"$work/one.lua"
cat >"$work/record" <<'SCRIPT'
"$1" doctor --bench "$2" --record --seconds 1 --starts 2 -o new/folder || exit
for name in xo_correction calib_mode; do
    printf '%s %s\n' $name "$(iio_attr -u "$FOXLAB_PLUTO_0_URI" -d ad9361-phy $name | tail -n 1)"
done >told
iio_attr -u "$FOXLAB_PLUTO_0_URI" -c ad9361-phy altvoltage1 powerdown >powerdown
ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 perl -MIO::Socket::UNIX -e '
    my $s = IO::Socket::UNIX->new(Peer => $ENV{FOXLAB_CONTROL}) or die "control: $!";
    for (@ARGV) { print $s "$_\n"; $s->flush; print scalar <$s>; }' 'state device dut1'
SCRIPT
doctor 0 "$lab" run "$work/lossy.scenario" -- sh "$work/record" "$fox" "$work/one.lua"
says '^off'
cp new/folder/instruments-*/summary.md out
says '^\| station1 \| serial number \| - \| 104473f0c5a100010203040506070809a0 \| told \|$'
says '^\| station1 \| range of rates .*\| agrees \|$'
says '^\| station1 \| markers within one start of the streams \| no sample apart \| 0 apart .* 2 starts \| agrees \|$'
says '^\| station1 \| lost samples \| none \| 0 of [0-9]+ blocks marked, in 1\.0 s .*\| agrees \|$'
says '^\| station1 \| a centre beyond the range is refused \| error -22 \| error -22 .*\| agrees \|$'
says '^\| station1 \| carrier of its own oscillator.* dBFS off, .* dBFS on'
says '^\| station2 \| sending \| - \| not tried: the bench file does not let it'
says '^\| station3 \| lost samples \| none \| [1-9][0-9]* of [0-9]+ blocks marked.*\| differs \|$'
says '^\| dut3 \| serial line .*\| agrees \|$'
says '^\| ftdi1 \| adapter .*FT232H, serial FOXFTDI1'
silent '^\| station2 \| (markers|carrier|transmit behind)'
[ "$(cat powerdown)" = 1 ] || why="$why; the oscillator's power-down reads $(cat powerdown)"
perl -MJSON::PP -e '
    sub read_json { local (@ARGV, $/) = @_; decode_json(<>) }
    my ($folder) = glob "new/folder/instruments-*";
    my $all = read_json("$folder/attributes-station1.json");
    print scalar(keys %$all) > 150 ? "" : "few attributes: " . scalar(keys %$all) . "\n";
    open my $told, "<", "told" or die;
    while (<$told>) {
        my ($name, $value) = /(\S+) .*?(\S+)$/ or die $_;
        $value =~ s/^\x27|\x27$//g;
        print "$name: iio_attr reads $value, recorded " . $all->{"ad9361-phy $name"} . "\n"
            if $all->{"ad9361-phy $name"} ne $value;
    }
    my $record = read_json("$folder/record.json");
    print "facts\n" if @{ $record->{facts} } < 40 || grep { !length $_->{found} } @{ $record->{facts} };
' >wrong 2>&1
[ -s wrong ] && why="$why; $(cat wrong)"
verdict "--record writes down what the instruments are like" "$why"

doctor 3 "$fox" doctor --bench "$root/fixtures/benches/broken.lua" --record --seconds 1 -o broken
cp broken/instruments-*/summary.md out
says '^\| station1 \| attributes \| all can be asked for \| .*no Pluto answers there.*\| differs \|$'
says '^\| dut1 \| serial line .*no-such-serial-port.*\| differs \|$'
verdict "what is missing stands in the record" "$why"
doctor 4 "$fox" doctor --seconds 5
grep -q 'expected --record with them' "$work/err" || why="$why; stderr"
verdict "its options belong to --record" "$why"

# A device that gets power sends a frame within seconds, and a bench that transmits is counted as well.
cat >"$work/watch" <<'SCRIPT'
"$1" doctor --bench "$2/fixtures/benches/virtual.lua" >doctor.out || exit
# The sanitizer that the lab preloads would judge perl, too.
ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 perl -MIO::Socket::UNIX -e '
    my $s = IO::Socket::UNIX->new(Peer => $ENV{FOXLAB_CONTROL}) or die "control: $!";
    for (@ARGV) { print $s "$_\n"; $s->flush; print scalar <$s>; }' bursts 'state device dut1'
SCRIPT
doctor 0 "$lab" run default -- sh "$work/watch" "$fox" "$root"
says '^0$'
says '^off'
verdict "nothing was transmitted and no device got power" "$why"

doctor 3 "$fox" doctor --bench "$root/fixtures/benches/broken.lua"
says '^MISSING +radio station1 .*no Pluto answers there: .*check its cable'
says '^MISSING +uart dut1 .*/dev/no-such-serial-port.*check that the adapter is plugged in'
says '^2 missing, 0 wrong\. Begin with: radio station1$'
verdict "a bench without instruments: each one is named" "$why"

sed 's/serial = env "FOXLAB_FTDI_0_SERIAL"/serial = "FT000000"/; s/^      uri = uri,/&\n      serial = "1044",/' \
    "$root/fixtures/benches/virtual.lua" >"$work/swapped.lua"
doctor 3 "$lab" run default -- "$fox" doctor --bench "$work/swapped.lua"
says '^MISSING +radio station1 .*expected serial 1044, found 104473f0c5a1'
says '^MISSING +ftdi ftdi1 .*expected one with this serial number on USB, found FOXFTDI1'
says '^ok +uart dut1'
verdict "other serial numbers than the bench file's" "$why"

# The lock of another bench: flock on the port.
doctor 3 "$lab" run default -- sh -c \
    "exec 9<>\"\$FOXLAB_UART_0\"; flock 9; '$fox' doctor --bench '$root/fixtures/benches/virtual.lua' 9>&-"
says '^MISSING +uart dut1 .*another program holds it'
verdict "a port that somebody else holds" "$why"

sed 's/relay = "AC0"/relay = "AC3"/' "$root/fixtures/benches/virtual.lua" >"$work/pin.lua"
doctor 4 "$lab" run default -- "$fox" doctor --bench "$work/pin.lua"
says "^WRONG +ftdi ftdi1 +ftdi.relay: 'AC3' is no free pin"
verdict "a pin that is not free" "$why"

sed 's/zone = /zoen = /' "$root/fixtures/devices/foxdut.lua" >"$work/typo.lua"
doctor 4 "$fox" doctor --device "$work/typo.lua" --bench "$root/fixtures/benches/broken.lua"
says '^WRONG +contents .*zoen'
says '^MISSING +radio station1'
says '^[0-9]+ missing, 1 wrong\. Begin with: contents$'
verdict "a wrong device file hides nothing of the bench" "$why"

doctor 4 "$fox" doctor --device "$work/absent.lua"
says '^WRONG +device file .*absent\.lua'
says '^ok +radio station1'
verdict "a device file that is not there" "$why"

echo 'syntax(1) return { name = "b", radios = {}, uarts = {} }' >"$work/empty.lua"
doctor 4 "$fox" doctor --bench "$work/empty.lua"
says '^WRONG +contents +bench\.radios: expected one to 4 entries'
says '^ok +key '
verdict "a bench file without radios" "$why"

sed 's|file:../keys/foxdut.key|file:absent.key|' "$root/fixtures/devices/foxdut.lua" >"$work/keyless.lua"
doctor 4 "$fox" doctor --device "$work/keyless.lua"
says '^WRONG +key .*absent\.key'
verdict "a key that cannot be read" "$why"

doctor 3 env FOXBENCH_LAB=/nonexistent/foxlab "$fox" doctor
says '^MISSING +virtual lab'
says '^ +-> build again'
verdict "no virtual lab" "$why"

doctor 3 env TMPDIR="$work/none/such" "$fox" doctor --bench "$root/fixtures/benches/broken.lua" -o /proc/nowhere
says '^MISSING +results +/proc'
says '^ +-> .*name another.* with -o'
says '^MISSING +temporary files +.*/none/such: expected a folder that this user can write to'
says '^ +-> name another one with TMPDIR'
verdict "a folder that nothing can be written to" "$why"

doctor 4 env FOXBENCH_ROOT="$work" "$fox" doctor --bench "$root/fixtures/benches/broken.lua"
says '^(WRONG|MISSING) +suites '
says '^ +-> mend the page, or unset FOXBENCH_ROOT'
verdict "no suites" "$why"

# What a real bench needs beyond a virtual one.
sed 's/virtual = true/virtual = false/; s/ip:127.0.0.1:1/usb:1.2.3/' "$root/fixtures/benches/broken.lua" \
    >"$work/real.lua"
as=
if [ "$(id -u)" -eq 0 ]; then as="setpriv --reuid=65534 --regid=65534 --clear-groups"; fi
if $as test -x "$fox" && ! $as id -nG | grep -qwE 'dialout|root'; then
    # shellcheck disable=SC2086
    doctor 3 $as "$fox" doctor --bench "$work/real.lua" -o /
    says '^warn +group dialout +expected .* to belong to it'
    says '^ +-> sudo usermod -aG dialout .*, then log out and in again$'
    says '^(ok|warn) +udev Pluto '
    says '^MISSING +results .*expected a folder that this user can write to'
    verdict "a user without rights" "$why"
fi
if [ "$(id -u)" -eq 0 ] && getent group dialout >/dev/null && $as test -x "$fox"; then
    gid=$(getent group dialout | cut -d: -f3)
    doctor 3 setpriv --reuid=65534 --regid=65534 --groups "$gid" "$fox" doctor --bench "$work/real.lua"
    says '^ok +group dialout'
    says '^warn +group plugdev'
    verdict "a user with one of two groups" "$why"
fi

doctor 0 "$fox" doctor --udev
says '^SUBSYSTEM=="usb", ATTR\{idVendor\}=="0456", ATTR\{idProduct\}=="b673", .*GROUP="plugdev"'
says '^SUBSYSTEM=="usb", ATTR\{idVendor\}=="0403", ATTR\{idProduct\}=="6014", .*GROUP="plugdev"'
verdict "the udev rules can be printed" "$why"

doctor 4 "$fox" doctor --bench a --bench b
grep -qE "^foxbench doctor: --bench: expected once, got 'a' and 'b'" "$work/err" || why="$why; stderr"
verdict "an option that stands twice" "$why"

finish
