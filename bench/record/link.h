// The socket between supervisor and worker: JSON messages with a length before them, and now and
// then a file. docs/EVIDENCE.md lists the messages. A link owns its descriptor. One thread a side.
#ifndef BENCH_RECORD_LINK_H
#define BENCH_RECORD_LINK_H

#include "bench/base/err.h"
#include "bench/base/json.h"

/// No message is longer, in either direction.
enum { LINK_MESSAGE_MAX = 64 << 20 };

struct link;

/// Takes fd, also on failure.
FOX_CHECK int link_new(struct link **out, int fd, struct err *err);
/// Accepts NULL.
void link_free(struct link *l);
/// For poll().
int link_fd(const struct link *l);
/// Sends message (borrowed) and, when fd >= 0, that descriptor with it (borrowed). Blocks while the
/// other side does not read; when the socket has a send time-out (SO_SNDTIMEO) that is ERR_TIMEOUT,
/// and the link is spoilt. ERR_GONE when the other side is gone, ERR_LIMIT for an overlong message.
FOX_CHECK int link_send(struct link *l, const struct jval *message, int fd, struct err *err);
/// Waits at most timeout_ms (-1: for ever, 0: takes only what is there) of wall time. New message
/// in *out; *fd is -1 or a descriptor to close. ERR_TIMEOUT (what came so far is kept for the next
/// call), ERR_GONE (end of stream), ERR_FORMAT (garbage; the link is spoilt).
FOX_CHECK int link_receive(struct link *l, struct jval **out, int *fd, int timeout_ms,
                           struct err *err);

#endif
