// The virtual laboratory of a run without a bench file: foxlab as a child that prints the
// environment in which the real libraries reach it.
//
// A lab owns its process and its work folder (device memory, sockets), a temporary folder that
// lab_stop removes. One thread.
#ifndef BENCH_RUN_LAB_H
#define BENCH_RUN_LAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct lab;

struct lab_config {
    int64_t seed;
    const char *scenario; // file, or name of one in fixtures/scenarios
    const char *fault;    // seeded fault of the reference device, or NULL
    const char *chaos;    // faults that it draws from the seed (docs/LAB.md), or NULL
    const char *work;     // folder of an earlier lab, to go on with its devices' memories, or NULL
    bool live;            // its time runs at wall rate from the start: for work by hand
    int signal_fd;        // readable: stop waiting (ERR_TIMEOUT)
};

/// Starts it and waits until it is ready. ERR_USAGE: it knows no such fault; anything else: it does
/// not work. The text is the lab's own.
FOX_CHECK int lab_start(struct lab **out, const struct lab_config *config, struct err *err);
/// Its folder, which holds the devices' memories. Lent.
const char *lab_work(const struct lab *lab);
/// The folder outlives the lab, so that another one can go on with it.
void lab_keep(struct lab *lab);
/// Accepts NULL.
void lab_stop(struct lab *lab);

/// What it printed: "NAME=value", NULL-terminated. Lent.
const char *const *lab_environment(const struct lab *lab);
bool lab_is_alive(struct lab *lab);
/// The next fault that it has injected and that was not asked for before: when, in its own time,
/// and what. False: there is none.
bool lab_next_fault(struct lab *lab, int64_t *lab_ns, char *command, size_t size);
/// For poll(): readable when it ended.
int lab_pidfd(const struct lab *lab);
/// How it ended and the last line it wrote.
void lab_describe(struct lab *lab, char *out, size_t size);

#endif
