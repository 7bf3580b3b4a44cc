#include "bench/run_session_parts.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "bench/record/event.h"

// Wall limits in ms.
enum {
    OPEN_MS = 60000,
    OPEN_SILENCE_MS = 15000,
    REPORTED_GRACE_MS = 2000, // for a worker that has said why it ends
    GONE_GRACE_MS = 500,      // for one that closed its link
    VAIN_MAX = 2,
    BENCH_VAIN_MAX = 4,  // what was pulled out may be plugged in again …
    BENCH_PAUSE_MS = 500 // … after so long, and twice as long every further time
};

void session_watch(struct session *s, struct watch *w, long limit_ms, long silence_ms)
{
    watch_init(w, &s->worker, s->lab, s->signal_fd, limit_ms, silence_ms);
}

void session_note_time(struct session *s, const struct jval *j)
{
    int64_t t = jval_int(jval_get(j, "t"), 0);
    if (t > s->t) s->t = t;
}

void session_note_progress(struct session *s, const struct message *m)
{
    session_note_time(s, m->body);
    screen_step(&s->screen, jval_text(jval_get(m->body, "step"), ""));
}

int session_lose_worker(struct session *s, struct loss *l, struct err *err)
{
    char how[128], reason[640];
    bool went = l->code == ERR_GONE && !l->reported;
    worker_end(&s->worker,
               l->reported ? REPORTED_GRACE_MS
               : went      ? GONE_GRACE_MS
                           : 0,
               how, sizeof how);
    s->opened = false;
    if (s->lab && !lab_is_alive(s->lab)) {
        s->dead = true;
        lab_describe(s->lab, s->why_dead, sizeof s->why_dead);
        if (l->code == ERR_GONE) {
            char text[1024];
            snprintf(text, sizeof text, "%s%s%s", s->why_dead,
                     l->reported ? "; the worker said: " : "", l->reported ? l->text : "");
            *l = loss_make(ERR_GONE, BLAME_BENCH, text);
        }
    } else if (went) {
        snprintf(l->text, sizeof l->text, "the worker ended in the middle of its work: %s", how);
    }
    int rc = book_fault(s->book, l->code, l->blame, l->text, err);
    if (rc < 0) return rc;
    bool killed = strcmp(how, "killed") == 0;
    snprintf(reason, sizeof reason, "%s%s%s", how, killed ? ": " : "", killed ? l->text : "");
    return book_lost(s->book, reason, err);
}

int session_book_faults(struct session *s, struct err *err)
{
    char command[200];
    int64_t lab_ns;
    int rc = ERR_OK;
    while (rc == ERR_OK && s->lab && lab_next_fault(s->lab, &lab_ns, command, sizeof command))
        rc = book_chaos(s->book, lab_ns, command, err);
    return rc;
}

bool session_is_for_books(int rc)
{
    return rc != ERR_FORMAT && rc != ERR_SEQUENCE && rc != ERR_LIMIT && rc != ERR_INVALID;
}

// An event outside an attempt: what the instruments are, and what was done to the device with them.
static int take_opening_event(struct session *s, const struct message *m, struct err *err)
{
    struct jval *event = jval_get(m->body, "event");
    const char *type = jval_text(jval_get(event, "type"), "");
    enum event_maker maker;
    struct verdict_fold fold = {0};
    if (!event_find(type, &maker) || maker != EVENT_MAKER_WORKER ||
        verdict_fold_event(&fold, event, err) < 0 || fold.n > 0)
        return err_set(err, ERR_FORMAT,
                       "worker: no event \"%.80s\" is expected while instruments are opened", type);
    session_note_time(s, event);
    return book_event(s->book, jval_ref(event), err);
}

// One message while the instruments are opened. Negative: the books cannot be kept.
static int take_opening(struct session *s, const struct message *m, struct loss *l, struct err *err)
{
    struct err e = {0};
    int rc = ERR_OK;
    if (strcmp(message_is(m), "opened") == 0) {
        session_note_time(s, m->body);
        return STEP_DONE;
    }
    if (strcmp(message_is(m), "fault") == 0) {
        *l = loss_of_fault(m);
        return STEP_LOST;
    }
    if (strcmp(message_is(m), "progress") == 0)
        session_note_progress(s, m);
    else if (strcmp(message_is(m), "event") == 0)
        rc = take_opening_event(s, m, &e);
    else
        rc = err_set(&e, ERR_FORMAT, "worker: no message \"%.80s\" is expected while it opens",
                     message_is(m));
    if (rc == ERR_OK) return STEP_ON;
    if (session_is_for_books(rc)) {
        if (err) *err = e;
        return rc;
    }
    *l = loss_make(rc, BLAME_BENCH, e.text);
    return STEP_LOST;
}

static int ask_open(struct session *s, struct err *err)
{
    int rc = s->worker.process.pid > 0 ? ERR_OK : session_start_worker(s, err);
    if (rc < 0) return rc;
    return worker_ask(&s->worker,
                      jval_make(err, "{s:s, s:s, s:s, s:s, s:I, s:I, s:i, s:o, s:o}", "do", "open",
                                "device", s->device, "bench", s->bench, "profile",
                                s->options->profile, "seed", (long long)s->options->seed, "t",
                                (long long)s->t, "worker", (int)s->workers, "arm",
                                session_armed(s, err), "history", jval_ref(book_history(s->book))),
                      err);
}

// Waits, unless the operator stops the run meanwhile.
static void await_signal(struct session *s, int ms)
{
    struct pollfd p = {.fd = s->signal_fd, .events = POLLIN};
    if (poll(&p, 1, ms) > 0) session_interrupted(s);
}

int session_open(struct session *s, struct err *err)
{
    struct loss l;
    struct err e = {0};
    struct watch w;
    s->workers++;
    int rc = ask_open(s, &e);
    if (rc < 0) {
        l = loss_make(rc, BLAME_BENCH, e.text);
        rc = STEP_LOST;
    } else {
        session_watch(s, &w, OPEN_MS, OPEN_SILENCE_MS);
        rc = STEP_ON;
    }
    while (rc == STEP_ON) {
        struct message m;
        enum watch_end end = watch_next(&w, &m, &e);
        if (end == WATCH_MESSAGE) {
            rc = take_opening(s, &m, &l, err);
        } else {
            if (end == WATCH_SIGNAL) s->signal = w.signal;
            l = loss_of_wait(&w, end, &e);
            rc = STEP_LOST;
        }
        message_free(&m);
    }
    if (rc == STEP_DONE) {
        s->opened = true;
        s->in_vain = 0;
        return ERR_OK;
    }
    if (rc < 0) return rc;
    rc = session_lose_worker(s, &l, err);
    if (rc == ERR_OK) rc = session_book_faults(s, err);
    bool passing = l.reported && l.blame == BLAME_BENCH;
    if (++s->in_vain < (passing ? BENCH_VAIN_MAX : VAIN_MAX)) {
        if (passing) await_signal(s, BENCH_PAUSE_MS << (s->in_vain - 1));
    } else if (!s->dead) {
        s->dead = true;
        s->dead_blame = l.blame;
        snprintf(s->why_dead, sizeof s->why_dead, "the instruments cannot be opened: %s", l.text);
    }
    return rc;
}
