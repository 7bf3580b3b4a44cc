#!/bin/sh
# The full tier: the lab's adapters over USB/IP in a QEMU guest with a stock kernel, and the bench's drivers on them
# through the real libftdi, libusb, ftdi_sio and libserialport. Prints TAP; skips aloud where something is missing.
# FOX_KERNEL names a folder with boot/vmlinuz-* and lib/modules/* (of dpkg -x linux-image-….deb); default: /.
set -eu
build=${FOX_BIN_DIR:?set FOX_BIN_DIR to the folder of foxlab}/..
here=$FOX_SOURCE_DIR/dut/lab/tests/full
kernel=${FOX_KERNEL:-/}

skip() {
    echo "1..0 # SKIP full tier: $1"
    echo "full tier SKIPPED: $1" >&2
    exit 0
}

# Inside the lab: the bridge, and the guest beside it.
if [ "${1:-}" = inside ]; then
    work=$2
    "$build/tests/usbip_bridge" >"$work/port" &
    bridge=$!
    for _ in 1 2 3 4 5 6 7 8 9 10; do [ -s "$work/port" ] || sleep 0.1; done
    # Without the lab's libraries: QEMU links a libusb of its own.
    unset LD_LIBRARY_PATH LD_PRELOAD
    timeout "${FOX_FULL_LIMIT_S:-300}" qemu-system-x86_64 -accel tcg -m 256 -nographic -no-reboot \
        -kernel "$work/vmlinuz" -initrd "$work/initrd" -nic user,model=e1000 \
        -append "console=ttyS0 quiet panic=-1 bridge=$(cat "$work/port")" </dev/null >"$work/console" 2>&1 || true
    kill "$bridge"
    exit 0
fi

command -v qemu-system-x86_64 >/dev/null || skip "no qemu-system-x86_64; install qemu-system-x86"
busybox=$(command -v busybox) || skip "no busybox; install busybox-static"
command -v cpio >/dev/null || skip "no cpio; install cpio"
modules=
for v in "$kernel"/boot/vmlinuz-*; do
    m=$kernel/lib/modules/${v##*/vmlinuz-}
    if [ -r "$v" ] && [ -d "$m/kernel/drivers/usb/usbip" ]; then modules=$m vmlinuz=$v; fi
done
[ "$modules" ] || skip "no kernel with USB/IP in $kernel; see docs/TESTING.md for FOX_KERNEL"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root/bin" "$root/modules" "$root/proc" "$root/sys" "$root/dev"
cp "$vmlinuz" "$work/vmlinuz"
cp "$busybox" "$root/bin/busybox"
cp "$here/guest_init.sh" "$root/init"
chmod 755 "$root/init"
ln -s busybox "$root/bin/sh"
for m in e1000 usb-common usbcore usbip-core vhci-hcd usbserial ftdi_sio; do
    f=$(find "$modules" -name "$m.ko")
    [ "$f" ] || skip "kernel ${vmlinuz##*/} has no module $m"
    cp "$f" "$root/modules"
done
for p in guest_check guest_attach; do
    cp "$build/tests/$p" "$root/bin"
    ldd "$build/tests/$p" | grep -oE '/[^ ]+' | while read -r l; do
        mkdir -p "$root$(dirname "$l")"
        cp -Ln "$l" "$root$l"
    done
done
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$work/initrd"

begin=$(date +%s)
"$FOX_BIN_DIR/foxlab" run --live "$build/dut/probes.scenario" -- "$0" inside "$work" || true
tr -d '\r' <"$work/console" | grep -E '^(ok|not ok|1\.\.|# )' || true
echo "# full tier took $(($(date +%s) - begin)) s"
if grep -q '^# guest exit 0 ' "$work/console"; then exit 0; fi
tail -n 30 "$work/console" >&2
exit 1
