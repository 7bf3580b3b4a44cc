#include "lua/bind/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "bench/base/rng.h"
#include "bench/record/link.h"
#include "bench/sfx/counter.h"
#include "lua/bind/bind.h"
#include "lua/bind/pump.h"
#include "lua/bind/script.h"
#include "lua/bind/setup.h"
#include "lua/bind/state.h"

enum { CASE_ID_MAX = 512, PROFILE_MAX = 64, SILENCE_TIMEOUT_MS = 4000 };

struct worker {
    struct link *link;
    const char *root;
    struct setup setup;
    struct pump *pump;
    int64_t seed;
    char profile[PROFILE_MAX];
};

// ---- what the pump says

static int say(struct worker *w, struct jval *message, int fd, struct err *err)
{
    if (!message) return ERR_FORMAT; // jval_make has said why
    int rc = link_send(w->link, message, fd, err);
    jval_free(message);
    return rc;
}

static int on_event(void *ctx, struct jval *event, struct err *err)
{
    return say(ctx, jval_make(err, "{s:s, s:o}", "is", "event", "event", jval_ref(event)), -1, err);
}

static int on_progress(void *ctx, int64_t t, const char *step, struct err *err)
{
    return say(ctx,
               jval_make(err, "{s:s, s:I, s:s}", "is", "progress", "t", (long long)t, "step", step),
               -1, err);
}

static int on_evidence(void *ctx, const char *path, const char *media_type, const char *note,
                       int fd, struct err *err)
{
    return say(ctx,
               jval_make(err, "{s:s, s:s, s:s, s:s}", "is", "evidence", "path", path, "media_type",
                         media_type, "note", note),
               fd, err);
}

// ---- what the supervisor asks

static int do_plan(struct worker *w, const struct jval *request, struct err *err)
{
    struct setup setup = {0};
    struct state *state = NULL;
    struct jval *plan = NULL;
    struct err why = {0};
    int rc = state_open(&state, w->root, &why);
    if (rc == ERR_OK) rc = setup_read(&setup, w->root, request, state, &why);
    if (rc == ERR_OK)
        rc = state_plan(state, request, setup.device, setup.bench, setup.limits, &plan, &why);
    state_close(state);
    setup_deinit(&setup);
    if (rc < 0)
        return say(w,
                   jval_make(err, "{s:s, s:s, s:s}", "is", "refused", "code", err_name(rc), "text",
                             why.text),
                   -1, err);
    rc = jval_set(plan, "is", jval_make(err, "s", "plan"), err);
    if (rc < 0) {
        jval_free(plan);
        return rc;
    }
    return say(w, plan, -1, err);
}

static unsigned armed_of(const struct jval *words)
{
    unsigned armed = 0;
    for (size_t i = 0; i < jval_len(words); i++)
        if (strcmp(jval_text(jval_at(words, i), ""), "interference") == 0)
            armed |= AIR_ARMED_INTERFERENCE;
    return armed;
}

// All radios that may send, powered down: an earlier worker died, and nobody knows what it was
// about.
static int silence_radios(const struct setup *s, struct err *err)
{
    const struct jval *radios = jval_get(s->bench, "radios");
    int first_rc = ERR_OK;
    for (size_t i = 0; i < jval_len(radios); i++) {
        const struct jval *radio = jval_at(radios, i);
        if (!jval_bool(jval_get(radio, "transmit"), false)) continue;
        const struct radio_config config = {
            .uri = jval_text(jval_get(radio, "uri"), ""),
            .serial = jval_text(jval_get(radio, "serial"), NULL),
            .timeout_ms = SILENCE_TIMEOUT_MS,
        };
        struct err why = {0};
        int rc = radio_silence(&config, &why);
        if (rc == ERR_OK || first_rc < 0) continue; // the others all the same
        pump_name_unit(&why, "radio", config.uri, jval_text(jval_get(radio, "unit"), "radio"));
        first_rc = err_set(err, rc, "%s", why.text);
    }
    return first_rc;
}

static int read_setup(struct worker *w, const struct jval *request, struct err *err)
{
    struct state *state = NULL;
    int rc = state_open(&state, w->root, err);
    if (rc < 0) return rc;
    setup_deinit(&w->setup);
    rc = setup_read(&w->setup, w->root, request, state, err);
    state_close(state);
    return rc;
}

static int do_open(struct worker *w, const struct jval *request, struct err *err)
{
    if (w->pump) return err_set(err, ERR_SEQUENCE, "open: the instruments are open already");
    int rc = read_setup(w, request, err);
    if (rc < 0) return rc;

    struct pump_config config;
    rc = setup_pump(&w->setup, &config, err);
    if (rc < 0) return rc;
    w->seed = jval_int(jval_get(request, "seed"), 1);
    snprintf(w->profile, sizeof w->profile, "%s", jval_text(jval_get(request, "profile"), "smoke"));
    config.t0 = jval_int(jval_get(request, "t"), 0);
    config.worker = (unsigned)jval_int(jval_get(request, "worker"), 1);
    config.armed = armed_of(jval_get(request, "arm"));
    const struct pump_sink sink = {
        .ctx = w, .event = on_event, .progress = on_progress, .evidence = on_evidence};
    rc = config.worker > 1 ? silence_radios(&w->setup, err) : ERR_OK;
    if (rc == ERR_OK) rc = pump_open(&w->pump, &config, &sink, err);
    if (rc < 0) return rc;
    rc = pump_announce(w->pump, err);
    if (rc == ERR_OK) rc = pump_recall(w->pump, jval_get(request, "history"), err);
    if (rc < 0) return rc;
    return say(w, jval_make(err, "{s:s, s:I}", "is", "opened", "t", (long long)pump_now(w->pump)),
               -1, err);
}

static int do_silence(struct worker *w, const struct jval *request, struct err *err)
{
    int rc = read_setup(w, request, err);
    return rc < 0 ? rc : silence_radios(&w->setup, err);
}

// "case:ID/k=v,k=v": the stream of random numbers that an attempt draws from.
static int append_axis(void *ctx, const char *key, struct jval *value)
{
    char *name = ctx;
    size_t len = strlen(name);
    snprintf(name + len, CASE_ID_MAX - len, "%c%s=%s", strchr(name, '/') ? ',' : '/', key,
             jval_text(value, ""));
    return 0;
}

static int deadline_of(const struct worker *w, struct state *state, const char *id, int64_t *out,
                       struct err *err)
{
    struct jval *list = NULL;
    int rc = state_list(state, &list, err);
    if (rc < 0) return rc;
    *out = 0;
    for (size_t i = 0; i < jval_len(list); i++) {
        const struct jval *known = jval_at(list, i);
        if (strcmp(jval_text(jval_get(known, "id"), ""), id) != 0) continue;
        double s = jval_number(jval_get(known, "deadline_s"), 0);
        *out = pump_now(w->pump) + (int64_t)(s * pump_rate_hz(w->pump));
    }
    jval_free(list);
    return ERR_OK;
}

static int run_case(struct worker *w, const char *id, const struct jval *request, struct err *err)
{
    char name[CASE_ID_MAX];
    const struct jval *axes = jval_get(request, "axes");
    snprintf(name, sizeof name, "case:%s", id);
    (void)jval_each(axes, append_axis, name);

    struct state *state = NULL;
    int64_t deadline = 0;
    int rc = state_open(&state, w->root, err);
    if (rc == ERR_OK) rc = deadline_of(w, state, id, &deadline, err);
    if (rc < 0) goto done;
    struct bind bind = {
        .pump = w->pump,
        .budget = state_budget(state),
        .device = w->setup.device,
        .bench = w->setup.bench,
        .limits = w->setup.limits,
        .dialect = w->setup.dialect,
        .profile = w->profile,
        .key = w->setup.key.len ? &w->setup.key : NULL,
        .key_in_token = w->setup.token != NULL,
        .random_key = rng_key((uint64_t)w->seed, name),
    };
    pump_begin(w->pump, deadline);
    rc = state_run(state, &bind, id, axes, jval_get(request, "watched"), err);
done:
    state_close(state);
    return rc;
}

static int do_case(struct worker *w, const struct jval *request, struct err *err)
{
    if (!w->pump) return err_set(err, ERR_SEQUENCE, "case: open the instruments first");
    struct err why = {0};
    int rc = run_case(w, jval_text(jval_get(request, "case"), ""), request, &why);
    if (rc < 0) // a page that breaks while it loads, no memory: the attempt's fault, not the
                // worker's end
        rc = pump_emit(w->pump,
                       jval_make(err, "{s:s, s:s, s:s, s:s}", "type", "fault", "code", err_name(rc),
                                 "blame", "suite", "text", why.text),
                       err);
    if (rc == ERR_OK) rc = pump_end(w->pump, err);
    // The attempt is booked; a bench without its instruments cannot go on.
    struct err broken = {0};
    bool last = pump_broken(w->pump, &broken) < 0;
    if (rc == ERR_OK)
        rc = say(w,
                 jval_make(err, "{s:s, s:I, s:b}", "is", "done", "t", (long long)pump_now(w->pump),
                           "last", (int)last),
                 -1, err);
    return rc < 0 ? rc : pump_broken(w->pump, err);
}

static int serve(struct worker *w, const struct jval *request, bool *quit, struct err *err)
{
    const char *what = jval_text(jval_get(request, "do"), "");
    if (strcmp(what, "plan") == 0) return do_plan(w, request, err);
    if (strcmp(what, "open") == 0) return do_open(w, request, err);
    if (strcmp(what, "case") == 0) return do_case(w, request, err);
    if (strcmp(what, "silence") == 0) {
        *quit = true;
        return do_silence(w, request, err);
    }
    if (strcmp(what, "quit") == 0) {
        *quit = true;
        return ERR_OK;
    }
    return err_set(err, ERR_FORMAT,
                   "worker: expected plan, open, case, silence or quit, got '%.40s'", what);
}

static int tell_fault(struct worker *w, int rc, const char *text)
{
    struct err ignored;
    const char *blame = rc == ERR_USAGE || rc == ERR_UNSUPPORTED ? "config" : "bench";
    return say(w,
               jval_make(&ignored, "{s:s, s:s, s:s, s:s}", "is", "fault", "code", err_name(rc),
                         "blame", blame, "text", text),
               -1, &ignored);
}

int worker_serve(int fd, const char *root, struct err *err)
{
    struct worker w = {.root = root};
    struct err why = {0};
    bool quit = false;
    int rc = link_new(&w.link, fd, err);
    if (rc < 0) return rc;
    while (!quit && rc == ERR_OK) {
        struct jval *request = NULL;
        int unwanted = -1;
        rc = link_receive(w.link, &request, &unwanted, -1, &why);
        if (unwanted >= 0) close(unwanted);
        if (rc == ERR_GONE) { // the supervisor has ended: so do we
            rc = ERR_OK;
            break;
        }
        if (rc < 0) break;
        rc = serve(&w, request, &quit, &why);
        jval_free(request);
    }
    if (rc < 0) {
        bool told = tell_fault(&w, rc, why.text) == ERR_OK;
        err_set(err, rc, "%s", told ? "" : why.text);
    }
    pump_close(w.pump);
    setup_deinit(&w.setup);
    link_free(w.link);
    return rc;
}
