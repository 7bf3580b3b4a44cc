#include "bench/record/durations.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "bench/record/lines.h"

struct clockwork {
    struct jval *list;
    double rate_hz;
    bool running;
    char name[512];
    int64_t begun_t;
    double begun_s; // wall time
    double air_s;
    int64_t heard; // end of the last frame that was counted: several stations hear one frame
};

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

// RFC 3339 in UTC with milliseconds; -1 when it is something else.
static double wall_of(const char *text)
{
    struct tm tm = {0};
    double seconds;
    if (sscanf(text, "%d-%d-%dT%d:%d:%lfZ", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &seconds) != 6)
        return -1;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    return (double)timegm(&tm) + seconds;
}

static void begin(struct clockwork *c, const struct jval *event, double wall_s)
{
    const char *axes = text_of(event, "axes");
    bool plain = !*axes || strcmp(axes, "_") == 0;
    snprintf(c->name, sizeof c->name, "%s%s%s", text_of(event, "case"), plain ? "" : "/",
             plain ? "" : axes);
    c->running = true;
    c->begun_t = jval_int(jval_get(event, "t"), 0);
    c->begun_s = wall_s;
    c->air_s = 0;
}

// An attempt that broke off took as long as its trouble.
static bool broke_off(const struct jval *end)
{
    return strcmp(text_of(end, "verdict"), "error") == 0;
}

static int end(struct clockwork *c, const struct jval *event, double wall_s, struct err *err)
{
    bool counts = c->running && c->rate_hz > 0 && c->begun_s >= 0 && wall_s >= c->begun_s &&
                  !broke_off(event);
    c->running = false;
    if (!counts) return ERR_OK;
    double bench_s = (double)(jval_int(jval_get(event, "t"), 0) - c->begun_t) / c->rate_hz;
    return jval_append(c->list,
                       jval_make(err, "{s:s, s:f, s:f, s:f}", "name", c->name, "wall_s",
                                 wall_s - c->begun_s, "bench_s", bench_s, "air_s", c->air_s),
                       err);
}

static void count_air(struct clockwork *c, const struct jval *event, bool heard)
{
    int64_t from = jval_int(jval_get(event, "start"), 0), to = jval_int(jval_get(event, "end"), 0);
    if (heard && from < c->heard) return;
    if (heard) c->heard = to;
    if (c->rate_hz > 0 && to > from) c->air_s += (double)(to - from) / c->rate_hz;
}

static int take(struct clockwork *c, const struct jval *event, double wall_s, struct err *err)
{
    const char *type = text_of(event, "type");
    if (strcmp(type, "clock") == 0)
        c->rate_hz = jval_number(jval_get(event, "rate_hz"), 0);
    else if (strcmp(type, "case.begin") == 0)
        begin(c, event, wall_s);
    else if (strcmp(type, "case.end") == 0)
        return end(c, event, wall_s, err);
    else if (strcmp(type, "run.resume") == 0)
        c->running = false;
    else if (strcmp(type, "uplink") == 0)
        count_air(c, event, true);
    else if (strcmp(type, "downlink") == 0 || strcmp(type, "jam") == 0)
        count_air(c, event, false);
    return ERR_OK;
}

static int open_lines(struct lines *l, const char *run_dir, const char *name, struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", run_dir, name);
    return lines_open(l, path, err);
}

int durations_read(const char *run_dir, struct jval **out, struct err *err)
{
    struct clockwork c = {.list = jval_array()};
    struct lines events = {0}, wall = {0};
    struct err unread;
    int rc = c.list ? ERR_OK : err_set(err, ERR_NOMEM, "durations: out of memory");
    if (rc < 0) return rc;
    bool more = open_lines(&events, run_dir, "events.jsonl", &unread) == ERR_OK &&
                open_lines(&wall, run_dir, "wall.jsonl", &unread) == ERR_OK;
    while (more && rc == ERR_OK) {
        more = lines_next(&events, &unread) == 1 && lines_next(&wall, &unread) == 1 &&
               events.value && wall.value;
        if (more) rc = take(&c, events.value, wall_of(text_of(wall.value, "wall")), err);
    }
    lines_close(&events);
    lines_close(&wall);
    if (rc < 0)
        jval_free(c.list);
    else
        *out = c.list;
    return rc;
}
