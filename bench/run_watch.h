// Waiting for a worker within its wall limits, and the reason when it is lost.
//
// Wall time finds faults and measures nothing (design.md 5 and 6). A watch borrows worker, lab and
// signal descriptor. One thread.
#ifndef BENCH_RUN_WATCH_H
#define BENCH_RUN_WATCH_H

#include <stdbool.h>

#include "bench/base/err.h"
#include "bench/base/json.h"
#include "bench/record/verdict.h"
#include "bench/run_lab.h"
#include "bench/run_worker.h"

struct message {
    struct jval *body;
    int fd; // or -1
};

void message_free(struct message *m);
/// The word under `is`.
const char *message_is(const struct message *m);

enum watch_end {
    WATCH_MESSAGE,
    WATCH_SIGNAL,
    WATCH_GONE,    // the worker's end of the link closed
    WATCH_GARBAGE, // something that is no message
    WATCH_SILENT,
    WATCH_OVERTIME,
    WATCH_LAB // the lab ended
};

struct watch {
    struct worker *worker;
    struct lab *lab; // or NULL
    int signal_fd;
    int signal; // the one that ended a wait
    long end_ms;
    long limit_ms;
    long silence_ms;
    long heard_ms;                  // when the last message came
    struct process_time heard_time; // what the worker had used then
    bool lab_gone;
};

/// Starts the limits: limit_ms for everything, silence_ms without any message.
void watch_init(struct watch *w, struct worker *worker, struct lab *lab, int signal_fd,
                long limit_ms, long silence_ms);
/// The next message, or what came instead; err is set for WATCH_GARBAGE.
enum watch_end watch_next(struct watch *w, struct message *m, struct err *err);

/// Why an attempt or an opening did not come to its end.
struct loss {
    int code; // of err.def; 0: no error of the bench
    enum blame blame;
    char text[480];
    bool reported; // by the worker itself, which ends after that
};

struct loss loss_make(int code, enum blame blame, const char *text);
/// From a worker's `fault` message.
struct loss loss_of_fault(const struct message *m);
/// From the end of a wait. A silent worker that computes is in Lua, for C code reports progress at
/// least once a second: blame suite. One that sleeps hangs in a call of the bench: blame bench.
struct loss loss_of_wait(const struct watch *w, enum watch_end end, const struct err *garbage);

#endif
