// Recordings of a run pushed through the present receiver, and what comes out set against the
// frames that were booked. replay_recording.c decodes and compares one; cmd_replay.c walks the run.
#ifndef BENCH_REPLAY_H
#define BENCH_REPLAY_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"
#include "bench/base/json.h"
#include "bench/net/judge.h"
#include "bench/sfx/uplink.h"

struct replay_config {
    double low_hz, high_hz; // uplink band
    bool bit_rate_600;      // of the device; else 100
    struct judge *judge;    // knows the device's key; NULL: tags are not computed again
    // The same key for the receiver, which takes weak frames by it as it did in the run. Lent; all
    // zeros: none is at hand.
    struct sfx_signer signer;
    uint32_t device_id;
};

struct replay_count {
    size_t recordings;
    size_t frames;  // booked and inside a recording
    size_t differ;  // of them: missing now, or read otherwise
    size_t tags;    // computed again
    size_t beside;  // heard now and not booked
    size_t altered; // files whose digest is not the ledger's
};

/// Decodes a recording of one attempt and prints a line for each frame that is not as it was
/// booked. `meta` is its path, `name` what to call it, `booked` the attempt's uplink events. What
/// cannot be read counts as a difference; only a broken bench is an error.
FOX_CHECK int replay_recording(const struct replay_config *config, const char *meta,
                               const char *name, const struct jval *booked, struct replay_count *n,
                               struct err *err);

#endif
