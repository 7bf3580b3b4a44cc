#include "reports/ledger_read.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "bench/base/bytes.h"

#define LEDGER_MAX ((size_t)1 << 30)

// The sample clock so far: sample t is at s seconds, and counts on at rate_hz.
struct clock {
    double s;
    int64_t t;
    double rate_hz; // 0 before the first clock event
};

static double clock_seconds(const struct clock *c, int64_t t)
{
    return c->rate_hz > 0 ? c->s + (double)(t - c->t) / c->rate_hz : 0;
}

static int add_seconds(const struct clock *c, struct jval *event, struct err *err)
{
    static const struct {
        const char *samples, *seconds;
    } fields[] = {{"t", "t_s"}, {"start", "start_s"}, {"end", "end_s"}, {"until", "until_s"}};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct jval *t = jval_get(event, fields[i].samples);
        if (!t || jval_kind(t) != JVAL_INT) continue;
        int rc = jval_set(event, fields[i].seconds,
                          jval_make(err, "f", clock_seconds(c, jval_int(t, 0))), err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

static int take_event(struct jval *events, struct clock *clock, struct jval *event, struct err *err)
{
    const char *type = jval_text(jval_get(event, "type"), "");
    if (strcmp(type, "clock") == 0) {
        int64_t t = jval_int(jval_get(event, "t"), 0);
        double rate = jval_number(jval_get(event, "rate_hz"), 0);
        *clock = (struct clock){clock_seconds(clock, t), t, rate};
    }
    int rc = add_seconds(clock, event, err);
    return rc < 0 ? rc : jval_append(events, jval_ref(event), err);
}

// One line of a JSON lines file. The last one may be torn: a run that was killed while it wrote.
static int parse_line(struct jval **out, const char *line, size_t len, bool last, bool *torn)
{
    *out = NULL;
    if (jval_parse(out, line, len, NULL) == ERR_OK && jval_kind(*out) == JVAL_OBJECT &&
        jval_int(jval_get(*out, "seq"), -1) >= 0)
        return ERR_OK;
    if (*out) jval_free(*out);
    *out = NULL;
    if (!last) return ERR_FORMAT;
    *torn = true;
    return ERR_OK;
}

// Calls take for every whole line.
static int each_line(const char *run_dir, const char *name, bool *torn,
                     int (*take)(void *ctx, struct jval *line, struct err *err), void *ctx,
                     struct err *err)
{
    char path[4096];
    struct bytes text;
    bytes_init(&text, LEDGER_MAX);
    snprintf(path, sizeof path, "%s/%s", run_dir, name);
    int rc = bytes_read_file(&text, path, err);
    const char *at = text.data ? (const char *)text.data : "", *end = at + text.len;
    *torn = false;
    for (size_t number = 1; rc == ERR_OK && at < end; number++) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline ? newline : end;
        bool last = !newline || newline + 1 == end;
        struct jval *line;
        if (!newline)
            *torn = true; // nobody knows what the rest would have said
        else if (parse_line(&line, at, (size_t)(stop - at), last, torn) < 0)
            rc = err_set(err, ERR_FORMAT,
                         "%s: line %zu is no event; the file was altered or damaged: see foxbench "
                         "verify",
                         path, number);
        else if (line) {
            rc = take(ctx, line, err);
            jval_free(line);
        }
        at = newline ? newline + 1 : end;
    }
    bytes_deinit(&text);
    return rc;
}

struct events {
    struct jval *list;
    struct clock clock;
};

static int event_line(void *ctx, struct jval *line, struct err *err)
{
    struct events *e = ctx;
    return take_event(e->list, &e->clock, line, err);
}

int ledger_read_events(const char *run_dir, struct jval **out, bool *torn, struct err *err)
{
    struct events e = {.list = jval_array()};
    if (!e.list) return err_set(err, ERR_NOMEM, "%s: no memory for the ledger", run_dir);
    int rc = each_line(run_dir, "events.jsonl", torn, event_line, &e, err);
    if (rc < 0) {
        jval_free(e.list);
        return rc;
    }
    *out = e.list;
    return ERR_OK;
}

static int wall_line(void *ctx, struct jval *line, struct err *err)
{
    struct jval *wall = jval_get(line, "wall");
    if (!wall || jval_kind(wall) != JVAL_STRING) return ERR_OK; // the closing line
    if (jval_kind(jval_get(ctx, "first")) == JVAL_NULL) {
        int rc = jval_set(ctx, "first", jval_ref(wall), err);
        if (rc < 0) return rc;
    }
    return jval_set(ctx, "last", jval_ref(wall), err);
}

int ledger_read_wall(const char *run_dir, struct jval **out, struct err *err)
{
    bool torn;
    struct jval *wall = jval_make(err, "{s:n, s:n}", "first", "last");
    if (!wall) return ERR_NOMEM;
    int rc = each_line(run_dir, "wall.jsonl", &torn, wall_line, wall, err);
    if (rc < 0) {
        jval_free(wall);
        return rc;
    }
    *out = wall;
    return ERR_OK;
}
