// The reference device: what it is, what it remembers, and its life between two power-ups.
//
// main makes one and owns it; every module of this folder works on it. One thread.
#ifndef DUT_FIRMWARE_DEVICE_H
#define DUT_FIRMWARE_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/secret.h"
#include "bench/sfx/cipher.h"
#include "dut/firmware/at.h"
#include "dut/firmware/budget.h"
#include "dut/firmware/counter.h"
#include "dut/firmware/downlink.h"
#include "dut/firmware/faults.h"
#include "dut/firmware/hop.h"
#include "dut/firmware/input.h"
#include "dut/firmware/record.h"
#include "dut/firmware/settings.h"
#include "dut/firmware/strange.h"
#include "dut/port/client.h"

enum {
    DEVICE_PAC_LEN = 8,
    DEVICE_TEMPERATURE_DC = 250,
    DEVICE_TX_DROP_MV = 125,
    DEVICE_REQUESTS = 8
};

struct device {
    // Given at manufacture.
    uint32_t factory_id;
    uint8_t pac[DEVICE_PAC_LEN];
    struct secret key;
    const struct sfx_native_profile *native; // payload encryption; NULL: none
    const struct at_dialect *dialect;
    const struct sfx_zone *home_zone;
    struct faults faults;
    struct devport *port; // lent

    // Since the last reset.
    struct settings settings;
    struct record settings_record;
    struct counter counter;
    struct hop hop;
    struct input input;
    uint64_t uart_lost;     // of the port, as far as `input` knows
    unsigned bytes_written; // by hostile devices
    unsigned commands;      // LAW-LATE
    int64_t next_flood_ns;
    struct budget budget;
    struct record encryption_record;
    bool encryption_key;         // there is one
    bool public_key;             // sign with the public key until the next reset
    bool encrypts;               // payloads, as the profile says
    const struct sfx_zone *zone; // until the next reset
    bool echo;                   // of what comes on the serial line
    uint32_t tx_supply_mv;       // supply voltage during the last transmission
    int64_t next_oob_ns;
    int64_t channels_free_ns; // not to send before, in zones with hopping
    int64_t store_at_ns;      // the counter, where a fault stores it late
    double downlink_hz;       // where and for which message an answer would come
    uint16_t downlink_counter;
    uint16_t requests[DEVICE_REQUESTS]; // counters of the newest requests, the last one first
    size_t n_requests;
    struct ear ear;
    struct downlink_again again;
    int64_t next_listen_ns; // MUT-FWL-003
    bool station_awaited;   // MUT-RES-007, with the two below
    bool station_known;
    double station_offset_hz;
    bool actuator; // the level of output line 0
    bool reset_wanted;
    struct strange strange;
};

/// Starts over, as after a reset: settings, counter and hopping from what the memory holds.
void device_boot(struct device *d, enum counter_boot cause);
/// Serves the serial line until a reset is asked for.
void device_run(struct device *d);
/// The ID that goes on air.
uint32_t device_id(const struct device *d);
/// Whether the lab-enable line is high.
bool device_lab_enabled(const struct device *d);
/// Writes or forgets the encryption key: 0, or a negative errno.
int device_store_encryption_key(struct device *d, bool there);
/// Lets time pass; serial bytes that come meanwhile wait in `input`.
void device_wait_until(struct device *d, int64_t until_ns);
/// Stores the counter where a fault has left that for after the message.
void device_message_sent(struct device *d);
/// Counts the out-of-band period from now.
void device_schedule_oob(struct device *d);
/// Settings back to the maker's, stored: 0 or a negative errno. The counter and the identity stay.
int device_factory_reset(struct device *d);

#endif
