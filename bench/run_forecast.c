#include "bench/run_forecast.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/record/index.h"

// Runs beyond the newest few say little about today; the index is quick to follow that many.
enum { RUNS_MAX = 40, SAMPLES_MAX = 5 };

// Without any history: part of its deadline that a case needs, part of that on the air, and how
// much faster than real time the virtual lab is.
static const double usual_share = 0.2, usual_air = 0.3, usual_speed = 30;

struct samples {
    double wall_s[SAMPLES_MAX], bench_s[SAMPLES_MAX], air_s[SAMPLES_MAX];
    size_t n;
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *list, size_t n)
{
    qsort(list, n, sizeof *list, by_value);
    return n % 2 ? list[n / 2] : (list[n / 2 - 1] + list[n / 2]) / 2;
}

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

static double number_of(const struct jval *j, const char *key)
{
    return jval_number(jval_get(j, key), 0);
}

static void case_name(const struct jval *c, char out[512])
{
    const char *axes = text_of(c, "axes");
    bool plain = !*axes || strcmp(axes, "_") == 0;
    snprintf(out, 512, "%s%s%s", text_of(c, "id"), plain ? "" : "/", plain ? "" : axes);
}

// The newest attempts of one case, its own (or the others'), as this bench would see them.
static void collect(struct samples *s, const struct jval *history, const char *name, bool same,
                    bool is_virtual)
{
    s->n = 0;
    for (size_t i = 0; i < jval_len(history) && s->n < SAMPLES_MAX; i++) {
        const struct jval *d = jval_at(history, i);
        if (strcmp(text_of(d, "name"), name) != 0) continue;
        if (jval_bool(jval_get(d, "same"), false) != same) continue;
        double bench_s = number_of(d, "bench_s");
        s->wall_s[s->n] = jval_bool(jval_get(d, "virtual"), false) == is_virtual
                              ? number_of(d, "wall_s")
                              : bench_s / (is_virtual ? usual_speed : 1);
        s->bench_s[s->n] = bench_s;
        s->air_s[s->n++] = number_of(d, "air_s");
    }
}

static bool remember(struct forecast_case *f, const struct jval *history, const char *name,
                     bool is_virtual)
{
    struct samples s;
    collect(&s, history, name, true, is_virtual);
    f->from = s.n > 0 ? FORECAST_HISTORY : FORECAST_SIMILAR;
    if (s.n == 0) collect(&s, history, name, false, is_virtual);
    if (s.n == 0) return false;
    f->wall_s = median(s.wall_s, s.n);
    f->bench_s = median(s.bench_s, s.n);
    f->air_s = median(s.air_s, s.n);
    return true;
}

struct habits {
    double share, air, speed;
};

// How the known cases of the plan keep to their deadlines.
static struct habits learn(const struct forecast *f, const struct jval *cases, bool is_virtual)
{
    struct habits h = {usual_share, usual_air, is_virtual ? usual_speed : 1};
    double *share = calloc(3 * f->n + 1, sizeof *share), *air = share + f->n, *speed = air + f->n;
    size_t n = 0;
    for (size_t i = 0; share && i < f->n; i++) {
        const struct forecast_case *c = &f->cases[i];
        double deadline_s = number_of(jval_at(cases, i), "deadline_s");
        if (c->from == FORECAST_GUESS || !(c->bench_s > 0) || !(c->wall_s > 0)) continue;
        share[n] = c->bench_s / fmax(deadline_s, 1);
        air[n] = c->air_s / c->bench_s;
        speed[n++] = c->bench_s / c->wall_s;
    }
    if (n > 0) h = (struct habits){median(share, n), median(air, n), median(speed, n)};
    free(share);
    return h;
}

static void sum(struct forecast *f)
{
    for (size_t i = 0; i < f->n; i++) {
        f->total.wall_s += f->cases[i].wall_s;
        f->total.bench_s += f->cases[i].bench_s;
        f->total.air_s += f->cases[i].air_s;
        if (f->cases[i].from > f->total.from) f->total.from = f->cases[i].from;
    }
}

static struct jval *read_history(const struct forecast_query *q)
{
    struct index *ix = NULL;
    struct jval *history = NULL;
    struct err unread;
    if (index_open(&ix, q->folder, &unread) < 0) return NULL;
    if (index_refresh_newest(ix, RUNS_MAX, &unread) < 0 ||
        index_durations(ix, q->device, q->bench, q->profile, &history, &unread) < 0)
        history = NULL;
    index_close(ix);
    return history;
}

int forecast_make(struct forecast *f, const struct forecast_query *q, const struct jval *plan,
                  struct err *err)
{
    const struct jval *cases = jval_get(plan, "cases");
    *f = (struct forecast){.n = jval_len(cases)};
    f->cases = calloc(f->n + 1, sizeof *f->cases);
    if (!f->cases) return err_set(err, ERR_NOMEM, "plan: out of memory");
    struct jval *history = read_history(q);
    for (size_t i = 0; i < f->n; i++) {
        const struct jval *c = jval_at(cases, i);
        char name[512];
        case_name(c, name);
        if (jval_text(jval_get(c, "na"), NULL)) continue;
        if (!remember(&f->cases[i], history, name, q->is_virtual))
            f->cases[i].from = FORECAST_GUESS;
    }
    jval_free(history);
    struct habits h = learn(f, cases, q->is_virtual);
    for (size_t i = 0; i < f->n; i++) {
        struct forecast_case *c = &f->cases[i];
        if (c->from != FORECAST_GUESS) continue;
        // A passive case judges what was recorded for others.
        bool passive = jval_len(jval_get(jval_at(cases, i), "watches")) > 0;
        c->bench_s = passive ? 0 : h.share * number_of(jval_at(cases, i), "deadline_s");
        c->air_s = h.air * c->bench_s;
        c->wall_s = c->bench_s / h.speed;
    }
    sum(f);
    return ERR_OK;
}

void forecast_deinit(struct forecast *f)
{
    free(f->cases);
    *f = (struct forecast){0};
}

const char *forecast_mark(enum forecast_from from)
{
    return from == FORECAST_HISTORY ? "" : from == FORECAST_SIMILAR ? "~" : "?";
}

char *forecast_text(double seconds, char out[24])
{
    long s = lround(fmin(fmax(seconds, 0), 1e9));
    if (s < 60)
        snprintf(out, 24, "%ld s", s);
    else if (s < 3600)
        snprintf(out, 24, "%ld min %02ld s", s / 60, s % 60);
    else
        snprintf(out, 24, "%ld h %02ld min", s / 3600, s % 3600 / 60);
    return out;
}
