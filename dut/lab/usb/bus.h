// The lab's USB: adapters behind a local socket, for the substitute libusb (wire.h).
//
// Borrows the loop and the probes. One thread; everything happens inside the loop's callbacks, at
// the frontier.
#ifndef DUT_LAB_USB_BUS_H
#define DUT_LAB_USB_BUS_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/lab/loop.h"
#include "dut/lab/usb/probe.h"

struct usb_bus;

struct usb_bus_config {
    struct loop *loop;
    const char *dir; // the socket is made there
    struct probe *const *probes;
    size_t n_probes;
    /// Lab time; what the bench has done by other ways acts before it. ctx is lent.
    int64_t (*now)(void *ctx);
    void *ctx;
};

FOX_CHECK int usb_bus_new(struct usb_bus **out, const struct usb_bus_config *config,
                          struct err *err);
/// Accepts NULL.
void usb_bus_free(struct usb_bus *b);
const char *usb_bus_path(const struct usb_bus *b);
/// Adapter `unit` is pulled: its handles are gone. It comes back as new.
void usb_bus_unplug(struct usb_bus *b, size_t unit);
void usb_bus_replug(struct usb_bus *b, size_t unit);

#endif
