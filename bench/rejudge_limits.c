#include "bench/rejudge_limits.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "lua/bind/script.h"

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

static int check_limit(const char *path, const struct jval *limit, size_t i, struct err *err)
{
    if (!*text_of(limit, "name") || !*text_of(limit, "unit"))
        return err_set(err, ERR_USAGE, "%s: limit %zu: expected name and unit, as fixtures/limits/",
                       path, i + 1);
    double min = jval_number(jval_get(limit, "min"), -INFINITY);
    double max = jval_number(jval_get(limit, "max"), INFINITY);
    if (min > max)
        return err_set(err, ERR_USAGE, "%s: %s: expected min <= max, got %g > %g", path,
                       text_of(limit, "name"), min, max);
    return ERR_OK;
}

int relimit_open(struct relimit *r, const char *path, struct err *err)
{
    *r = (struct relimit){0};
    int rc = script_read_data(path, &r->limits, err);
    if (rc == ERR_OK && (jval_kind(r->limits) != JVAL_ARRAY || jval_len(r->limits) == 0))
        rc = err_set(err, ERR_USAGE, "%s: expected a list of limits, as fixtures/limits/ have it",
                     path);
    for (size_t i = 0; rc == ERR_OK && i < jval_len(r->limits); i++)
        rc = check_limit(path, jval_at(r->limits, i), i, err);
    if (rc < 0) relimit_deinit(r);
    return rc;
}

void relimit_deinit(struct relimit *r)
{
    jval_free(r->limits);
    r->limits = NULL;
}

static const struct jval *find(const struct relimit *r, const char *name)
{
    for (size_t i = 0; *name && i < jval_len(r->limits); i++)
        if (strcmp(text_of(jval_at(r->limits, i), "name"), name) == 0) return jval_at(r->limits, i);
    return NULL;
}

// catalogue F.4: within the limits by more than the guard band passes, beyond them by more fails.
static const char *judge(const struct jval *limit, double value, double guard)
{
    const struct jval *min = jval_get(limit, "min"), *max = jval_get(limit, "max");
    if (!min && !max) return "info";
    double low = jval_number(min, -INFINITY), high = jval_number(max, INFINITY);
    if (value >= low + guard && value <= high - guard) return "pass";
    if (value < low - guard || value > high + guard) return "fail";
    return guard > 0 ? "inconclusive" : "fail";
}

static void describe(const struct jval *limit, char out[120])
{
    const struct jval *min = jval_get(limit, "min"), *max = jval_get(limit, "max");
    if (min && max)
        snprintf(out, 120, "%.6g … %.6g", jval_number(min, 0), jval_number(max, 0));
    else if (min || max)
        snprintf(out, 120, "%s %.6g", min ? ">=" : "<=", jval_number(min ? min : max, 0));
    else
        snprintf(out, 120, "report only");
}

static int put(struct jval *event, const char *key, const char *text, struct err *err)
{
    return jval_set(event, key, jval_make(err, "s", text), err);
}

static int apply(struct relimit *r, struct jval *event, const struct jval *limit, struct err *err)
{
    char allowed[120], reason[480];
    double value = jval_number(jval_get(event, "value"), 0);
    const char *was = text_of(event, "verdict"), *name = text_of(event, "name");
    const char *is = judge(limit, value, jval_number(jval_get(event, "guard"), 0));
    const char *unit = text_of(limit, "unit");
    bool doubtful = strcmp(is, "inconclusive") == 0, fails = strcmp(is, "fail") == 0;
    describe(limit, allowed);
    snprintf(reason, sizeof reason, "%s is %.6g %s, allowed is %s%s", name, value, unit, allowed,
             doubtful ? ": nearer to the limit than its guard band" : "");
    r->compared++;
    if (strcmp(was, is) != 0) {
        r->differ++;
        printf("measure     event %lld, %s: %s was %s (%s), is %s (%s)\n",
               (long long)jval_int(jval_get(event, "seq"), -1), text_of(event, "case"), name, was,
               text_of(event, "limit"), is, allowed);
    }
    int rc = put(event, "limit", allowed, err);
    if (rc == ERR_OK) rc = put(event, "limit_source", text_of(limit, "source"), err);
    if (rc == ERR_OK) rc = put(event, "verdict", is, err);
    if (rc == ERR_OK) rc = put(event, "blame", fails ? "device" : doubtful ? "bench" : "none", err);
    if (rc == ERR_OK && (fails || doubtful)) rc = put(event, "reason", reason, err);
    return rc;
}

int relimit_event(struct relimit *r, struct jval *event, struct err *err)
{
    if (!r->limits || strcmp(text_of(event, "type"), "measure") != 0) return ERR_OK;
    const struct jval *limit = find(r, text_of(event, "limit_name"));
    enum jval_type kind = jval_kind(jval_get(event, "value"));
    if (!limit || (kind != JVAL_INT && kind != JVAL_REAL)) {
        r->without++;
        return ERR_OK;
    }
    if (strcmp(text_of(limit, "unit"), text_of(event, "unit")) != 0)
        return err_set(err, ERR_USAGE,
                       "the limit %s is in %s, the run measured in %s: a limit must be in the "
                       "measurement's unit",
                       text_of(limit, "name"), text_of(limit, "unit"), text_of(event, "unit"));
    return apply(r, event, limit, err);
}
