// foxbench report: what is made of a run, made again: the page, the PDF, JUnit, TAP, JSON.
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/nearest.h"
#include "bench/record/junit.h"
#include "bench/record/run_view.h"
#include "bench/record/seal_names.h"
#include "bench/record/tap.h"
#include "reports/report.h"

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

static void say_written(const char *dir, const char *file)
{
    fprintf(stderr, "%s/%s\n", dir, file);
}

static int make_html(const char *dir, struct err *err)
{
    int rc = report_render(dir, err);
    if (rc == ERR_OK) say_written(dir, "report/report.html");
    return rc;
}

static int make_pdf(const char *dir, struct err *err)
{
    int rc = report_render(dir, err); // it is printed from the page
    if (rc == ERR_OK) rc = report_pdf(dir, err);
    if (rc == ERR_OK) say_written(dir, "report/report.pdf");
    return rc;
}

static int make_junit(const char *dir, struct err *err)
{
    int rc = junit_write(dir, err);
    if (rc == ERR_OK) say_written(dir, "junit.xml");
    return rc;
}

static int print_points(const struct run_view *view, struct err *err)
{
    struct tap t;
    int rc = tap_begin(&t, NULL, stdout, jval_len(view->cases), err);
    for (size_t i = 0; rc == ERR_OK && i < jval_len(view->cases); i++) {
        const struct jval *c = jval_at(view->cases, i);
        const struct jval *planned = jval_at(jval_get(view->plan, "cases"), i);
        struct tap_point point = {.id = text_of(c, "name"),
                                  .title = text_of(planned, "title"),
                                  .verdict = VERDICT_ERROR,
                                  .reason = text_of(c, "reason")};
        (void)verdict_find(text_of(c, "verdict"), &point.verdict);
        (void)blame_find(text_of(c, "blame"), &point.blame);
        rc = tap_point(&t, &point, err);
    }
    return rc;
}

static int make_tap(const char *dir, struct err *err)
{
    struct run_view view = {0};
    int rc = run_view_read(&view, dir, err);
    if (rc == ERR_OK) rc = print_points(&view, err);
    run_view_deinit(&view);
    return rc;
}

static int make_json(const char *dir, struct err *err)
{
    struct run_view view = {0};
    char word[64] = "";
    int rc = run_view_read(&view, dir, err);
    if (rc == ERR_OK && view.ended) rc = report_decision(dir, word, sizeof word, err);
    struct jval *out = rc == ERR_OK
                           ? jval_make(err, "{s:O, s:s, s:b, s:O}", "run", view.run, "decision",
                                       word, "ended", (int)view.ended, "cases", view.cases)
                           : NULL;
    char *text = out ? jval_dump(out, err) : NULL;
    if (text) puts(text);
    free(text);
    jval_free(out);
    run_view_deinit(&view);
    return rc == ERR_OK && !text ? ERR_FORMAT : rc;
}

static const struct format {
    const char *name;
    int (*make)(const char *dir, struct err *err);
    bool writes; // into the run directory
} formats[] = {
    {"html", make_html, true}, {"pdf", make_pdf, true},    {"junit", make_junit, true},
    {"tap", make_tap, false},  {"json", make_json, false},
};

enum { FORMATS = sizeof formats / sizeof *formats };

static int find_format(const char *name, size_t n, const struct format **out, struct err *err)
{
    const char *names[FORMATS], *near;
    char word[32];
    snprintf(word, sizeof word, "%.*s", (int)n, name);
    for (size_t i = 0; i < FORMATS; i++) {
        names[i] = formats[i].name;
        *out = &formats[i];
        if (strcmp(word, formats[i].name) == 0) return ERR_OK;
    }
    near = nearest_word(word, names, FORMATS);
    return err_set(err, ERR_USAGE,
                   "--format: expected html, pdf, junit, tap or json with commas between, got "
                   "'%s'%s%s",
                   word, near ? "; the nearest is " : "", near ? near : "");
}

// All are checked before one is made.
static int make_all(const char *dir, const char *list, bool check, struct err *err)
{
    const struct format *format;
    int rc = ERR_OK;
    while (rc == ERR_OK && *list) {
        size_t n = strcspn(list, ",");
        rc = find_format(list, n, &format, err);
        if (rc == ERR_OK && check && format->writes && seal_exists(dir, SEAL_SIG))
            rc = err_set(err, ERR_USAGE,
                         "%s is signed: %s would be written anew in it; copy the run, remove "
                         "root.json and root.sig from the copy, and ask there",
                         dir, format->name);
        if (rc == ERR_OK && !check) rc = format->make(dir, err);
        list += n + (list[n] == ',');
    }
    return rc;
}

int cmd_report(int argc, char **argv)
{
    const char *list = NULL;
    struct words words = {.max = 1};
    struct err e = {0};
    const struct argument arguments[] = {{.name = "--format", .value = &list}, {0}};
    int rc = arguments_parse(arguments, &words, argc, argv, &e);
    if (rc == ARGUMENTS_GO_ON && words.n == 0)
        rc = err_set(&e, ERR_USAGE,
                     "expected a run directory; for example foxbench report results/latest");
    if (rc == ARGUMENTS_GO_ON && list && !*list)
        rc = err_set(&e, ERR_USAGE, "--format: expected html, pdf, junit, tap or json");
    if (!list) list = "junit,html"; // the page lists the files that are there
    if (rc == ARGUMENTS_GO_ON) rc = make_all(words.list[0], list, true, &e);
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("report", rc, &e);
    struct run_view view = {0};
    rc = run_view_read(&view, words.list[0], &e);
    run_view_deinit(&view);
    if (rc == ERR_OK) rc = make_all(words.list[0], list, false, &e);
    if (rc == ERR_OK) return CMD_EXIT_OK;
    fprintf(stderr, "foxbench report: %s\n", e.text);
    return rc == ERR_NOTFOUND ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
}
