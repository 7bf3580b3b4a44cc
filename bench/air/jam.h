// The decision of a reactive jammer: hears a frame begin, counts which of its message it is, and
// says when to jam it, where and how long. Pure: samples in, orders out; who has the transmitter
// carries them out (air_jam_send).
//
// An air_jam owns its buffers. One thread. It follows one frame at a time, the strongest; a frame
// must last longer than AIR_JAM_LISTEN_S and the time to the transmitter. Its decision falls
// AIR_JAM_LISTEN_S after the frame's start: for a frame of 100 bit/s in its preamble.
#ifndef BENCH_AIR_JAM_H
#define BENCH_AIR_JAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/air/receive.h"
#include "bench/base/err.h"

#define AIR_JAM_LISTEN_S 0.13

struct air_jam_config {
    double rate_hz; // of the samples
    double low_hz;  // band to watch, relative to the samples' centre
    double high_hz;
    unsigned ranks;  // bit r - 1: jam the frame of rank r
    double frame_s;  // how long a frame lasts
    double tail_s;   // how much longer the jammer stays, so that its power alone can be measured
    double pause_s;  // silence after which the next frame begins a new message
    double above_db; // over the noise in 100 Hz or so, to be heard as a frame
};

struct air_jam_order {
    unsigned rank;
    int64_t heard; // sample at which the frame began, to 20 ms
    int64_t until; // sample at which to fall silent
    double f_hz;   // middle of the frame's spectrum, relative to the samples' centre
    double dbfs;   // its power
};

struct air_jam;

FOX_CHECK int air_jam_new(struct air_jam **out, const struct air_jam_config *config,
                          struct err *err);
/// Accepts NULL.
void air_jam_free(struct air_jam *j);
/// The next n samples of the stream; `first` is the index of the first of them. A gap makes it
/// listen anew.
void air_jam_push(struct air_jam *j, int64_t first, const int16_t *iq, size_t n);
/// The next order, oldest first; false when there is none.
bool air_jam_next(struct air_jam *j, struct air_jam_order *out);
/// A frame was received and knows its rank: the count is put right.
void air_jam_received(struct air_jam *j, const struct air_frame *frame);

#endif
