#include "bench/record/junit.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/base/json.h"
#include "bench/record/lines.h"
#include "bench/record/text.h"
#include "bench/record/verdict.h"

struct testcase {
    const struct jval *planned;
    const char *id;
    const char *axes;
    const char *suite;
    enum verdict verdict;
    enum blame blame;
    char reason[480];
    double begin_s; // wall time
    double end_s;
    bool written;
};

struct junit {
    struct jval *run;
    struct jval *plan;
    struct testcase *cases;
    size_t n_cases;
    double begin_s;
};

static double parse_wall(const char *text)
{
    struct tm tm = {0};
    const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
    return rest ? (double)timegm(&tm) + (*rest == '.' ? strtod(rest, NULL) : 0) : 0;
}

static int load(struct junit *j, const char *run_dir, struct err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/run.json", run_dir);
    int rc = jval_load(&j->run, path, err);
    if (rc < 0) return rc;
    snprintf(path, sizeof path, "%s/plan.json", run_dir);
    rc = jval_load(&j->plan, path, err);
    if (rc < 0) return rc;

    const struct jval *cases = jval_get(j->plan, "cases");
    j->n_cases = jval_len(cases);
    j->cases = calloc(j->n_cases + 1, sizeof *j->cases);
    if (!j->cases) return err_set(err, ERR_NOMEM, "junit.xml: out of memory");
    for (size_t i = 0; i < j->n_cases; i++) {
        struct testcase *c = &j->cases[i];
        c->planned = jval_at(cases, i);
        c->id = jval_text(jval_get(c->planned, "id"), "?");
        c->axes = jval_text(jval_get(c->planned, "axes"), "_");
        if (!*c->axes) c->axes = "_";
        c->suite = jval_text(jval_get(c->planned, "suite"), "suite");
        const char *na = jval_text(jval_get(c->planned, "na"), NULL);
        c->verdict = na ? VERDICT_NA : VERDICT_NOTRUN;
        text_copy(c->reason, sizeof c->reason, na ? na : "the run ended before this case");
    }
    return ERR_OK;
}

static struct testcase *find(struct junit *j, const struct jval *names)
{
    const char *id = jval_text(jval_get(names, "case"), "");
    const char *axes = jval_text(jval_get(names, "axes"), "_");
    for (size_t i = 0; i < j->n_cases; i++)
        if (strcmp(j->cases[i].id, id) == 0 && strcmp(j->cases[i].axes, axes) == 0)
            return &j->cases[i];
    return NULL;
}

static void take_event(struct junit *j, const struct jval *event, double wall_s)
{
    const char *type = jval_text(jval_get(event, "type"), "");
    struct testcase *c = find(j, event);
    if (j->begin_s == 0) j->begin_s = wall_s;
    if (c && strcmp(type, "case.begin") == 0) {
        c->begin_s = c->end_s = wall_s;
    } else if (c && strcmp(type, "case.end") == 0) {
        c->end_s = wall_s;
        verdict_find(jval_text(jval_get(event, "verdict"), ""), &c->verdict);
        blame_find(jval_text(jval_get(event, "blame"), ""), &c->blame);
        text_copy(c->reason, sizeof c->reason, jval_text(jval_get(event, "reason"), ""));
    } else if (strcmp(type, "run.end") == 0) {
        const struct jval *notrun = jval_get(event, "notrun");
        for (size_t i = 0; i < jval_len(notrun); i++)
            if ((c = find(j, jval_at(notrun, i))) != NULL)
                text_copy(c->reason, sizeof c->reason,
                          jval_text(jval_get(jval_at(notrun, i), "reason"), ""));
    }
}

static int read_ledger(struct junit *j, const char *run_dir, struct err *err)
{
    char path[PATH_MAX];
    struct lines events = {0}, wall = {0};
    snprintf(path, sizeof path, "%s/events.jsonl", run_dir);
    int rc = lines_open(&events, path, err);
    snprintf(path, sizeof path, "%s/wall.jsonl", run_dir);
    if (rc == ERR_OK) rc = lines_open(&wall, path, err);
    while (rc == ERR_OK && (rc = lines_next(&events, err)) > 0) {
        rc = lines_next(&wall, err);
        if (rc > 0 && events.value && !events.torn)
            take_event(j, events.value, parse_wall(jval_text(jval_get(wall.value, "wall"), "")));
        rc = rc < 0 ? rc : ERR_OK;
    }
    lines_close(&events);
    lines_close(&wall);
    return rc;
}

// Characters that XML 1.0 cannot hold become U+FFFD.
static void put_text(FILE *f, const char *text)
{
    for (uint32_t c; (c = text_next(&text)) != 0;) {
        char utf8[4];
        if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\n' || c == '\t' || c == '\r')
            fprintf(f, "&#%u;", c);
        else {
            if (c < 0x20 || c == 0xfffe || c == 0xffff) c = 0xfffd;
            fwrite(utf8, 1, text_put(c, utf8), f);
        }
    }
}

static void put_attribute(FILE *f, const char *name, const char *text)
{
    fprintf(f, " %s=\"", name);
    put_text(f, text);
    fputc('"', f);
}

static bool is_failure(const struct testcase *c)
{
    return c->verdict == VERDICT_FAIL;
}

static bool is_skipped(const struct testcase *c)
{
    return c->verdict == VERDICT_NA || c->verdict == VERDICT_WAIVED;
}

static bool is_error(const struct testcase *c)
{
    return !verdict_is_ok(c->verdict) && !is_failure(c);
}

static void put_case(FILE *f, const struct testcase *c)
{
    char name[512];
    bool plain = strcmp(c->axes, "_") == 0;
    snprintf(name, sizeof name, "%s%s%s %s", c->id, plain ? "" : "/", plain ? "" : c->axes,
             jval_text(jval_get(c->planned, "title"), ""));
    fputs("    <testcase", f);
    put_attribute(f, "name", name);
    put_attribute(f, "classname", c->suite);
    fprintf(f, " time=\"%.3f\"", c->end_s - c->begin_s);
    const char *element = is_failure(c)   ? "failure"
                          : is_error(c)   ? "error"
                          : is_skipped(c) ? "skipped"
                                          : NULL;
    if (!element) {
        fputs("/>\n", f);
        return;
    }
    fprintf(f, "><%s", element);
    put_attribute(f, "message", c->reason);
    if (!is_skipped(c)) put_attribute(f, "type", verdict_name(c->verdict));
    fputs("/></testcase>\n", f);
}

static void put_suite(FILE *f, struct junit *j, size_t first, int number)
{
    const char *suite = j->cases[first].suite;
    int tests = 0, failures = 0, errors = 0, skipped = 0;
    double time_s = 0;
    for (size_t i = first; i < j->n_cases; i++) {
        const struct testcase *c = &j->cases[i];
        if (strcmp(c->suite, suite) != 0) continue;
        tests++;
        failures += is_failure(c);
        errors += is_error(c);
        skipped += is_skipped(c);
        time_s += c->end_s - c->begin_s;
    }
    char stamp[32];
    time_t begin = (time_t)j->begin_s;
    struct tm tm;
    strftime(stamp, sizeof stamp, "%Y-%m-%dT%H:%M:%S", gmtime_r(&begin, &tm));
    fputs("  <testsuite package=\"foxbench\"", f);
    put_attribute(f, "name", suite);
    fprintf(f,
            " id=\"%d\" timestamp=\"%s\" hostname=\"localhost\" tests=\"%d\" failures=\"%d\" "
            "errors=\"%d\" skipped=\"%d\" time=\"%.3f\">\n    <properties>\n",
            number, stamp, tests, failures, errors, skipped, time_s);
    static const char *const properties[] = {"foxbench", "device", "bench", "profile"};
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++) {
        fprintf(f, "      <property name=\"%s\"", properties[i]);
        put_attribute(f, "value", jval_text(jval_get(j->run, properties[i]), ""));
        fputs("/>\n", f);
    }
    fputs("    </properties>\n", f);
    for (size_t i = first; i < j->n_cases; i++) {
        struct testcase *c = &j->cases[i];
        if (strcmp(c->suite, suite) != 0) continue;
        put_case(f, c);
        c->written = true;
    }
    // the schema has no place for a remark on a testcase
    fputs("    <system-out>", f);
    for (size_t i = first; i < j->n_cases; i++) {
        const struct testcase *c = &j->cases[i];
        if (strcmp(c->suite, suite) != 0) continue;
        if (c->verdict != VERDICT_WARN && c->verdict != VERDICT_INFO) continue;
        put_text(f, c->id);
        fprintf(f, ": %s: ", verdict_name(c->verdict));
        put_text(f, c->reason);
        fputc('\n', f);
    }
    fputs("</system-out>\n    <system-err/>\n  </testsuite>\n", f);
}

static int write_file(struct junit *j, const char *run_dir, struct err *err)
{
    char path[PATH_MAX], temporary[PATH_MAX];
    snprintf(path, sizeof path, "%s/junit.xml", run_dir);
    snprintf(temporary, sizeof temporary, "%s/.junit.xml.part", run_dir);
    FILE *f = fopen(temporary, "wbe");
    if (!f) return err_set(err, ERR_IO, "%s: %s", temporary, strerror(errno));
    fputs("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites>\n", f);
    int number = 0;
    for (size_t i = 0; i < j->n_cases; i++)
        if (!j->cases[i].written) put_suite(f, j, i, number++);
    fputs("</testsuites>\n", f);
    bool ok = !ferror(f);
    if (fclose(f) != 0 || !ok || rename(temporary, path) != 0) {
        int why = errno;
        unlink(temporary);
        return err_set(err, ERR_IO, "%s: %s", path, strerror(why));
    }
    return ERR_OK;
}

int junit_write(const char *run_dir, struct err *err)
{
    struct junit j = {0};
    int rc = load(&j, run_dir, err);
    if (rc == ERR_OK) rc = read_ledger(&j, run_dir, err);
    if (rc == ERR_OK) rc = write_file(&j, run_dir, err);
    jval_free(j.run);
    jval_free(j.plan);
    free(j.cases);
    return rc;
}
