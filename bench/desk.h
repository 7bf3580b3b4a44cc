// Instruments at a device's pins and serial line, for manual use: the same bench file, drivers and
// locks as a run.
//
// A desk owns what it opened (zeroed … desk_close). Power goes when it is closed: pins of an
// adapter float then, and the lines of a serial port fall. One thread.
#ifndef BENCH_DESK_H
#define BENCH_DESK_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/json.h"
#include "dut/port.h"
#include "dut/port_ftdi.h"
#include "dut/power.h"

struct desk {
    struct jval *bench;         // as read and checked
    struct ftdi *ftdi;          // NULL: not opened, or the bench has none
    struct power power;         // through the adapter
    struct port *port;          // NULL: not opened
    int power_line, reset_line; // of port, enum port_line; -1: not there
    const char *line;           // unit of the port
    bool switched;              // something switches the device's power
    const char *what;           // of the adapter or the port, for people
    double discharge_s;
    bool has_flash, has_swd, has_jtag; // on the adapter, by the bench file
};

enum { DESK_GO_ON = -1 };

/// A command without --bench is carried out in a virtual lab of its own: starts one and this
/// program again in it, with --bench, --arm of `armed` (NULL: nothing) and the same words. Returns
/// its exit code.
int desk_in_lab(const char *command, const char *armed, int argc, char **argv);

/// Reads and checks the bench file. ERR_USAGE: wrong, with file and field.
FOX_CHECK int desk_read(struct desk *d, const char *bench, struct err *err);
/// Opens the adapter; the device is without power then. ERR_USAGE when the bench has none.
FOX_CHECK int desk_open_ftdi(struct desk *d, struct err *err);
/// Opens what switches the device's power: the adapter, or the serial port of `power`.
FOX_CHECK int desk_open_power(struct desk *d, struct err *err);
/// Opens the serial port of `unit` (NULL: the bench's first), and what switches the power of its
/// device, if anything does.
FOX_CHECK int desk_open_line(struct desk *d, const char *unit, unsigned baud, struct err *err);
/// Accepts a zeroed desk.
void desk_close(struct desk *d);

/// Whether the power really is off, where a flash chip on the adapter's pins can tell.
FOX_CHECK int desk_check_off(struct desk *d, struct err *err);
/// Power and reset of the device, whichever way they go.
FOX_CHECK int desk_set_power(struct desk *d, bool on, struct err *err);
FOX_CHECK int desk_set_reset(struct desk *d, bool held, struct err *err);
/// Waits (seconds < 0: until a signal comes), by the adapter's own clock where there is one, so
/// that time passes in a lab, too. 1: interrupted by SIGINT or SIGTERM, which are taken from the
/// first call on.
FOX_CHECK int desk_wait(struct desk *d, double seconds, struct err *err);

/// Whether SIGINT, SIGTERM or SIGHUP came; they are taken from the first call on.
bool desk_interrupted(void);
/// Seconds of an option; NULL leaves *out. From 0 to 86400.
FOX_CHECK int desk_seconds(const char *option, const char *text, double *out, struct err *err);
/// Prints the error; the exit code for it.
int desk_fail(const char *command, const struct err *err);

#endif
