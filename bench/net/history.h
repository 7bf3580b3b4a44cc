// The judge's memory rebuilt from a ledger: after a crash the network knows again which counters it
// has accepted, and what the operator did. docs/EVIDENCE.md has the events.
//
// The caller reads the ledger and hands over its events one by one, from the first. Nothing here
// checks the chain: `foxbench verify` does. One thread.
#ifndef BENCH_NET_HISTORY_H
#define BENCH_NET_HISTORY_H

#include <stddef.h>

#include "bench/base/err.h"
#include "bench/base/json.h"
#include "bench/net/judge.h"

/// Zeroed at first.
struct history {
    double rate_hz;   // of the last `clock` event
    size_t restored;  // messages that were put back
    size_t operators; // acts of the operator that were repeated
};

/// Takes one event: an `uplink` that was accepted moves its device's counter, a `network` event
/// blocks, unblocks or disengages a device; all others say nothing here. Devices that the judge
/// does not know are passed over. ERR_FORMAT when an event cannot be what the bench wrote.
FOX_CHECK int history_event(struct history *h, struct judge *j, const struct jval *event,
                            struct err *err);

#endif
