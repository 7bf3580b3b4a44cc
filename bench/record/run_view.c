#include "bench/record/run_view.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "bench/record/lines.h"
#include "bench/record/verdict.h"

struct reader {
    struct run_view *view;
    const struct run_view_lens *lens;
    struct jval *now; // case of the running attempt, lent from the view; NULL: none runs
    struct verdict_fold fold;
};

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

static void make_name(char out[512], const char *id, const char *axes)
{
    bool plain = !*axes || strcmp(axes, "_") == 0;
    snprintf(out, 512, "%s%s%s", id, plain ? "" : "/", plain ? "" : axes);
}

static int load(const char *dir, const char *name, struct jval **out, struct err *err)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    if (stat(path, &st) != 0)
        return err_set(err, ERR_NOTFOUND, "%s: expected a run directory, it has no %s: %s", dir,
                       name, strerror(errno));
    return jval_load(out, path, err);
}

static int list_cases(struct run_view *v, struct err *err)
{
    const struct jval *cases = jval_get(v->plan, "cases");
    int rc = ERR_OK;
    v->cases = jval_array();
    for (size_t i = 0; rc == ERR_OK && i < jval_len(cases); i++) {
        char name[512];
        const struct jval *c = jval_at(cases, i);
        const char *na = jval_text(jval_get(c, "na"), NULL);
        make_name(name, text_of(c, "id"), text_of(c, "axes"));
        rc = jval_append(v->cases,
                         jval_make(err, "{s:s, s:s, s:s, s:s, s:[], s:i, s:n}", "name", name,
                                   "verdict", na ? "na" : "notrun", "blame", "none", "reason",
                                   na ? na : "", "measurements", "attempt", 0, "booked"),
                         err);
    }
    return rc;
}

const struct jval *run_view_find(const struct run_view *v, const char *name)
{
    for (size_t i = 0; i < jval_len(v->cases); i++)
        if (strcmp(text_of(jval_at(v->cases, i), "name"), name) == 0) return jval_at(v->cases, i);
    return NULL;
}

static int begin(struct reader *r, const struct jval *event, struct err *err)
{
    char name[512];
    make_name(name, text_of(event, "case"), text_of(event, "axes"));
    r->now = (struct jval *)(uintptr_t)run_view_find(r->view, name);
    r->fold = (struct verdict_fold){0};
    if (!r->now)
        return err_set(err, ERR_FORMAT, "events.jsonl names case %s, plan.json does not", name);
    struct jval *attempt = jval_get(event, "attempt");
    int rc = jval_set(r->now, "attempt", attempt ? jval_ref(attempt) : NULL, err);
    if (rc == ERR_OK) rc = jval_set(r->now, "measurements", jval_array(), err);
    if (rc == ERR_OK) rc = jval_set(r->now, "booked", jval_make(err, "n"), err);
    return rc;
}

static int settle(struct reader *r, const struct jval *end, struct err *err)
{
    verdict_fold_end(&r->fold);
    int rc = jval_set(r->now, "verdict", jval_make(err, "s", verdict_name(r->fold.verdict)), err);
    if (rc == ERR_OK)
        rc = jval_set(r->now, "blame", jval_make(err, "s", blame_name(r->fold.blame)), err);
    if (rc == ERR_OK) rc = jval_set(r->now, "reason", jval_make(err, "s", r->fold.reason), err);
    if (rc == ERR_OK) rc = jval_set(r->now, "booked", jval_ref((struct jval *)(uintptr_t)end), err);
    r->now = NULL;
    return rc;
}

static int take(struct reader *r, struct jval *event, struct err *err)
{
    const char *type = text_of(event, "type");
    if (strcmp(type, "case.begin") == 0) return begin(r, event, err);
    if (strcmp(type, "instrument") == 0) {
        static const char *const fields[] = {"seq", "prev", "t", "case", "axes", "attempt", "type"};
        for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
            jval_remove(event, fields[i]);
        return jval_set(r->view->instruments, text_of(event, "unit"), jval_ref(event), err);
    }
    if (strcmp(type, "run.end") == 0) r->view->ended = true;
    if (strcmp(type, "run.resume") == 0) r->view->ended = false;
    if (!r->now) return ERR_OK;
    if (strcmp(type, "case.end") == 0) return settle(r, event, err);
    int rc = r->lens ? r->lens->look(r->lens->ctx, event, err) : ERR_OK;
    if (rc == ERR_OK && strcmp(type, "measure") == 0)
        rc = jval_append(jval_get(r->now, "measurements"), jval_ref(event), err);
    return rc == ERR_OK ? verdict_fold_event(&r->fold, event, err) : rc;
}

static int read_events(struct reader *r, const char *dir, struct err *err)
{
    char path[PATH_MAX];
    struct lines l;
    snprintf(path, sizeof path, "%s/events.jsonl", dir);
    int rc = lines_open(&l, path, err);
    while (rc == ERR_OK && (rc = lines_next(&l, err)) > 0) {
        rc = ERR_OK;
        if (l.torn) continue;
        if (!l.value)
            rc =
                err_set(err, ERR_FORMAT, "%s line %zu is no JSON object; foxbench verify says more",
                        path, l.number);
        else
            rc = take(r, l.value, err);
    }
    lines_close(&l);
    return rc;
}

int run_view_read_through(struct run_view *v, const char *run_dir, const struct run_view_lens *lens,
                          struct err *err)
{
    struct reader r = {.view = v, .lens = lens};
    *v = (struct run_view){.instruments = jval_object()};
    int rc = v->instruments ? ERR_OK : err_set(err, ERR_NOMEM, "run: out of memory");
    if (rc == ERR_OK) rc = load(run_dir, "run.json", &v->run, err);
    if (rc == ERR_OK) rc = load(run_dir, "plan.json", &v->plan, err);
    if (rc == ERR_OK) rc = list_cases(v, err);
    if (rc == ERR_OK) rc = read_events(&r, run_dir, err);
    if (rc < 0) run_view_deinit(v);
    return rc;
}

int run_view_read(struct run_view *v, const char *run_dir, struct err *err)
{
    return run_view_read_through(v, run_dir, NULL, err);
}

void run_view_deinit(struct run_view *v)
{
    jval_free(v->run);
    jval_free(v->plan);
    jval_free(v->instruments);
    jval_free(v->cases);
    *v = (struct run_view){0};
}
