// The socket between supervisor and worker: JSON messages with a length before them, and now and
// then a file. docs/EVIDENCE.md lists the messages. A link owns its descriptor. One thread a side.
#ifndef BENCH_RECORD_LINK_H
#define BENCH_RECORD_LINK_H

#include "bench/base/err.h"
#include "bench/base/json.h"

struct link;

/// Takes fd.
FOX_CHECK int link_new(struct link **out, int fd, struct err *err);
void link_free(struct link *l);
/// For poll().
int link_fd(const struct link *l);
/// Sends message (borrowed) and, when fd >= 0, that descriptor with it (borrowed). ERR_GONE when
/// the other side is gone.
FOX_CHECK int link_send(struct link *l, const struct jval *message, int fd, struct err *err);
/// Waits at most timeout_ms (-1: for ever) of wall time. New message in *out; *fd is -1 or a
/// descriptor to close. ERR_TIMEOUT, ERR_GONE (end of stream), ERR_FORMAT (garbage).
FOX_CHECK int link_receive(struct link *l, struct jval **out, int *fd, int timeout_ms,
                           struct err *err);

#endif
