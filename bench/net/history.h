// The judge's memory rebuilt from a ledger: after a crash the network knows again which counters it
// has accepted, and what the operator did. docs/EVIDENCE.md has the events.
//
// The caller reads the ledger, or keeps the history_extract of each event, and hands these over one
// by one, from the first. Nothing here checks the chain: `foxbench verify` does. One thread.
#ifndef BENCH_NET_HISTORY_H
#define BENCH_NET_HISTORY_H

#include <stddef.h>

#include "bench/base/err.h"
#include "bench/base/json.h"
#include "bench/net/judge.h"
#include "bench/net/monitor.h"

/// Zeroed at first.
struct history {
    struct monitor *monitor; // lent; NULL: blocks of stations are passed over
    double rate_hz;          // of the last `clock` event
    size_t restored;         // messages that were put back
    size_t operators;        // acts of the operator that were repeated
};

/// Takes one event: an `uplink` that was accepted moves its device's counter, a `network` event
/// disengages a device, blocks or unblocks a device or station, an `alarm` blocks what it says; all
/// others say nothing here. Devices that the judge does not know are passed over. ERR_FORMAT when
/// an event cannot be what the bench wrote.
FOX_CHECK int history_event(struct history *h, struct judge *j, const struct jval *event,
                            struct err *err);
/// What history_event needs of an event, and whatever else its fields `sample` and `seq` say (new);
/// *out is NULL when it needs nothing.
FOX_CHECK int history_extract(const struct jval *event, struct jval **out, struct err *err);

#endif
