// The worker: the other end of the supervisor's socket. It plans, opens the instruments, runs
// cases, and owns the Lua states. docs/EVIDENCE.md "Worker and supervisor" lists the messages.
#ifndef LUA_BIND_WORKER_H
#define LUA_BIND_WORKER_H

#include "bench/base/err.h"

/// Serves the socket until `quit`, the supervisor's end or a fault. Takes fd. `root` holds lua/,
/// suites/ and fixtures/. ERR_OK after `quit` or when the supervisor is gone; a fault was told to
/// the supervisor before it comes back as an error.
FOX_CHECK int worker_serve(int fd, const char *root, struct err *err);

#endif
