// Power and reset of a device, through the pins of an FTDI adapter.
//
// Borrows the adapter; one thread. Nothing waits: how long power stays off is the caller's, on the
// sample clock. A device has no power before power_on and after the adapter is closed or pulled.
#ifndef DUT_POWER_H
#define DUT_POWER_H

#include <stdbool.h>

#include "bench/base/err.h"
#include "dut/port_ftdi.h"

struct power {
    struct ftdi *ftdi;
    unsigned relay_pin, reset_pin, lab_enable_pin, ladder_pin;
    bool has_reset, has_lab_enable, has_ladder;
    bool is_on, is_held;
};

/// Pin names as in the bench file ("AC0"); reset and lab_enable may be NULL. Power is off then.
FOX_CHECK int power_init(struct power *p, struct ftdi *ftdi, const char *relay, const char *reset,
                         const char *lab_enable, struct err *err);
/// A further pin lowers the device's supply while it is high, by a resistor ladder; low now. After
/// power_init.
FOX_CHECK int power_add_ladder(struct power *p, const char *pin, struct err *err);
/// ERR_UNSUPPORTED without a ladder.
FOX_CHECK int power_set_low(struct power *p, bool low, struct err *err);
FOX_CHECK int power_on(struct power *p, struct err *err);
/// The relay also discharges the device's supply; the bus pins float, or they would feed it.
FOX_CHECK int power_off(struct power *p, struct err *err);
/// Whether it really is off: a flash chip on the bus that still answers has power. `wired` says
/// that there is one; ERR_IO names the relay then. Switch it off first.
FOX_CHECK int power_check_off(struct power *p, bool wired, struct err *err);
/// Holds the device in reset or lets it run. ERR_UNSUPPORTED when the bench file names no pin.
FOX_CHECK int power_reset(struct power *p, bool held, struct err *err);
/// The device's lab-enable line, for what it allows on a bench only.
FOX_CHECK int power_lab_enable(struct power *p, bool level, struct err *err);

#endif
