// The devices of the pump: the one under test, and further units of its make beside it. One of them
// is in use: commands, switches and the serial log are its. The others' ports are open and silent.
#include <stdio.h>
#include <string.h>

#include "lua/bind/pump_internal.h"

static int open_unit(struct pump *p, struct pump_unit *u, const struct pump_unit_config *config,
                     struct err *err)
{
    u->config = *config;
    int rc = port_open(&u->port, &config->port, err);
    if (rc < 0) return pump_name_unit(err, "port", config->port.path, config->uart_unit);
    rc = dut_new(&u->dut, u->port, &p->config.dialect, err);
    if (rc < 0) return rc;
    dut_set_tap(u->dut, pump_log_bytes, p);
    return config->key ? secret_init(&u->key, config->key->data, config->key->len, err) : ERR_OK;
}

int pump_open_units(struct pump *p, struct err *err)
{
    const struct pump_config *c = &p->config;
    struct pump_unit_config device = {
        .uart_unit = c->uart_unit,
        .port = c->port,
        .device_id = c->device_id,
        .key = c->key,
        .token = c->token,
    };
    memcpy(device.lines, c->lines, sizeof device.lines);
    p->unit = &p->units[0];
    int rc = open_unit(p, &p->units[0], &device, err);
    for (size_t i = 0; rc == ERR_OK && i < c->n_samples; i++)
        rc = open_unit(p, &p->units[i + 1], &c->samples[i], err);
    return rc;
}

void pump_close_units(struct pump *p)
{
    for (size_t i = 0; i < 1 + p->config.n_samples; i++) {
        struct pump_unit *u = &p->units[i];
        dut_free(u->dut);
        port_close(u->port); // lowers its lines: a sample is off
        secret_deinit(&u->key);
    }
}

int pump_announce_units(struct pump *p, struct err *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < 1 + p->config.n_samples; i++) {
        const struct pump_unit_config *c = &p->units[i].config;
        rc = pump_emit(p,
                       jval_make(err, "{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:i, s:b, s:b, s:s}}",
                                 "type", "instrument", "unit", c->uart_unit, "kind", "uart",
                                 "serial", "", "model", "", "firmware", "", "settings", "baud",
                                 (int)c->port.baud, "power", c->lines[PUMP_POWER] >= 0, "reset",
                                 c->lines[PUMP_RESET] >= 0, "dialect", p->config.dialect.name),
                       err);
    }
    return rc;
}

int pump_poll_unit(struct pump *p, struct err *err)
{
    struct pump_unit *u = p->unit;
    int rc = dut_poll(u->dut, p->now, err);
    return rc < 0 ? pump_name_unit(err, "port", u->config.port.path, u->config.uart_unit) : ERR_OK;
}

unsigned pump_samples(const struct pump *p)
{
    return (unsigned)p->config.n_samples;
}

const struct pump_unit_config *pump_unit_of(const struct pump *p, unsigned unit)
{
    return &p->units[unit].config;
}

// What a unit said while another was in use has no time and no question: it is dropped.
static int drop_input(struct pump_unit *u, struct err *err)
{
    char dropped[256];
    int n;
    do
        n = port_read(u->port, dropped, sizeof dropped, err);
    while (n > 0);
    return n < 0 ? pump_name_unit(err, "port", u->config.port.path, u->config.uart_unit) : ERR_OK;
}

int pump_use(struct pump *p, unsigned unit, struct err *err)
{
    if (p->broken) return pump_refuse(p, err);
    if (unit > p->config.n_samples)
        return err_set(err, ERR_INVALID,
                       "expected a unit from 0, the device under test, to %zu, got %u",
                       p->config.n_samples, unit);
    struct pump_unit *u = &p->units[unit];
    if (u == p->unit) return ERR_OK;
    int rc = drop_input(u, err);
    if (rc < 0) return pump_fail(p, rc, err);
    p->unit = u;
    pump_queue_clear(&p->lines);
    pump_log_unit(p);
    return ERR_OK;
}

int pump_rest(struct pump *p, struct err *err)
{
    if (p->broken || p->unit == &p->units[0]) return ERR_OK;
    int rc = pump_switch(p, PUMP_POWER, false, err);
    return rc < 0 ? rc : pump_use(p, 0, err);
}
