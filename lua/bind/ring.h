// The last seconds of raw samples, and SigMF recordings made from them.
//
// The caller owns the struct (iq_ring_init … iq_ring_deinit). Indices are those of the radio's
// stream: 0 = first sample put in.
#ifndef LUA_BIND_RING_H
#define LUA_BIND_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/json.h"

struct iq_ring {
    int16_t *iq;
    size_t capacity; // samples
    int64_t begin;   // index of the first sample since the last jump
    int64_t end;     // index of the next sample
};

FOX_CHECK int iq_ring_init(struct iq_ring *r, size_t capacity, struct err *err);
/// Accepts NULL and a zeroed struct.
void iq_ring_deinit(struct iq_ring *r);
void iq_ring_put(struct iq_ring *r, const int16_t *iq, size_t n);
/// The next sample has this index: what came before is forgotten.
void iq_ring_jump(struct iq_ring *r, int64_t index);
/// Index of the oldest sample that is there.
int64_t iq_ring_oldest(const struct iq_ring *r);
/// Whether samples from .. to - 1 are all there.
bool iq_ring_has(const struct iq_ring *r, int64_t from, int64_t to);
/// Copies samples from .. to - 1 (which are there): I, Q.
void iq_ring_copy(const struct iq_ring *r, int64_t from, int64_t to, int16_t *iq);
/// Writes samples from .. to - 1 (which are there) to a descriptor, little-endian I, Q.
FOX_CHECK int iq_ring_write(const struct iq_ring *r, int64_t from, int64_t to, int fd,
                            struct err *err);

struct iq_ring_meta {
    double rate_hz;
    double centre_hz;
    const char *description;
    int64_t from;    // stream index of the recording's first sample
    int64_t offset;  // what the frames' sample times count beyond the stream index
    int64_t samples; // of the recording
};

/// SigMF metadata (new) for such a recording: no date, an annotation for each of `frames`. NULL
/// with err set.
struct jval *iq_ring_sigmf(const struct iq_ring_meta *meta, const struct jval *frames,
                           struct err *err);

#endif
