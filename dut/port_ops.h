// What one kind of port must do: the table behind port.h, for port_*.c and for fakes in tests.
//
// An implementation embeds struct port as its first member.
#ifndef DUT_PORT_OPS_H
#define DUT_PORT_OPS_H

#include "dut/port.h"

struct port_ops {
    // As port_write, port_read and port_set_line of port.h. None of them waits for the device.
    int (*write)(struct port *p, const void *data, size_t len, struct err *err);
    int (*read)(struct port *p, void *data, size_t max, struct err *err);
    int (*set_line)(struct port *p, enum port_line line, bool active, struct err *err);
    // Called exactly once; frees p. Works on a port that is gone.
    void (*close)(struct port *p);
};

struct port {
    const struct port_ops *ops;
};

#endif
