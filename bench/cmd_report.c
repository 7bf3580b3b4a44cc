// foxbench report: what is made of a run, made again: the page, the PDF, JUnit, TAP, JSON, and what
// others' programs read: OSCAL, in-toto, SARIF. --lint names what a formal report still lacks.
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
#include "bench/record/seal.h"
#include "bench/record/seal_names.h"
#include "bench/record/tap.h"
#include "bench/record/verify.h"
#include "reports/export.h"
#include "reports/report.h"

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

// What was asked for.
struct request {
    const char *dir;
    const char *list;             // formats with commas between
    const struct crypto_key *key; // NULL: the attestation is not signed
};

static void say_written(const char *dir, const char *file)
{
    fprintf(stderr, "%s/%s\n", dir, file);
}

static int make_html(const struct request *r, struct err *err)
{
    int rc = report_render(r->dir, err);
    if (rc == ERR_OK) say_written(r->dir, "report/report.html");
    return rc;
}

static int make_pdf(const struct request *r, struct err *err)
{
    int rc = report_render(r->dir, err); // it is printed from the page
    if (rc == ERR_OK) rc = report_pdf(r->dir, err);
    if (rc == ERR_OK) say_written(r->dir, "report/report.pdf");
    return rc;
}

static int make_junit(const struct request *r, struct err *err)
{
    int rc = junit_write(r->dir, err);
    if (rc == ERR_OK) say_written(r->dir, "junit.xml");
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

static int make_tap(const struct request *r, struct err *err)
{
    struct run_view view = {0};
    int rc = run_view_read(&view, r->dir, err);
    if (rc == ERR_OK) rc = print_points(&view, err);
    run_view_deinit(&view);
    return rc;
}

static int make_json(const struct request *r, struct err *err)
{
    struct run_view view = {0};
    char word[64] = "";
    int rc = run_view_read(&view, r->dir, err);
    if (rc == ERR_OK && view.ended) rc = report_decision(r->dir, word, sizeof word, err);
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

static int make_oscal(const struct request *r, struct err *err)
{
    int rc = export_oscal(r->dir, err);
    if (rc == ERR_OK) say_written(r->dir, EXPORT_OSCAL);
    return rc;
}

static int make_sarif(const struct request *r, struct err *err)
{
    int rc = export_sarif(r->dir, err);
    if (rc == ERR_OK) say_written(r->dir, EXPORT_SARIF);
    return rc;
}

static int make_intoto(const struct request *r, struct err *err)
{
    int rc = export_intoto(r->dir, r->key, err);
    if (rc < 0) return rc;
    say_written(r->dir, EXPORT_ITEM);
    say_written(r->dir, EXPORT_STATEMENT);
    if (r->key)
        say_written(r->dir, EXPORT_ENVELOPE);
    else
        fprintf(stderr,
                "foxbench report: the attestation is not signed; --key signer.key puts it "
                "into %s as well\n",
                EXPORT_ENVELOPE);
    return rc;
}

static const struct format {
    const char *name;
    int (*make)(const struct request *r, struct err *err);
    bool writes;  // into the run directory
    bool vouches; // others will act on it: only of a run that is as the bench wrote it
} formats[] = {
    {"html", make_html, true, false},    {"pdf", make_pdf, true, false},
    {"junit", make_junit, true, false},  {"tap", make_tap, false, false},
    {"json", make_json, false, false},   {"oscal", make_oscal, true, true},
    {"intoto", make_intoto, true, true}, {"sarif", make_sarif, true, true},
};

#define FORMAT_NAMES "html, pdf, junit, tap, json, oscal, intoto or sarif"

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
                   "--format: expected " FORMAT_NAMES " with commas between, got '%s'%s%s", word,
                   near ? "; the nearest is " : "", near ? near : "");
}

// All are checked before one is made.
static int make_all(const struct request *r, bool check, bool *vouches, struct err *err)
{
    const struct format *format;
    const char *list = r->list;
    int rc = ERR_OK;
    while (rc == ERR_OK && *list) {
        size_t n = strcspn(list, ",");
        rc = find_format(list, n, &format, err);
        if (rc == ERR_OK && check && format->writes && seal_exists(r->dir, SEAL_SIG))
            rc = err_set(err, ERR_USAGE,
                         "%s is signed: %s would be written anew in it; copy the run, remove "
                         "root.json and root.sig from the copy, and ask there",
                         r->dir, format->name);
        if (rc == ERR_OK && !check) rc = format->make(r, err);
        *vouches = *vouches || format->vouches;
        list += n + (list[n] == ',');
    }
    return rc;
}

// Whoever reads an attestation does not see the ledger: what it says must follow from it.
static int check_record(const char *dir, struct err *err)
{
    struct verify_result v;
    int rc = verify_run(&v, dir, err);
    if (rc < 0) return rc;
    if (v.state == VERIFY_ALTERED)
        rc = err_set(err, ERR_CHECK,
                     "expected a run as the bench wrote it, but %s: %s; nothing was written",
                     v.where, v.why);
    verify_result_deinit(&v);
    return rc;
}

// Prints what is lacking; returns an exit code.
static int lint(const char *dir, struct err *err)
{
    struct jval *list = NULL;
    int rc = export_lint(dir, &list, err);
    if (rc < 0) return rc == ERR_NOTFOUND ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
    size_t n = jval_len(list);
    for (size_t i = 0; i < n; i++) {
        const struct jval *entry = jval_at(list, i);
        printf("%s: lacks %s -> %s\n", text_of(entry, "section"), text_of(entry, "lacks"),
               text_of(entry, "mend"));
    }
    jval_free(list);
    if (n == 0) printf("nothing is lacking that this bench can know of\n");
    return n == 0 ? CMD_EXIT_OK : CMD_EXIT_OPEN;
}

static int check_request(const struct request *r, const struct words *words, const char *key,
                         bool *vouches, struct err *err)
{
    if (words->n == 0)
        return err_set(err, ERR_USAGE,
                       "expected a run directory; for example foxbench report results/latest");
    if (key && !strstr(r->list, "intoto"))
        return err_set(err, ERR_USAGE,
                       "--key signs the attestation alone: expected --format with intoto, got %s; "
                       "foxbench sign signs the run",
                       *r->list ? r->list : "no format");
    return make_all(r, true, vouches, err);
}

// The run can be read, and what others act on is made of an unaltered one.
static int make(const struct request *r, bool vouches, struct err *err)
{
    struct run_view view = {0};
    bool ignored = false;
    int rc = run_view_read(&view, r->dir, err);
    run_view_deinit(&view);
    if (rc == ERR_OK && vouches) rc = check_record(r->dir, err);
    return rc == ERR_OK ? make_all(r, false, &ignored, err) : rc;
}

static int exit_of(int rc)
{
    if (rc == ERR_CHECK) return CMD_EXIT_EVIDENCE;
    return rc == ERR_NOTFOUND ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
}

int cmd_report(int argc, char **argv)
{
    const char *list = NULL, *key_path = NULL;
    bool wants_lint = false, vouches = false;
    struct words words = {.max = 1};
    struct request r = {0};
    struct crypto_key *key = NULL;
    struct err e = {0};
    const struct argument arguments[] = {{.name = "--format", .value = &list},
                                         {.name = "--key", .value = &key_path},
                                         {.name = "--lint", .flag = &wants_lint},
                                         {0}};
    int rc = arguments_parse(arguments, &words, argc, argv, &e);
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("report", rc, &e);
    if (list && !*list) rc = err_set(&e, ERR_USAGE, "--format: expected " FORMAT_NAMES);
    // the page lists the files that are there, so it comes last
    if (!list) list = wants_lint ? "" : "junit,html";
    r = (struct request){.dir = words.n ? words.list[0] : "", .list = list};
    if (rc == ERR_OK) rc = check_request(&r, &words, key_path, &vouches, &e);
    if (rc == ERR_OK && key_path) rc = seal_check_key_place(key_path, r.dir, &e);
    if (rc == ERR_OK && key_path) rc = crypto_key_read_private(&key, key_path, &e);
    if (rc < 0) return arguments_exit("report", rc, &e);
    r.key = key;
    rc = make(&r, vouches, &e);
    crypto_key_free(key);
    int code = rc < 0 ? exit_of(rc) : CMD_EXIT_OK;
    if (rc == ERR_OK && wants_lint) code = lint(r.dir, &e);
    if (e.text[0]) fprintf(stderr, "foxbench report: %s\n", e.text);
    return code;
}
