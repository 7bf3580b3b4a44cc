#include "bench/run_session_parts.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/record/event.h"
#include "bench/record/result.h"

// Wall limits in ms.
enum {
    CASE_MS = 10000, // and twice the deadline
    CASE_SILENCE_MS = 5000,
    QUIT_GRACE_MS = 2000,
    SAFE_GRACE_MS = 10000
};

int session_init(struct session *s, const struct run_options *options, struct err *err)
{
    *s = (struct session){.options = options, .signal_fd = -1};
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0 ||
        (s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK)) < 0)
        return err_set(err, ERR_IO, "signals cannot be taken over: %s", strerror(errno));
    return ERR_OK;
}

void session_deinit(struct session *s)
{
    worker_end(&s->worker, 0, NULL, 0);
    if (s->signal_fd >= 0) close(s->signal_fd);
    s->signal_fd = -1;
}

bool session_interrupted(struct session *s)
{
    struct signalfd_siginfo info;
    if (!s->signal && read(s->signal_fd, &info, sizeof info) == sizeof info)
        s->signal = (int)info.ssi_signo;
    return s->signal != 0;
}

// Why a case must not run unless the operator session_armed it, or NULL. design.md 9.
static const char *unarmed(const struct session *s, const char *safety)
{
    if (s->lab) return NULL;
    if (strcmp(safety, "S3") == 0 && !s->options->arm_interference)
        return "it disturbs radio traffic and was not session_armed; run it with --arm "
               "interference";
    if (strcmp(safety, "D") == 0 && !s->options->arm_destructive)
        return "it may destroy the device and was not session_armed; run it with --arm destructive";
    return NULL;
}

// While there is still room to close the books: the attempt is lost, and no other one begins.
static bool is_full(struct session *s, int64_t need, struct loss *l)
{
    struct err e = {0};
    if (book_room(s->book, need, &e) == ERR_OK) return false;
    s->dead = true;
    snprintf(s->why_dead, sizeof s->why_dead, "%s", e.text);
    *l = loss_make(ERR_IO, BLAME_BENCH, e.text);
    return true;
}

static int take_event(struct session *s, const struct message *m, struct loss *l, struct err *err)
{
    struct jval *event = jval_get(m->body, "event");
    const char *type = jval_text(jval_get(event, "type"), "");
    enum event_maker maker;
    struct err e = {0};
    int rc;
    if (is_full(s, 0, l)) return STEP_LOST;
    if (!event_find(type, &maker) || maker != EVENT_MAKER_WORKER)
        rc = err_set(&e, ERR_FORMAT, "worker: \"%.80s\" is no event that a worker makes", type);
    else
        rc = book_case_event(s->book, jval_ref(event), &e);
    if (rc == ERR_OK) {
        session_note_time(s, event);
        return STEP_ON;
    }
    if (session_is_for_books(rc)) {
        if (err) *err = e;
        return rc;
    }
    // Too much of it is the test's doing, anything else the worker's.
    *l = loss_make(rc, rc == ERR_LIMIT ? BLAME_SUITE : BLAME_BENCH, e.text);
    return STEP_LOST;
}

static int take_evidence(struct session *s, const struct message *m, struct loss *l,
                         struct err *err)
{
    const char *path = jval_text(jval_get(m->body, "path"), "");
    struct err e = {0};
    if (m->fd < 0) {
        *l = loss_make(ERR_FORMAT, BLAME_BENCH, "worker: evidence came without a file");
        return STEP_LOST;
    }
    struct stat st;
    if (is_full(s, fstat(m->fd, &st) == 0 ? st.st_size : 0, l)) return STEP_LOST;
    int rc =
        book_case_evidence(s->book, path, m->fd, jval_text(jval_get(m->body, "media_type"), NULL),
                           jval_text(jval_get(m->body, "note"), NULL), &e);
    if (rc == ERR_OK) return STEP_ON;
    if (session_is_for_books(rc)) {
        if (err) *err = e;
        return rc;
    }
    // The case may go on, but what it wanted to keep is missing: it cannot pass any more.
    rc = book_fault(s->book, rc, BLAME_SUITE, e.text, err);
    return rc < 0 ? rc : STEP_ON;
}

static int take_message(struct session *s, const struct message *m, struct loss *l, struct err *err)
{
    const char *is = message_is(m);
    if (strcmp(is, "event") == 0) return take_event(s, m, l, err);
    if (strcmp(is, "evidence") == 0) return take_evidence(s, m, l, err);
    if (strcmp(is, "progress") == 0) {
        session_note_progress(s, m);
        return STEP_ON;
    }
    if (strcmp(is, "done") == 0) {
        session_note_time(s, m->body);
        s->spent = jval_bool(jval_get(m->body, "last"), false);
        return STEP_DONE;
    }
    if (strcmp(is, "fault") == 0) {
        *l = loss_of_fault(m);
    } else {
        char text[160];
        snprintf(text, sizeof text, "worker: no message \"%.80s\" is expected while a case runs",
                 is);
        *l = loss_make(ERR_FORMAT, BLAME_BENCH, text);
    }
    return STEP_LOST;
}

static int ask_case(struct session *s, size_t i, struct err *err)
{
    const struct book_case *c = book_case(s->book, i);
    struct jval *watched = book_watched(s->book, i, err);
    if (!watched) return ERR_FORMAT;
    return worker_ask(&s->worker,
                      jval_make(err, "{s:s, s:s, s:o, s:i, s:o}", "do", "case", "case", c->id,
                                "axes", result_parameters(c->axes, err), "attempt", c->attempt,
                                "watched", watched),
                      err);
}

static int follow_case(struct session *s, size_t i, struct loss *l, struct err *err)
{
    struct watch w;
    struct err e = {0};
    int rc = ask_case(s, i, &e);
    if (rc < 0) {
        *l = loss_make(rc, BLAME_BENCH, e.text);
        return STEP_LOST;
    }
    session_watch(s, &w, CASE_MS + (long)(2000 * book_case(s->book, i)->deadline_s),
                  CASE_SILENCE_MS);
    rc = STEP_ON;
    while (rc == STEP_ON) {
        struct message m;
        enum watch_end end = watch_next(&w, &m, &e);
        if (end == WATCH_MESSAGE) {
            rc = take_message(s, &m, l, err);
        } else {
            if (end == WATCH_SIGNAL) s->signal = w.signal;
            *l = loss_of_wait(&w, end, &e);
            rc = STEP_LOST;
        }
        message_free(&m);
    }
    return rc;
}

static int run_attempt(struct session *s, size_t i, struct err *err)
{
    struct loss l;
    int rc = book_case_begin(s->book, i, err);
    if (rc < 0) return rc;
    int step = follow_case(s, i, &l, err);
    if (step < 0) return step;
    if (step == STEP_DONE && !s->dead && is_full(s, 0, &l)) step = STEP_LOST;
    if (step == STEP_DONE && s->lab && !lab_is_alive(s->lab)) {
        // What was heard in a dying laboratory says nothing about the device.
        l = loss_make(ERR_GONE, BLAME_BENCH, "the virtual lab ended");
        step = STEP_LOST;
    }
    if (step == STEP_LOST) rc = session_lose_worker(s, &l, err);
    if (step == STEP_DONE && s->spent) { // it lost its instruments, and said so in the attempt
        worker_end(&s->worker, QUIT_GRACE_MS, NULL, 0);
        s->opened = false;
    }
    s->spent = false;
    screen_clear(&s->screen);
    if (rc == ERR_OK) rc = session_book_faults(s, err);
    return rc < 0 ? rc : book_case_end(s->book, s->t, err);
}

// design.md 7: what the bench broke off is superseded by an attempt that completes; a fail stands,
// also one that the bench broke off after it: a repeat that happens to pass must not hide it.
static bool may_repeat(const struct session *s, const struct book_case *c, unsigned repeats)
{
    return c->verdict == VERDICT_ERROR && c->blame == BLAME_BENCH && !c->device_failed &&
           repeats < s->options->retry && !s->dead && !s->signal;
}

static int run_case(struct session *s, size_t i, struct err *err)
{
    int rc = run_attempt(s, i, err);
    for (unsigned repeats = 0; rc == ERR_OK && may_repeat(s, book_case(s->book, i), repeats);
         repeats++) {
        screen_step(&s->screen, "the bench broke it off; once more");
        while (rc == ERR_OK && !s->opened && !s->dead && !s->signal)
            rc = session_open(s, err);
        if (rc == ERR_OK && s->opened && !s->signal) rc = run_attempt(s, i, err);
    }
    screen_clear(&s->screen);
    return rc == ERR_OK ? book_case_print(s->book, i, err) : rc;
}

static int skip_case(struct session *s, size_t i, struct err *err)
{
    char reason[512];
    screen_clear(&s->screen);
    if (s->signal) {
        snprintf(reason, sizeof reason, "the run was stopped by the operator (SIG%s)",
                 sigabbrev_np(s->signal));
        return book_case_skip(s->book, i, VERDICT_NOTRUN, BLAME_OPERATOR, reason, err);
    }
    enum blame blame = s->dead_blame == BLAME_NONE ? BLAME_BENCH : s->dead_blame;
    return book_case_skip(s->book, i, VERDICT_NOTRUN, blame, s->why_dead, err);
}

// A worker that was lost cannot power its radios down; when no other one came after it, nobody has.
static void make_safe(struct session *s)
{
    if (s->opened || s->workers == 0 || (s->lab && !lab_is_alive(s->lab))) return;
    if (s->worker.process.pid <= 0 && session_start_worker(s, NULL) < 0) return;
    struct jval *silence =
        jval_make(NULL, "{s:s, s:s, s:s}", "do", "silence", "device", s->device, "bench", s->bench);
    if (worker_ask(&s->worker, silence, NULL) == ERR_OK)
        worker_end(&s->worker, SAFE_GRACE_MS, NULL, 0);
}

int session_run(struct session *s, struct book *book, struct err *err)
{
    s->book = book;
    s->t = book_time(book);
    s->workers = book_workers(book);
    screen_init(&s->screen, book_count(book), s->forecast);
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < book_count(book); i++) {
        const struct book_case *c = book_case(book, i);
        if (c->na) {
            screen_clear(&s->screen);
            rc = book_case_skip(book, i, VERDICT_NA, BLAME_NONE, c->na, err);
            continue;
        }
        if (c->settled) {
            screen_clear(&s->screen);
            rc = book_case_print(book, i, err);
            continue;
        }
        const char *why = unarmed(s, c->safety);
        if (why) {
            screen_clear(&s->screen);
            rc = book_case_skip(book, i, VERDICT_NOTRUN, BLAME_OPERATOR, why, err);
            continue;
        }
        screen_case(&s->screen, i + 1, c->name);
        while (rc == ERR_OK && !s->opened && !s->dead && !s->signal)
            rc = session_open(s, err);
        if (rc == ERR_OK) rc = s->opened && !s->signal ? run_case(s, i, err) : skip_case(s, i, err);
    }
    screen_clear(&s->screen);
    make_safe(s);
    if (s->worker.process.pid > 0) {
        struct jval *quit = jval_make(NULL, "{s:s}", "do", "quit");
        if (worker_ask(&s->worker, quit, NULL) == ERR_OK)
            worker_end(&s->worker, QUIT_GRACE_MS, NULL, 0);
    }
    return rc;
}
