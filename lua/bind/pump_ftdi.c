// The pump's side of the adapter at the device's pins: power and reset, and who else may use it.
#include <stdio.h>

#include "lua/bind/pump_internal.h"

int pump_open_ftdi(struct pump *p, struct err *err)
{
    const struct pump_ftdi *c = &p->config.ftdi;
    if (!c->unit) return ERR_OK;
    int rc = ftdi_open(&p->ftdi, c->serial, err);
    if (rc >= 0) rc = power_init(&p->power, p->ftdi, c->relay, c->reset, c->lab_enable, err);
    if (rc >= 0 && c->supply_low) rc = power_add_ladder(&p->power, c->supply_low, err);
    return rc < 0 ? err_prefix(err, "adapter %s", c->unit) : ERR_OK;
}

int pump_announce_ftdi(struct pump *p, struct err *err)
{
    const struct pump_ftdi *c = &p->config.ftdi;
    return pump_emit(p,
                     jval_make(err, "{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s, s:s, s:b, s:b}}",
                               "type", "instrument", "unit", c->unit, "kind", "ftdi", "serial",
                               c->serial, "model", ftdi_is_double(p->ftdi) ? "FT2232H" : "FT232H",
                               "firmware", "", "settings", "relay", c->relay, "reset",
                               c->reset ? c->reset : "", "lab_enable",
                               c->lab_enable ? c->lab_enable : "", "spi", c->spi, "swd", c->swd),
                     err);
}

struct ftdi *pump_ftdi(struct pump *p)
{
    return p->ftdi;
}

struct power *pump_power(struct pump *p)
{
    return p->ftdi ? &p->power : NULL;
}

int pump_ftdi_failed(struct pump *p, int rc, struct err *err)
{
    if (rc >= 0) return rc;
    rc = err_prefix(err, "adapter %s", p->config.ftdi.unit);
    return rc == ERR_GONE ? pump_fail(p, rc, err) : rc;
}

int pump_check_ftdi(struct pump *p, struct err *err)
{
    if (!p->ftdi || p->broken) return ERR_OK;
    unsigned pin;
    bool high;
    struct err why = {0};
    int rc = ftdi_pin_parse(p->config.ftdi.relay, &pin, &why);
    if (rc == ERR_OK) rc = ftdi_pin_get(p->ftdi, pin, &high, &why);
    if (rc != ERR_GONE) return ERR_OK; // a batch on its way, say: the adapter is there
    (void)pump_ftdi_failed(p, rc, &why);
    return pump_emit(p,
                     jval_make(err, "{s:s, s:s, s:s, s:s}", "type", "fault", "code", err_name(rc),
                               "blame", "bench", "text", why.text),
                     err);
}

int pump_switch_ftdi(struct pump *p, enum pump_switch which, bool active, struct err *err)
{
    int rc = which == PUMP_RESET ? power_reset(&p->power, active, err)
             : active            ? power_on(&p->power, err)
                                 : power_off(&p->power, err);
    return pump_ftdi_failed(p, rc, err);
}

bool pump_has_lab_enable(const struct pump *p)
{
    return p->ftdi && p->power.has_lab_enable;
}

bool pump_has_ladder(const struct pump *p)
{
    return p->ftdi && p->power.has_ladder;
}

int pump_supply_low(struct pump *p, bool low, struct err *err)
{
    return pump_ftdi_failed(p, power_set_low(&p->power, low, err), err);
}

int pump_lab_enable(struct pump *p, bool high, struct err *err)
{
    return pump_ftdi_failed(p, power_lab_enable(&p->power, high, err), err);
}
