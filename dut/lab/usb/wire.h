// What the substitute libusb and the lab say to each other: one request, one answer, over a local
// stream socket whose path stands in FOXLAB_USB. Integers in host order; both ends are one machine.
//
// A connection is a context (LIST) or, after OPEN, a device handle. When the adapter is pulled the
// lab closes its connections.
#ifndef DUT_LAB_USB_WIRE_H
#define DUT_LAB_USB_WIRE_H

#include <stdint.h>

#define USB_WIRE_VARIABLE "FOXLAB_USB"

enum usb_wire_op {
    USB_WIRE_LIST = 1, // answer: a struct usb_wire_unit for each adapter
    USB_WIRE_OPEN,     // unit
    USB_WIRE_CONTROL,  // setup, then len bytes when it goes out; answer: what comes in
    USB_WIRE_OUT,      // endpoint, then len bytes
    USB_WIRE_IN,       // endpoint, at most len bytes
    USB_WIRE_CLAIM,    // interface; refused while another handle has it
    USB_WIRE_RELEASE   // interface
};

enum { USB_WIRE_TRANSFER_MAX = 1 << 16, USB_WIRE_CONFIG_MAX = 64 };

struct usb_wire_request {
    uint32_t op;
    uint32_t where; // unit or endpoint
    uint32_t len;
    uint8_t setup[8];
};

struct usb_wire_answer {
    int32_t status; // 0 or a libusb error
    uint32_t len;   // bytes that follow; of an OUT: bytes taken, none follow
};

struct usb_wire_unit {
    uint32_t unit;
    uint8_t device[18]; // its descriptors
    uint8_t bus, address;
    uint16_t config_len;
    uint8_t config[USB_WIRE_CONFIG_MAX];
};

#endif
