// One device process on the device port: started by power, run by grants of time, ended by a kill.
//
// Owns the process and its NVM. One thread; a call blocks while the device computes, at most
// DEVICE_LIMIT_MS of wall time. A device that breaks the protocol, dies or stalls is DEAD until its
// power is switched off and on.
#ifndef DUT_LAB_DEVICE_H
#define DUT_LAB_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "bench/base/err.h"
#include "dut/lab/memory.h"
#include "dut/lab/nvm.h"
#include "dut/lab/wire.h"
#include "dut/port/port_wire.h"

enum { DEVICE_LIMIT_MS = 10000, DEVICE_NAME_MAX = 32, DEVICE_LISTENS_MAX = 4 };

enum device_state { DEVICE_STATE_OFF, DEVICE_STATE_RUNNING, DEVICE_STATE_DEAD };

struct device;

// What a device does to the world around it; called inside device_grant. ctx is lent.
struct device_host {
    void *ctx;
    void (*uart_tx)(void *ctx, unsigned index, int64_t t_ns, const uint8_t *data, size_t len);
    /// iq is given away. 0, or a negative code: the device is at fault.
    int (*rf_tx)(void *ctx, unsigned index, int64_t t_ns, double carrier_hz, double rate_hz,
                 float *iq, size_t n, struct err *err);
};

// A receive window that the device has asked for.
struct device_listen {
    int64_t from_ns, to_ns;
    double carrier_hz, rate_hz;
};

struct device {
    char name[DEVICE_NAME_MAX];
    unsigned index;
    char *const *argv;
    uint64_t seed;
    struct device_host host;
    struct nvm *nvm;
    struct memory *memory; // for probes
    uint32_t supply_mv;
    int32_t temperature_mc; // thousandths of a degree Celsius
    uint32_t version;       // of the device port, as the program speaks it
    uint32_t outputs;       // level of its output line n in bit n; low without power
    uint32_t pins; // level of input line n in bit n; wired from outside, so power is not asked

    enum device_state state;
    pid_t pid;
    struct wire wire;
    int64_t granted_ns; // the device has lived up to here
    int64_t message_ns; // time of its last message
    int64_t next_ns;    // its next own event
    struct device_listen listens[DEVICE_LISTENS_MAX];
    size_t n_listens;
    unsigned starts;
    char program[64]; // as it named itself
    char why_dead[256];
    int limit_ms;
};

struct device_config {
    const char *name;
    unsigned index;
    char *const *argv; // lent, NULL at the end
    const char *nvm_path;
    const uint8_t *nvm; // what a new one holds, PORT_NVM_SIZE bytes, lent; NULL: erased
    uint32_t supply_mv;
    int32_t temperature_mc;
    uint64_t seed;
    struct device_host host;
};

/// Where a device with this NVM file keeps its option bytes.
void device_options_path(const char *nvm_path, char *out, size_t size);
FOX_CHECK int device_new(struct device **out, const struct device_config *config, struct err *err);
/// Accepts NULL; kills a running process.
void device_free(struct device *d);
/// Starts the process at now_ns. A device that refuses is ERR_USAGE with its reason; one that does
/// not start, ERR_NOTFOUND or ERR_GONE.
FOX_CHECK int device_start(struct device *d, enum port_boot_cause cause, int64_t now_ns,
                           struct err *err);
/// Power is cut or reset is held at now_ns. Nothing is said to the device.
void device_stop(struct device *d, int64_t now_ns);
/// The process ends as if it had crashed.
void device_crash(struct device *d, int64_t now_ns, const char *why);
/// Bytes that reach the device's UART at t_ns, within the next grant.
FOX_CHECK int device_uart_rx(struct device *d, int64_t t_ns, const uint8_t *data, size_t len,
                             struct err *err);
/// The level of an input line (0 … 31) changes at t_ns. It lasts over power cuts.
FOX_CHECK int device_set_pin(struct device *d, int64_t t_ns, unsigned line, bool level,
                             struct err *err);
/// The supply's voltage, the temperature around the device. Both last over power cuts.
FOX_CHECK int device_set_supply(struct device *d, int64_t t_ns, uint32_t mv, struct err *err);
FOX_CHECK int device_set_temperature(struct device *d, int64_t t_ns, int32_t mc, struct err *err);
/// Runs the device up to until_ns; what it sends reaches the host in order. An error means that it
/// is dead now.
FOX_CHECK int device_grant(struct device *d, int64_t until_ns, struct err *err);
/// The earliest receive window that has ended by t_ns; true while there is one.
bool device_next_listen(struct device *d, int64_t t_ns, struct device_listen *out);
FOX_CHECK int device_rf_samples(struct device *d, const struct device_listen *window,
                                const float *iq, size_t n, struct err *err);
/// When something happens to the device by itself: its own event or the end of a window.
int64_t device_next_ns(const struct device *d);

#endif
