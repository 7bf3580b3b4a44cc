// The last seconds of a complex sample stream, contiguous in memory and addressed by absolute
// index.
//
// The owner appends and may change samples that are still kept (a decoded burst is subtracted).
// What lies before the first or after the last sample reads as silence through phy_stream_read.
#ifndef BENCH_PHY_STREAM_H
#define BENCH_PHY_STREAM_H

#include <complex.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct phy_stream {
    float complex *data;
    size_t keep; // at least so many of the latest samples are there
    size_t cap;
    size_t len;
    int64_t first; // index of data[0]
};

FOX_CHECK int phy_stream_init(struct phy_stream *s, size_t keep, struct err *err);
/// Accepts NULL and a zeroed struct.
void phy_stream_deinit(struct phy_stream *s);
/// n at most `keep`.
void phy_stream_append(struct phy_stream *s, const float complex *samples, size_t n);
/// Index after the last sample.
int64_t phy_stream_end(const struct phy_stream *s);
/// n samples from index `from`: lent, or copied into `scratch` where some of them are not there.
const float complex *phy_stream_read(const struct phy_stream *s, int64_t from, size_t n,
                                     float complex *scratch);

#endif
