#include "dut/lab/world.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

#include "bench/base/log.h"
#include "bench/base/rng.h"

void world_uart_tx(void *ctx, unsigned index, int64_t t_ns, const uint8_t *data, size_t len)
{
    struct world *w = ctx;
    if (w->slots[index].uart) uart_transmit(w->slots[index].uart, t_ns, data, len);
}

int world_rf_tx(void *ctx, unsigned index, int64_t t_ns, double carrier_hz, double rate_hz,
                float *iq, size_t n, struct err *err)
{
    struct world *w = ctx;
    double true_factor = 1 + w->slots[index].ppm * 1e-6;
    carrier_hz *= true_factor;
    rate_hz *= true_factor;
    if (w->burst) w->burst(w->ctx, index, t_ns, t_ns + (int64_t)((double)n * 1e9 / rate_hz));
    return air_send_take(w->air, index, t_ns, carrier_hz, rate_hz, iq, n, err);
}

// The world's side of a device that is gone, for whatever reason.
static void silence(struct world *w, struct world_slot *s)
{
    air_cut(w->air, s->device->index, w->now_ns);
    if (!s->uart) return;
    uart_drop(s->uart, w->now_ns);
    uart_set_inputs(s->uart, s->device->outputs);
}

static void report_death(struct world *w, struct world_slot *s, const struct err *why)
{
    w->deaths++;
    silence(w, s);
    LOG_ERROR("foxlab", "%s; it stays dead until its power is switched off and on (at %.6f s)",
              why->text, (double)w->now_ns * 1e-9);
}

void world_crash(struct world *w, unsigned index, const char *why)
{
    struct world_slot *s = &w->slots[index];
    if (s->device->state != DEVICE_STATE_RUNNING) return;
    device_crash(s->device, w->now_ns, why);
    w->deaths++;
    silence(w, s);
}

// Power and reset of a device have changed, or the lab begins.
static void apply_lines(struct world *w, struct world_slot *s)
{
    struct device *d = s->device;
    bool on = s->powered && !s->held && !s->outage;
    if (!s->powered || s->outage) s->cold = true;
    if (!on && d->state != DEVICE_STATE_OFF) {
        bool dead = d->state == DEVICE_STATE_DEAD;
        // A reset does not bring back a device that the lab has given up.
        if (dead && s->powered && !s->outage) return;
        device_stop(d, w->now_ns);
        silence(w, s);
    } else if (on && d->state == DEVICE_STATE_OFF) {
        struct err why = {0};
        enum port_boot_cause cause = s->cold ? PORT_BOOT_POWER : PORT_BOOT_RESET;
        s->cold = false;
        if (s->uart) uart_drop(s->uart, w->now_ns);
        if (device_start(d, cause, w->now_ns, &why) < 0) report_death(w, s, &why);
    }
}

void world_set_lines(struct world *w, unsigned index, bool powered, bool held)
{
    struct world_slot *s = &w->slots[index];
    if (powered == s->powered && held == s->held) return;
    if (powered && !s->powered) memory_power_up(s->device->memory); // also when held in reset
    s->powered = powered;
    s->held = held;
    apply_lines(w, s);
}

void world_set_outage(struct world *w, unsigned index, bool outage)
{
    struct world_slot *s = &w->slots[index];
    if (outage == s->outage) return;
    s->outage = outage;
    if (s->powered && !outage) memory_power_up(s->device->memory);
    apply_lines(w, s);
}

void world_set_pin(struct world *w, unsigned index, unsigned line, bool level)
{
    struct world_slot *s = &w->slots[index];
    struct err why = {0};
    if (device_set_pin(s->device, w->now_ns, line, level, &why) < 0) report_death(w, s, &why);
}

void world_set_supply(struct world *w, unsigned index, uint32_t mv)
{
    struct world_slot *s = &w->slots[index];
    struct err why = {0};
    if (device_set_supply(s->device, w->now_ns, mv, &why) < 0) report_death(w, s, &why);
}

void world_set_temperature(struct world *w, unsigned index, int32_t mc)
{
    struct world_slot *s = &w->slots[index];
    struct err why = {0};
    if (device_set_temperature(s->device, w->now_ns, mc, &why) < 0) report_death(w, s, &why);
}

void world_act(struct world *w)
{
    for (size_t i = 0; i < w->n_slots; i++) {
        struct world_slot *s = &w->slots[i];
        unsigned lines;
        if (!s->uart && !s->wired && !s->powered) {
            s->powered = s->cold = true;
            apply_lines(w, s);
        }
        if (!s->uart) continue;
        while (uart_next_lines(s->uart, &lines)) {
            if (lines & FOXSHIM_BREAK) {
                uart_take_input(s->uart, w->now_ns); // what was written before it
                uart_break(s->uart, w->now_ns);
                continue;
            }
            if (s->wired) continue;
            s->powered = (lines & TIOCM_RTS) != 0;
            s->held = (lines & TIOCM_DTR) != 0;
            apply_lines(w, s);
        }
        uart_take_input(s->uart, w->now_ns);
    }
}

static int64_t slot_next_ns(const struct world_slot *s)
{
    int64_t own = device_next_ns(s->device);
    int64_t arrival = s->uart ? uart_next_arrival(s->uart) : PORT_NEVER;
    return own < arrival ? own : arrival;
}

// What the device heard in a window that has ended.
static int deliver_window(struct world *w, struct world_slot *s, const struct device_listen *l,
                          struct err *err)
{
    // A slow crystal takes fewer samples in the window; a fast one stops when it has what was
    // asked.
    double true_factor = 1 + s->ppm * 1e-6, true_hz = l->rate_hz * true_factor;
    size_t n = (size_t)floor((double)(l->to_ns - l->from_ns) * 1e-9 * fmin(l->rate_hz, true_hz));
    float *iq = malloc((n + 1) * 8);
    if (!iq) return err_set(err, ERR_NOMEM, "a receive window of %zu samples", n);
    char stream[96];
    snprintf(stream, sizeof stream, "device %s window %u", s->device->name, s->windows++);
    struct air_receiver rx = s->receiver;
    rx.clock =
        (struct sample_clock){.base_ns = l->from_ns, .rate_uhz = (int64_t)llround(true_hz * 1e6)};
    rx.centre_hz = l->carrier_hz * true_factor;
    rx.noise_key = rng_key(w->seed, stream);
    rx.noise_mw = s->receiver.noise_mw * l->rate_hz; // given for 1 Hz
    air_hear(w->air, &rx, 0, n, 1, iq);
    int rc = device_rf_samples(s->device, l, iq, n, err);
    free(iq);
    return rc;
}

// Lets the device live up to t_ns, with what reaches it at that time.
static void run_slot(struct world *w, struct world_slot *s, int64_t t_ns)
{
    uint8_t data[256];
    size_t len = s->uart ? uart_arrived(s->uart, t_ns, data, sizeof data) : 0;
    if (s->device->state != DEVICE_STATE_RUNNING) return; // nobody there: the bytes are gone
    struct err why = {0};
    int rc = len ? device_uart_rx(s->device, t_ns, data, len, &why) : ERR_OK;
    struct device_listen window;
    while (rc >= 0 && device_next_listen(s->device, t_ns, &window))
        rc = deliver_window(w, s, &window, &why);
    if (rc >= 0) rc = device_grant(s->device, t_ns, &why);
    if (rc >= 0) return;
    report_death(w, s, &why);
}

void world_advance(struct world *w, int64_t until_ns)
{
    for (;;) {
        struct world_slot *first = NULL;
        int64_t t = until_ns;
        for (size_t i = 0; i < w->n_slots; i++) {
            int64_t next = slot_next_ns(&w->slots[i]);
            if (next <= t && (!first || next < t)) {
                t = next;
                first = &w->slots[i];
            }
        }
        int64_t planned = w->next_event ? w->next_event(w->ctx) : PORT_NEVER;
        bool event = planned <= t;
        if (!event && !first) break;
        if (event) t = planned;
        if (t > w->now_ns) w->now_ns = t;
        if (event)
            w->do_event(w->ctx, w->now_ns);
        else
            run_slot(w, first, w->now_ns);
    }
    if (until_ns > w->now_ns) w->now_ns = until_ns;
    for (size_t i = 0; i < w->n_slots; i++) {
        if (w->slots[i].uart) {
            uart_set_inputs(w->slots[i].uart, w->slots[i].device->outputs);
            uart_deliver(w->slots[i].uart, w->now_ns);
        }
        nvm_settle(w->slots[i].device->nvm, w->now_ns);
    }
}

bool world_is_alive(const struct world *w)
{
    for (size_t i = 0; i < w->n_slots; i++)
        if (w->slots[i].device->state == DEVICE_STATE_RUNNING) return true;
    return false;
}
