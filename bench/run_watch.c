#include "bench/run_watch.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum { LAB_GRACE_MS = 1000 }; // for the worker to report by itself that the lab is gone

static long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

void message_free(struct message *m)
{
    jval_free(m->body);
    if (m->fd >= 0) close(m->fd);
    *m = (struct message){.fd = -1};
}

const char *message_is(const struct message *m)
{
    return jval_text(jval_get(m->body, "is"), "");
}

static void heard(struct watch *w)
{
    w->heard_ms = now_ms();
    w->heard_time = process_time(&w->worker->process);
}

void watch_init(struct watch *w, struct worker *worker, struct lab *lab, int signal_fd,
                long limit_ms, long silence_ms)
{
    *w = (struct watch){.worker = worker,
                        .lab = lab,
                        .signal_fd = signal_fd,
                        .end_ms = now_ms() + limit_ms,
                        .limit_ms = limit_ms,
                        .silence_ms = silence_ms};
    heard(w);
}

// A worker that waits for a processor cannot say anything: that time is not its silence.
static long waited_ms(const struct watch *w)
{
    struct process_time now = process_time(&w->worker->process);
    long waited = now.waited_ms - w->heard_time.waited_ms;
    return now.ran_ms >= 0 && waited > 0 ? waited : 0;
}

static bool take_signal(struct watch *w)
{
    struct signalfd_siginfo info;
    if (read(w->signal_fd, &info, sizeof info) != sizeof info) return false;
    w->signal = (int)info.ssi_signo;
    return true;
}

enum watch_end watch_next(struct watch *w, struct message *m, struct err *err)
{
    *m = (struct message){.fd = -1};
    for (;;) {
        // The limits come first: a flood of messages must not keep a case alive.
        long now = now_ms(), silent_ms = w->heard_ms + w->silence_ms;
        if (now >= w->end_ms)
            return w->lab_gone ? WATCH_LAB : now >= silent_ms ? WATCH_SILENT : WATCH_OVERTIME;
        if (now >= silent_ms) silent_ms += waited_ms(w);
        if (now >= silent_ms) return w->lab_gone ? WATCH_LAB : WATCH_SILENT;
        struct pollfd p[] = {
            {.fd = w->signal_fd, .events = POLLIN},
            {.fd = link_fd(w->worker->link), .events = POLLIN},
            {.fd = w->worker->process.pidfd, .events = POLLIN},
            {.fd = w->lab && !w->lab_gone ? lab_pidfd(w->lab) : -1, .events = POLLIN},
        };
        long left = (w->end_ms < silent_ms ? w->end_ms : silent_ms) - now;
        if (poll(p, sizeof p / sizeof *p, (int)left) < 0 && errno != EINTR) {
            err_set(err, ERR_IO, "poll: %s", strerror(errno));
            return WATCH_GARBAGE;
        }
        if (p[0].revents && take_signal(w)) return WATCH_SIGNAL;
        if (p[3].revents) {
            w->lab_gone = true;
            if (w->end_ms > now + LAB_GRACE_MS) w->end_ms = now + LAB_GRACE_MS;
        }
        if (!p[1].revents && !p[2].revents) continue;

        int rc = link_receive(w->worker->link, &m->body, &m->fd, 0, err);
        if (rc == ERR_OK) {
            heard(w);
            return WATCH_MESSAGE;
        }
        if (rc == ERR_GONE || (rc == ERR_TIMEOUT && p[2].revents)) return WATCH_GONE;
        if (rc != ERR_TIMEOUT) return WATCH_GARBAGE;
    }
}

struct loss loss_make(int code, enum blame blame, const char *text)
{
    struct loss l = {.code = code, .blame = blame};
    snprintf(l.text, sizeof l.text, "%s", text);
    return l;
}

static int code_of(const char *name)
{
    for (int code = -1; name && code > -64; code--)
        if (strcmp(err_name(code), name) == 0) return code;
    return ERR_INTERNAL;
}

struct loss loss_of_fault(const struct message *m)
{
    struct loss l = loss_make(code_of(jval_text(jval_get(m->body, "code"), NULL)), BLAME_BENCH,
                              jval_text(jval_get(m->body, "text"), "the worker gave no reason"));
    blame_find(jval_text(jval_get(m->body, "blame"), ""), &l.blame);
    if (l.blame == BLAME_NONE) l.blame = BLAME_BENCH;
    l.reported = true;
    return l;
}

// A loop that gets a small share of a busy processor computes all the same.
static bool was_computing(const struct watch *w)
{
    struct process_time now = process_time(&w->worker->process);
    long used = now.ran_ms - w->heard_time.ran_ms;
    long waited = now.waited_ms - w->heard_time.waited_ms;
    return w->heard_time.ran_ms >= 0 && now.ran_ms >= 0 && used > 0 &&
           (used + waited) * 5 >= now_ms() - w->heard_ms;
}

struct loss loss_of_wait(const struct watch *w, enum watch_end end, const struct err *garbage)
{
    struct loss l = loss_make(ERR_TIMEOUT, BLAME_BENCH, "");
    switch (end) {
    case WATCH_SIGNAL:
        l.code = 0;
        l.blame = BLAME_OPERATOR;
        snprintf(l.text, sizeof l.text, "stopped by the operator (SIG%s)", sigabbrev_np(w->signal));
        break;
    case WATCH_SILENT:
        if (was_computing(w)) l.blame = BLAME_SUITE;
        snprintf(l.text, sizeof l.text, "neither a sample nor progress for %ld s: %s",
                 w->silence_ms / 1000,
                 l.blame == BLAME_SUITE ? "the test's own text loops"
                                        : "a call into an instrument or a port does not return");
        break;
    case WATCH_OVERTIME:
        snprintf(l.text, sizeof l.text, "not finished within its wall limit of %ld s",
                 w->limit_ms / 1000);
        break;
    case WATCH_LAB:
        l.code = ERR_GONE;
        lab_describe(w->lab, l.text, sizeof l.text);
        break;
    case WATCH_GARBAGE:
        l.code = ERR_FORMAT;
        snprintf(l.text, sizeof l.text, "%s", garbage->text);
        break;
    default:
        l.code = ERR_GONE;
        snprintf(l.text, sizeof l.text, "the worker ended without a word");
        break;
    }
    return l;
}
