#include "bench/run_session_parts.h"

#include <string.h>

#include "bench/run_plan.h"

enum { PLAN_MS = 30000 }; // wall limit

// Nothing leaves the computer in the virtual lab, so there the run counts as session_armed.
struct jval *session_armed(const struct session *s, struct err *err)
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

int session_start_worker(struct session *s, struct err *err)
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
                  (long long)s->options->seed, "arm", session_armed(s, err));
    rc = request ? limit_plan(request, s->options, err) : ERR_USAGE;
    if (rc == ERR_OK) return worker_ask(&s->worker, request, err);
    jval_free(request);
    return rc;
}

static int read_plan(struct session *s, struct jval **plan, struct err *err)
{
    struct watch w;
    session_watch(s, &w, PLAN_MS, PLAN_MS);
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
    int rc = session_start_worker(s, err);
    if (rc == ERR_OK) rc = request_plan(s, err);
    return rc == ERR_OK ? read_plan(s, plan, err) : rc;
}
