// The processes of a run: how they are started, watched and ended.
//
// A child lives in a process group of its own, so that Ctrl-C reaches the supervisor alone, and
// gets a signal from the kernel when the supervisor dies. The caller owns the struct; process_end
// may run twice. Only the thread that started a child may wait for it.
#ifndef BENCH_RUN_PROCESS_H
#define BENCH_RUN_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "bench/base/err.h"

struct process {
    pid_t pid;   // 0: none
    int pidfd;   // readable when it ended; for poll()
    bool reaped; // how it ended is known
    int status;  // of waitpid
};

struct process_config {
    const char *program;
    const char *const *argv; // NULL-terminated, with argv[0]
    const char *const *env;  // "NAME=value" that replace those of the environment; NULL-terminated
    int in, out, err;        // descriptors for 0, 1, 2 (borrowed)
    int keep;                // descriptor that stays open in the child under its number, or -1
    int death_signal;        // what the child gets when the supervisor dies
    bool same_group;         // it shares the terminal, Ctrl-C and all
};

FOX_CHECK int process_start(struct process *p, const struct process_config *config,
                            struct err *err);
/// Whether it still runs; reaps it otherwise.
bool process_is_alive(struct process *p);
/// Waits at most timeout_ms for its end. Whether it has ended.
bool process_wait(struct process *p, int timeout_ms);
/// SIGKILLs what still runs, reaps, closes. Accepts a zeroed struct.
void process_end(struct process *p);
/// How it ended: "exit 3", "signal 11 (Segmentation fault)".
void process_describe(const struct process *p, char *out, size_t size);
struct process_time {
    long ran_ms;    // -1: unknown
    long waited_ms; // for a processor that others had
};
/// Of its main thread, so far.
struct process_time process_time(const struct process *p);

#endif
