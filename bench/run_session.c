#include "bench/run_session.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/record/event.h"
#include "bench/record/result.h"
#include "bench/run_plan.h"

// Wall limits in ms.
enum {
    PLAN_MS = 30000,
    OPEN_MS = 60000,
    OPEN_SILENCE_MS = 15000,
    CASE_MS = 10000, // and twice the deadline
    CASE_SILENCE_MS = 5000,
    REPORTED_GRACE_MS = 2000, // for a worker that has said why it ends
    GONE_GRACE_MS = 500,      // for one that closed its link
    VAIN_MAX = 2,
    GONE_VAIN_MAX = 4,  // what was pulled out may be plugged in again …
    GONE_PAUSE_MS = 500 // … after so long, and twice as long every further time
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

static void start_watch(struct session *s, struct watch *w, long limit_ms, long silence_ms)
{
    watch_init(w, &s->worker, s->lab, s->signal_fd, limit_ms, silence_ms);
}

// Nothing leaves the computer in the virtual lab, so there the run counts as armed.
static struct jval *armed(const struct session *s, struct err *err)
{
    const struct run_options *o = s->options;
    struct jval *words = jval_array();
    int rc = words ? ERR_OK : err_set(err, ERR_NOMEM, "run: out of memory");
    if (rc == ERR_OK && (s->lab || o->arm_interference))
        rc = jval_append(words, jval_make(err, "s", "interference"), err);
    if (rc == ERR_OK && (s->lab || o->arm_destructive))
        rc = jval_append(words, jval_make(err, "s", "destructive"), err);
    if (rc == ERR_OK) return words;
    jval_free(words);
    return NULL;
}

// Why a case must not run unless the operator armed it, or NULL. design.md 9.
static const char *unarmed(const struct session *s, const char *safety)
{
    if (s->lab) return NULL;
    if (strcmp(safety, "S3") == 0 && !s->options->arm_interference)
        return "it disturbs radio traffic and was not armed; run it with --arm interference";
    if (strcmp(safety, "D") == 0 && !s->options->arm_destructive)
        return "it may destroy the device and was not armed; run it with --arm destructive";
    return NULL;
}

static int start_worker(struct session *s, struct err *err)
{
    return worker_start(&s->worker, s->lab ? lab_environment(s->lab) : NULL, err);
}

static int limit_plan(struct jval *request, const struct run_options *o, struct err *err)
{
    int rc = ERR_OK;
    if (o->include) rc = jval_set(request, "include", jval_make(err, "s", o->include), err);
    if (rc == ERR_OK && o->exclude)
        rc = jval_set(request, "exclude", jval_make(err, "s", o->exclude), err);
    if (rc == ERR_OK && o->shards)
        rc = jval_set(request, "shard", jval_make(err, "[i, i]", (int)o->shard, (int)o->shards),
                      err);
    return rc;
}

static int request_plan(struct session *s, struct err *err)
{
    struct jval *select = jval_array();
    int rc = select ? ERR_OK : err_set(err, ERR_NOMEM, "plan: out of memory");
    for (size_t i = 0; rc == ERR_OK && i < s->options->n_select; i++)
        rc = jval_append(select, jval_make(err, "s", s->options->select[i]), err);
    if (rc < 0) {
        jval_free(select);
        return rc;
    }
    struct jval *request =
        jval_make(err, "{s:s, s:o, s:s, s:s, s:s, s:I, s:o}", "do", "plan", "select", select,
                  "profile", s->options->profile, "device", s->device, "bench", s->bench, "seed",
                  (long long)s->options->seed, "arm", armed(s, err));
    rc = request ? limit_plan(request, s->options, err) : ERR_USAGE;
    if (rc == ERR_OK) return worker_ask(&s->worker, request, err);
    jval_free(request);
    return rc;
}

static int read_plan(struct session *s, struct jval **plan, struct err *err)
{
    struct watch w;
    start_watch(s, &w, PLAN_MS, PLAN_MS);
    for (;;) {
        struct message m;
        struct err garbage = {0};
        enum watch_end end = watch_next(&w, &m, &garbage);
        if (end == WATCH_SIGNAL) s->signal = w.signal;
        if (end != WATCH_MESSAGE) {
            struct loss l = loss_of_wait(&w, end, &garbage);
            return err_set(err, ERR_GONE, "no plan could be made: %s", l.text);
        }
        int rc = 1;
        if (strcmp(message_is(&m), "plan") == 0) {
            rc = run_plan_make(plan, m.body, err);
        } else if (strcmp(message_is(&m), "refused") == 0) {
            // A page of the suites that does not load is nothing that whoever runs it has to mend.
            bool suite = strcmp(jval_text(jval_get(m.body, "code"), ""), "INVALID") == 0;
            rc = err_set(err, suite ? ERR_INVALID : ERR_USAGE, "%s",
                         jval_text(jval_get(m.body, "text"), "the plan was refused"));
        } else if (strcmp(message_is(&m), "fault") == 0) {
            rc = err_set(err, ERR_GONE, "no plan could be made: %s",
                         jval_text(jval_get(m.body, "text"), "the worker gave no reason"));
        } else if (strcmp(message_is(&m), "progress") != 0) {
            rc = err_set(err, ERR_FORMAT, "worker: expected a plan, got \"%.80s\"", message_is(&m));
        }
        message_free(&m);
        if (rc <= 0) return rc;
    }
}

int session_plan(struct session *s, struct jval **plan, struct err *err)
{
    int rc = start_worker(s, err);
    if (rc == ERR_OK) rc = request_plan(s, err);
    return rc == ERR_OK ? read_plan(s, plan, err) : rc;
}

static void note_time(struct session *s, const struct jval *j)
{
    int64_t t = jval_int(jval_get(j, "t"), 0);
    if (t > s->t) s->t = t;
}

static void note_progress(struct session *s, const struct message *m)
{
    note_time(s, m->body);
    screen_step(&s->screen, jval_text(jval_get(m->body, "step"), ""));
}

// Ends the worker and books why. Only errors of the books are returned.
static int lose_worker(struct session *s, struct loss *l, struct err *err)
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

// Faults of the virtual lab belong to the attempt, or the opening, in which they came.
static int book_faults(struct session *s, struct err *err)
{
    char command[200];
    int64_t lab_ns;
    int rc = ERR_OK;
    while (rc == ERR_OK && s->lab && lab_next_fault(s->lab, &lab_ns, command, sizeof command))
        rc = book_chaos(s->book, lab_ns, command, err);
    return rc;
}

static bool is_for_the_books(int rc)
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
    note_time(s, event);
    return book_event(s->book, jval_ref(event), err);
}

enum step { STEP_ON, STEP_DONE, STEP_LOST };

// One message while the instruments are opened. Negative: the books cannot be kept.
static int take_opening(struct session *s, const struct message *m, struct loss *l, struct err *err)
{
    struct err e = {0};
    int rc = ERR_OK;
    if (strcmp(message_is(m), "opened") == 0) {
        note_time(s, m->body);
        return STEP_DONE;
    }
    if (strcmp(message_is(m), "fault") == 0) {
        *l = loss_of_fault(m);
        return STEP_LOST;
    }
    if (strcmp(message_is(m), "progress") == 0)
        note_progress(s, m);
    else if (strcmp(message_is(m), "event") == 0)
        rc = take_opening_event(s, m, &e);
    else
        rc = err_set(&e, ERR_FORMAT, "worker: no message \"%.80s\" is expected while it opens",
                     message_is(m));
    if (rc == ERR_OK) return STEP_ON;
    if (is_for_the_books(rc)) {
        if (err) *err = e;
        return rc;
    }
    *l = loss_make(rc, BLAME_BENCH, e.text);
    return STEP_LOST;
}

static int ask_open(struct session *s, struct err *err)
{
    int rc = s->worker.process.pid > 0 ? ERR_OK : start_worker(s, err);
    if (rc < 0) return rc;
    return worker_ask(&s->worker,
                      jval_make(err, "{s:s, s:s, s:s, s:s, s:I, s:I, s:i, s:o, s:o}", "do", "open",
                                "device", s->device, "bench", s->bench, "profile",
                                s->options->profile, "seed", (long long)s->options->seed, "t",
                                (long long)s->t, "worker", (int)s->workers, "arm", armed(s, err),
                                "history", jval_ref(book_history(s->book))),
                      err);
}

// Waits, unless the operator stops the run meanwhile.
static void await_signal(struct session *s, int ms)
{
    struct pollfd p = {.fd = s->signal_fd, .events = POLLIN};
    if (poll(&p, 1, ms) > 0) session_interrupted(s);
}

// Opens the instruments with the present worker or a new one. s->opened says how it went; negative:
// the books cannot be kept.
static int try_open(struct session *s, struct err *err)
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
        start_watch(s, &w, OPEN_MS, OPEN_SILENCE_MS);
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
    rc = lose_worker(s, &l, err);
    if (rc == ERR_OK) rc = book_faults(s, err);
    bool gone = l.code == ERR_GONE && l.reported;
    if (++s->in_vain < (gone ? GONE_VAIN_MAX : VAIN_MAX)) {
        if (gone) await_signal(s, GONE_PAUSE_MS << (s->in_vain - 1));
    } else if (!s->dead) {
        s->dead = true;
        s->dead_blame = l.blame;
        snprintf(s->why_dead, sizeof s->why_dead, "the instruments cannot be opened: %s", l.text);
    }
    return rc;
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
        note_time(s, event);
        return STEP_ON;
    }
    if (is_for_the_books(rc)) {
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
    if (is_for_the_books(rc)) {
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
        note_progress(s, m);
        return STEP_ON;
    }
    if (strcmp(is, "done") == 0) {
        note_time(s, m->body);
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
    start_watch(s, &w, CASE_MS + (long)(2000 * book_case(s->book, i)->deadline_s), CASE_SILENCE_MS);
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
    if (step == STEP_LOST) rc = lose_worker(s, &l, err);
    screen_clear(&s->screen);
    if (rc == ERR_OK) rc = book_faults(s, err);
    return rc < 0 ? rc : book_case_end(s->book, s->t, err);
}

// design.md 7: what the bench broke off is superseded by an attempt that completes; a fail stands.
static bool may_repeat(const struct session *s, const struct book_case *c, unsigned repeats)
{
    return c->verdict == VERDICT_ERROR && c->blame == BLAME_BENCH && repeats < s->options->retry &&
           !s->dead && !s->signal;
}

static int run_case(struct session *s, size_t i, struct err *err)
{
    int rc = run_attempt(s, i, err);
    for (unsigned repeats = 0; rc == ERR_OK && may_repeat(s, book_case(s->book, i), repeats);
         repeats++) {
        screen_step(&s->screen, "the bench broke it off; once more");
        while (rc == ERR_OK && !s->opened && !s->dead && !s->signal)
            rc = try_open(s, err);
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
            rc = try_open(s, err);
        if (rc == ERR_OK) rc = s->opened && !s->signal ? run_case(s, i, err) : skip_case(s, i, err);
    }
    screen_clear(&s->screen);
    if (s->worker.process.pid > 0) {
        struct jval *quit = jval_make(NULL, "{s:s}", "do", "quit");
        if (worker_ask(&s->worker, quit, NULL) == ERR_OK)
            worker_end(&s->worker, REPORTED_GRACE_MS, NULL, 0);
    }
    return rc;
}
