// A serial port of a device under test: bytes and modem lines. Nothing here waits: time belongs to
// the sample clock.
#ifndef DUT_PORT_H
#define DUT_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

enum port_line { PORT_LINE_DTR, PORT_LINE_RTS };

struct port;

struct port_config {
    const char *path;
    unsigned baud; // 8N1
};

// A serial port of this computer; not opened.
struct port_found {
    char path[160];        // one that stays the same where there is one (/dev/serial/by-id)
    char description[128]; // what its USB adapter calls itself
    char serial[64];       // of the adapter; may be empty
    unsigned vendor;       // of the adapter, 0: not on USB
    unsigned product;
};

/// Serial ports on USB. Returns how many, at most max.
FOX_CHECK int port_find(struct port_found *out, size_t max, struct err *err);

/// Opens and locks the port (ERR_BUSY when another process holds it); both lines start inactive,
/// input is flushed.
FOX_CHECK int port_open(struct port **out, const struct port_config *config, struct err *err);
/// Accepts NULL.
void port_close(struct port *p);
/// Queues all of data or fails.
FOX_CHECK int port_write(struct port *p, const void *data, size_t len, struct err *err);
/// What has arrived by now, at most max bytes; 0 when nothing. ERR_GONE when the port was
/// unplugged.
FOX_CHECK int port_read(struct port *p, void *data, size_t max, struct err *err);
FOX_CHECK int port_set_line(struct port *p, enum port_line line, bool active, struct err *err);

#endif
