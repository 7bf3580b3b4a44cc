#include "dut/port.h"

#include "dut/port_ops.h"

void port_close(struct port *p)
{
    if (p) p->ops->close(p);
}

int port_write(struct port *p, const void *data, size_t len, struct err *err)
{
    return p->ops->write(p, data, len, err);
}

int port_read(struct port *p, void *data, size_t max, struct err *err)
{
    return p->ops->read(p, data, max, err);
}

int port_set_line(struct port *p, enum port_line line, bool active, struct err *err)
{
    return p->ops->set_line(p, line, active, err);
}
