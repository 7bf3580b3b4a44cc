// The lab's time: what happens when, in which order, and to whom.
//
// Borrows devices, UARTs and air; they outlive it. One thread. The frontier is the latest time that
// anybody has been given; the bench's doings act there, never earlier.
#ifndef DUT_LAB_WORLD_H
#define DUT_LAB_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/lab/air.h"
#include "dut/lab/device.h"
#include "dut/lab/uart.h"

enum { WORLD_UNITS_MAX = 8 };

// A device's place on the table.
struct world_slot {
    struct device *device;
    struct uart *uart;            // NULL: no serial line, always powered
    bool wired;                   // power and reset come from a probe; RTS and DTR do nothing
    bool powered, held;           // RTS, DTR, or the probe's relay and reset
    bool outage;                  // power has failed, whatever the others want
    bool cold;                    // power was off since the last start
    double ppm;                   // error of its radio's crystal: carriers, sampling, bit rate
    struct air_receiver receiver; // what it hears when it listens
    unsigned windows;             // receive windows so far
};

struct world {
    struct air *air;
    struct world_slot slots[WORLD_UNITS_MAX];
    size_t n_slots;
    uint64_t seed;
    int64_t now_ns; // the frontier
    /// Something the scenario has planned: time of the next one, and doing it. ctx is lent.
    int64_t (*next_event)(void *ctx);
    void (*do_event)(void *ctx, int64_t t_ns);
    /// A device is about to send; may be NULL.
    void (*burst)(void *ctx, unsigned index, int64_t start_ns, int64_t end_ns);
    void *ctx;
    unsigned deaths; // devices that died by themselves
};

/// Everything the bench has done by now acts at the frontier: modem lines first, then bytes.
void world_act(struct world *w);
/// Time moves to until_ns: events of devices, lines and scenario happen in their order.
void world_advance(struct world *w, int64_t until_ns);
/// Any device process running?
bool world_is_alive(const struct world *w);
/// Power and reset of a `wired` device as its probe drives them now, at the frontier.
void world_set_lines(struct world *w, unsigned index, bool powered, bool held);
/// Power of a device fails at the frontier, or is back.
void world_set_outage(struct world *w, unsigned index, bool outage);
/// The level of an input line of device `index`, at the frontier.
void world_set_pin(struct world *w, unsigned index, unsigned line, bool level);
/// Its supply's voltage and the temperature around it, at the frontier.
void world_set_supply(struct world *w, unsigned index, uint32_t mv);
void world_set_temperature(struct world *w, unsigned index, int32_t mc);
/// A burst or a line of device `index`; for struct device_host with ctx = the world.
void world_uart_tx(void *ctx, unsigned index, int64_t t_ns, const uint8_t *data, size_t len);
FOX_CHECK int world_rf_tx(void *ctx, unsigned index, int64_t t_ns, double carrier_hz,
                          double rate_hz, float *iq, size_t n, struct err *err);
/// Device `index` dies as if by a crash.
void world_crash(struct world *w, unsigned index, const char *why);

#endif
