// The lab's poll loop: descriptors and what to call when they are ready.
//
// One thread. A callback may add and remove descriptors, also its own. The loop does not own the
// descriptors.
#ifndef DUT_LAB_LOOP_H
#define DUT_LAB_LOOP_H

#include "bench/base/err.h"

struct loop;

FOX_CHECK int loop_new(struct loop **out, struct err *err);
/// Accepts NULL.
void loop_free(struct loop *l);
/// Calls ready(ctx, revents) whenever one of `events` (POLLIN …) or a hang-up is seen on fd.
FOX_CHECK int loop_add(struct loop *l, int fd, short events,
                       void (*ready)(void *ctx, short revents), void *ctx, struct err *err);
void loop_set_events(struct loop *l, int fd, short events);
void loop_remove(struct loop *l, int fd);
/// Waits at most timeout_ms (-1: for ever) and serves what is ready, in the order of adding.
FOX_CHECK int loop_once(struct loop *l, int timeout_ms, struct err *err);

#endif
