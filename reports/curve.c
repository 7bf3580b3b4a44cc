#include "reports/curve.h"

#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "bench/stat/binomial.h"

// What t:point measures at; a curve of mixed confidence would show bars of different meaning.
static const double confidence = 0.95;

static const char *text_of(const struct jval *object, const char *key)
{
    return jval_text(jval_get(object, key), "");
}

static bool is_same_curve(const struct jval *curve, const struct jval *event)
{
    static const char *const names[] = {"series", "event", "x_name", "x_unit", NULL};
    for (const char *const *name = names; *name; name++)
        if (strcmp(text_of(curve, *name), text_of(event, *name)) != 0) return false;
    return true;
}

static struct jval *curve_of(struct jval *curves, const struct jval *event, struct err *err)
{
    for (size_t i = 0; i < jval_len(curves); i++)
        if (is_same_curve(jval_at(curves, i), event)) return jval_at(curves, i);
    struct jval *made =
        jval_make(err, "{s:s, s:s, s:s, s:s, s:f, s:[], s:[]}", "series", text_of(event, "series"),
                  "event", text_of(event, "event"), "x_name", text_of(event, "x_name"), "x_unit",
                  text_of(event, "x_unit"), "confidence", confidence, "cases", "points");
    if (!made || jval_append(curves, made, err) < 0) return NULL;
    return jval_at(curves, jval_len(curves) - 1);
}

static int add_case(struct jval *curve, const struct jval *c, struct err *err)
{
    char id[512];
    const char *axes = text_of(c, "axes");
    bool has_axes = *axes && strcmp(axes, "_") != 0;
    snprintf(id, sizeof id, "%s%s%s", text_of(c, "id"), has_axes ? "/" : "", has_axes ? axes : "");
    struct jval *cases = jval_get(curve, "cases");
    for (size_t i = 0; i < jval_len(cases); i++)
        if (strcmp(jval_text(jval_at(cases, i), ""), id) == 0) return ERR_OK;
    return jval_append(cases, jval_make(err, "s", id), err);
}

// The interval of the sum: those of the parts cannot be added.
static int set_counts(struct jval *point, int64_t bad, int64_t trials, struct err *err)
{
    if (bad < 0 || trials < 1 || bad > trials || trials > UINT_MAX)
        return err_set(err, ERR_FORMAT,
                       "events.jsonl: a point has %lld bad of %lld trials; see foxbench verify",
                       (long long)bad, (long long)trials);
    struct binomial_interval i = binomial_interval((unsigned)bad, (unsigned)trials, confidence);
    int rc = jval_set(point, "bad", jval_make(err, "I", (long long)bad), err);
    if (rc == ERR_OK) rc = jval_set(point, "trials", jval_make(err, "I", (long long)trials), err);
    if (rc == ERR_OK) rc = jval_set(point, "low", jval_make(err, "f", i.low), err);
    if (rc == ERR_OK) rc = jval_set(point, "high", jval_make(err, "f", i.high), err);
    return rc;
}

static int add_point(struct jval *curve, const struct jval *event, struct err *err)
{
    struct jval *points = jval_get(curve, "points");
    double x = jval_number(jval_get(event, "x"), (double)NAN);
    int64_t bad = jval_int(jval_get(event, "bad"), -1),
            trials = jval_int(jval_get(event, "trials"), -1);
    if (!isfinite(x)) return err_set(err, ERR_FORMAT, "events.jsonl: a point has no x");
    for (size_t i = 0; i < jval_len(points); i++) {
        struct jval *p = jval_at(points, i);
        if (jval_number(jval_get(p, "x"), (double)NAN) != x) continue;
        return set_counts(p, bad + jval_int(jval_get(p, "bad"), 0),
                          trials + jval_int(jval_get(p, "trials"), 0), err);
    }
    struct jval *p = jval_make(err, "{s:f}", "x", x);
    if (!p) return ERR_NOMEM;
    int rc = set_counts(p, bad, trials, err);
    if (rc < 0) {
        jval_free(p);
        return rc;
    }
    return jval_append(points, p, err);
}

// Puts the points of every curve in order of x.
static int sort_points(struct jval *curve, struct err *err)
{
    struct jval *points = jval_get(curve, "points"), *sorted = jval_array();
    int rc = sorted ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for a curve");
    double last = -HUGE_VAL;
    for (size_t done = 0; rc == ERR_OK && done < jval_len(points); done++) {
        struct jval *next = NULL;
        double x = HUGE_VAL;
        for (size_t i = 0; i < jval_len(points); i++) {
            double at = jval_number(jval_get(jval_at(points, i), "x"), 0);
            if (at <= last || at >= x) continue;
            x = at;
            next = jval_at(points, i);
        }
        rc = jval_append(sorted, jval_ref(next), err);
        last = x;
    }
    if (rc == ERR_OK) return jval_set(curve, "points", sorted, err);
    jval_free(sorted);
    return rc;
}

static int collect_attempt(struct jval *curves, const struct jval *c, const struct jval *attempt,
                           struct err *err)
{
    const struct jval *events = jval_get(attempt, "events");
    if (jval_bool(jval_get(attempt, "superseded"), false)) return ERR_OK;
    for (size_t i = 0; i < jval_len(events); i++) {
        const struct jval *event = jval_at(events, i);
        if (strcmp(text_of(event, "type"), "point") != 0) continue;
        struct jval *curve = curve_of(curves, event, err);
        if (!curve) return ERR_NOMEM;
        int rc = add_point(curve, event, err);
        if (rc == ERR_OK) rc = add_case(curve, c, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

int curve_collect(const struct jval *cases, struct jval **out, struct err *err)
{
    struct jval *curves = jval_array();
    int rc = curves ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for curves");
    for (size_t i = 0; rc == ERR_OK && i < jval_len(cases); i++) {
        const struct jval *attempts = jval_get(jval_at(cases, i), "attempts");
        for (size_t k = 0; rc == ERR_OK && k < jval_len(attempts); k++)
            rc = collect_attempt(curves, jval_at(cases, i), jval_at(attempts, k), err);
    }
    for (size_t i = 0; rc == ERR_OK && i < jval_len(curves); i++)
        rc = sort_points(jval_at(curves, i), err);
    if (rc < 0) {
        jval_free(curves);
        return rc;
    }
    *out = curves;
    return ERR_OK;
}
