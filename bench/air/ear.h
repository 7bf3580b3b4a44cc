// A receiver that searches samples while its owner goes on: with the next block, with the device,
// with what is to be sent.
//
// That changes no result. Samples out of which a frame may come are searched before the call
// returns; only the others, of which the receiver knows beforehand that none can come out of them,
// are left to a thread of the ear's own, which is through with them before the next ones are
// searched. What the receiver asks of a key is asked in the caller's thread.
//
// The owner calls from one thread. The ear owns its receiver and its thread.
#ifndef BENCH_AIR_EAR_H
#define BENCH_AIR_EAR_H

#include <stddef.h>
#include <stdint.h>

#include "bench/air/receive.h"

struct air_ear_config {
    struct air_receiver_config receiver;
    // Called at least a few times a second while the caller waits; NULL: nobody wants to know. What
    // it returns below zero ends the wait.
    int (*alive)(void *ctx, struct err *err);
    void *alive_ctx;
};

struct air_ear;

FOX_CHECK int air_ear_new(struct air_ear **out, const struct air_ear_config *config,
                          struct err *err);
/// Accepts NULL.
void air_ear_free(struct air_ear *e);
/// iq is the caller's again when this returns. An error may be that of the samples before.
FOX_CHECK int air_ear_push(struct air_ear *e, const int16_t *iq, size_t n, struct err *err);
/// As air_receiver_next: the frames of all samples pushed.
bool air_ear_next(struct air_ear *e, struct air_frame *out);
/// As air_receiver_settled; waits for the thread.
int64_t air_ear_settled(struct air_ear *e);
/// The same or more, without waiting.
int64_t air_ear_settled_at_most(const struct air_ear *e);
/// Samples that the thread was given so far.
int64_t air_ear_beside(const struct air_ear *e);

#endif
