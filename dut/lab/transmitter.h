// The transmit stream of one unit: blocks that wait in the kernel, their place on the sample clock,
// and what has gone on air.
//
// Owns its blocks. One thread. Indices count samples of the unit's transmit clock at the antenna:
// index i is on air at clock_time_ns(clock, i). The hardware takes a sample `delay` samples before
// that, and a block is free again when its last sample has been taken.
#ifndef DUT_LAB_TRANSMITTER_H
#define DUT_LAB_TRANSMITTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/lab/clock.h"

struct transmit_block {
    int16_t *iq; // NULL: nothing but zeros
    size_t n;
    int64_t first; // index of its first sample
};

struct transmitter {
    bool open;
    bool cyclic;    // one block, again and again; blocks holds it, long enough to be worth a turn
    bool running;   // the queue has not run dry since the first block
    bool underflow; // it has, once; cleared by who reads it
    unsigned streams;
    size_t depth; // blocks that the kernel has
    struct sample_clock clock;
    int64_t delay;
    int64_t end;                   // behind the last sample that is queued
    int64_t played;                // the air has been given everything before
    struct transmit_block *blocks; // oldest first; what has been played is kept until forgotten
    size_t n_blocks, cap;
};

/// Begins a stream at now_ns; a cyclic one takes one block and repeats it to its end. Nothing is on
/// air until the first block. Counts in t->streams.
void transmitter_begin(struct transmitter *t, const struct sample_clock *clock, int64_t delay,
                       int64_t now_ns, bool cyclic);
/// Silence from what has been played on; the rest of the queue is lost.
void transmitter_end(struct transmitter *t);
/// Frees what it holds, not t.
void transmitter_deinit(struct transmitter *t);
/// Queues n samples (I, Q); iq is taken, also on failure. Without a gap behind the last block, or
/// `delay` samples from now when there is none. ERR_BUSY: a cyclic stream has its block.
FOX_CHECK int transmitter_push_take(struct transmitter *t, int64_t now_ns, int16_t *iq, size_t n,
                                    struct err *err);
/// May a client that pushed go on: is one of the kernel's blocks free?
bool transmitter_has_room(const struct transmitter *t, int64_t now_ns);
/// When that will be.
int64_t transmitter_room_ns(const struct transmitter *t);
/// Time has come to now_ns: notices a queue that ran dry.
void transmitter_settle(struct transmitter *t, int64_t now_ns);
/// The next stretch of samples before index `to` that has not been played, zeros left out. False
/// when there is none; everything before `to` counts as played then.
bool transmitter_play(struct transmitter *t, int64_t to, struct transmit_block *out);
/// n samples from index `first` on, as they were and will be on air.
void transmitter_copy(const struct transmitter *t, int64_t first, size_t n, int16_t *iq);
/// Drops what has been played before index `before`.
void transmitter_forget(struct transmitter *t, int64_t before);

#endif
