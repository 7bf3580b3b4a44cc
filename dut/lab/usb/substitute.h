// What the two files of the substitute libusb share.
#ifndef DUT_LAB_USB_SUBSTITUTE_H
#define DUT_LAB_USB_SUBSTITUTE_H

#include <libusb.h>

#include "dut/lab/usb/wire.h"

struct libusb_device {
    struct usb_wire_unit unit;
    int references;
};

#endif
