#!/bin/sh
# PID 1 of the guest: loads the stock kernel's USB/IP and FTDI drivers, imports the lab's adapters, runs the check.
# The kernel's command line names the port of the bridge (bridge=N).
/bin/busybox mount -t proc p /proc
/bin/busybox --install -s /bin
mount -t sysfs s /sys
mount -t devtmpfs d /dev
for m in e1000 usb-common usbcore usbip-core vhci-hcd usbserial ftdi_sio; do
    insmod "/modules/$m.ko" || echo "# module $m does not load"
done
ip link set lo up
ip link set eth0 up
ip addr add 10.0.2.15/24 dev eth0
port=$(sed 's/.*bridge=\([0-9]*\).*/\1/' /proc/cmdline)
echo "# guest up after $(cut -d' ' -f1 /proc/uptime) s, kernel $(uname -r)"
for n in 1 2 3; do /bin/guest_attach 10.0.2.2 "$port" "1-$n" $((n - 1)) || echo "# adapter $n was not attached"; done
i=0
while [ "$(ls /dev | grep -c ttyUSB)" -lt 4 ] && [ $i -lt 300 ]; do
    sleep 0.1
    i=$((i + 1))
done
echo "# adapters there after $(cut -d' ' -f1 /proc/uptime) s"
/bin/guest_check
echo "# guest exit $? after $(cut -d' ' -f1 /proc/uptime) s"
poweroff -f
