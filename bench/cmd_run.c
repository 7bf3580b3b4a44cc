// foxbench run: plan, carry out, book, report.
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bench/cmd.h"
#include "bench/record/junit.h"
#include "bench/record/tap.h"
#include "bench/run_session.h"
#include "lua/bind/script.h"
#include "reports/report.h"

struct run {
    struct run_options options;
    char device_file[PATH_MAX];
    char bench_file[PATH_MAX];
    char scenario[64]; // of the virtual lab
    struct lab *lab;
    struct session session;
    struct jval *plan;
    struct book *book;
    char report[PATH_MAX]; // of the finished run; empty: there is none
};

static int complain(const struct err *e)
{
    fprintf(stderr, "foxbench run: %s\n", e->text);
    return e->code == ERR_USAGE ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
}

// A declaration is known by the stem of its file: no path, and nothing that a path cannot hold.
static void stem(const char *path, char out[64])
{
    const char *name = strrchr(path, '/');
    name = name ? name + 1 : path;
    size_t n = 0;
    for (; name[n] && strcmp(name + n, ".lua") != 0 && n < 63; n++) {
        bool plain = (name[n] >= '0' && name[n] <= '9') || (name[n] >= 'A' && name[n] <= 'Z') ||
                     (name[n] >= 'a' && name[n] <= 'z') || name[n] == '-' || name[n] == '_' ||
                     (name[n] == '.' && n > 0);
        out[n] = plain ? name[n] : '_';
    }
    out[n] = 0;
    if (n == 0) snprintf(out, 64, "device");
}

static struct jval *text_or_null(const struct jval *j, const char *key, struct err *err)
{
    struct jval *value = jval_get(j, key);
    return value ? jval_ref(value) : jval_make(err, "n");
}

static struct jval *string_list(const char *const *strings, size_t n, struct err *err)
{
    struct jval *list = jval_array();
    for (size_t i = 0; list && i < n; i++) {
        if (jval_append(list, jval_make(err, "s", strings[i]), err) < 0) {
            jval_free(list);
            list = NULL;
        }
    }
    return list;
}

static struct jval *run_json(const struct run *r, struct err *err)
{
    const char *armed[2];
    size_t n_armed = 0;
    if (r->lab || r->options.arm_interference) armed[n_armed++] = "interference";
    if (r->lab || r->options.arm_destructive) armed[n_armed++] = "destructive";
    const char *substitutes[2];
    size_t n_substitutes = 0;
    const char *other = getenv("FOXBENCH_WORKER");
    if (other && *other) substitutes[n_substitutes++] = "worker";
    other = getenv("FOXBENCH_LAB");
    if (other && *other && r->lab) substitutes[n_substitutes++] = "lab";

    char device[64], bench[64];
    stem(r->device_file, device);
    stem(r->bench_file, bench);
    const struct run_options *o = &r->options;
    return jval_make(err, "{s:i, s:s, s:I, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "version",
                     1, "foxbench", FOX_VERSION, "seed", (long long)o->seed, "profile", o->profile,
                     "select", string_list((const char *const *)o->select, o->n_select, err),
                     "device", device, "bench", bench, "faults",
                     string_list(&o->fault, o->fault ? 1 : 0, err), "arm",
                     string_list(armed, n_armed, err), "catalogue_version",
                     text_or_null(jval_at(jval_get(r->plan, "cases"), 0), "catalogue_version", err),
                     "operator", text_or_null(jval_get(r->plan, "bench"), "operator", err),
                     "substitutes", string_list(substitutes, n_substitutes, err));
}

// The scenario that the device file names: how its device is built into the virtual lab. What is
// wrong with the file the worker says, when it makes the plan.
static void name_scenario(struct run *r)
{
    struct jval *device = NULL;
    struct err ignored = {0};
    const char *name = NULL;
    if (script_read_data(r->device_file, &device, &ignored) == ERR_OK)
        name = jval_text(jval_get(device, "scenario"), NULL);
    snprintf(r->scenario, sizeof r->scenario, "%s", name ? name : "default");
    jval_free(device);
}

// A scenario with other instruments than the default one has a bench file of its own.
static void name_virtual_bench(struct run *r)
{
    snprintf(r->bench_file, sizeof r->bench_file, "%s/fixtures/benches/%s.lua", cmd_root(),
             r->scenario);
    if (access(r->bench_file, R_OK) != 0)
        snprintf(r->bench_file, sizeof r->bench_file, "%s/fixtures/benches/virtual.lua",
                 cmd_root());
}

static int make_plan(struct run *r, struct err *err)
{
    snprintf(r->device_file, sizeof r->device_file, "%s",
             r->options.device ? r->options.device : "");
    snprintf(r->bench_file, sizeof r->bench_file, "%s", r->options.bench ? r->options.bench : "");
    if (!r->options.device)
        snprintf(r->device_file, sizeof r->device_file, "%s/fixtures/devices/foxdut.lua",
                 cmd_root());
    int rc = session_init(&r->session, &r->options, err);
    if (rc == ERR_OK && !r->options.bench) {
        name_scenario(r);
        const struct lab_config config = {.seed = r->options.seed,
                                          .scenario = r->scenario,
                                          .fault = r->options.fault,
                                          .signal_fd = r->session.signal_fd};
        name_virtual_bench(r);
        rc = lab_start(&r->lab, &config, err);
    }
    r->session.lab = r->lab;
    r->session.device = r->device_file;
    r->session.bench = r->bench_file;
    return rc == ERR_OK ? session_plan(&r->session, &r->plan, err) : rc;
}

static int print_plan(const struct run *r)
{
    const struct jval *cases = jval_get(r->plan, "cases");
    for (size_t i = 0; i < jval_len(cases); i++) {
        const struct jval *c = jval_at(cases, i);
        const char *axes = jval_text(jval_get(c, "axes"), "_");
        const char *na = jval_text(jval_get(c, "na"), NULL);
        bool plain = !*axes || strcmp(axes, "_") == 0;
        printf("%s%s%s  %s%s%s%s\n", jval_text(jval_get(c, "id"), "?"), plain ? "" : "/",
               plain ? "" : axes, jval_text(jval_get(c, "title"), ""),
               na ? " (not applicable: " : "", na ? na : "", na ? ")" : "");
    }
    return jval_len(cases) > 0 ? CMD_EXIT_OK : CMD_EXIT_NOTHING;
}

// Precedence where several apply: interrupted, fail, error, open, nothing, ok (design.md 12).
static int judge_run(const struct run *r)
{
    size_t n[VERDICTS];
    book_counts(r->book, n);
    if (r->session.signal) return CMD_EXIT_INTERRUPTED;
    if (n[VERDICT_FAIL]) return CMD_EXIT_FAIL;
    if (n[VERDICT_ERROR] || r->session.dead) return CMD_EXIT_ERROR;
    if (n[VERDICT_INCONCLUSIVE] || n[VERDICT_NOTRUN]) return CMD_EXIT_OPEN;
    if (n[VERDICT_NA] + n[VERDICT_WAIVED] == book_count(r->book)) return CMD_EXIT_NOTHING;
    return CMD_EXIT_OK;
}

// No run directory could be made: every planned case is answered for all the same.
static void answer_for_all(const struct run *r, const char *why)
{
    const struct jval *cases = jval_get(r->plan, "cases");
    struct tap t;
    int rc = tap_begin(&t, NULL, stdout, jval_len(cases), NULL);
    for (size_t i = 0; rc == ERR_OK && i < jval_len(cases); i++) {
        const struct jval *c = jval_at(cases, i);
        const char *axes = jval_text(jval_get(c, "axes"), "_");
        bool plain = strcmp(axes, "_") == 0;
        char name[256];
        snprintf(name, sizeof name, "%s%s%s", jval_text(jval_get(c, "id"), "?"), plain ? "" : "/",
                 plain ? "" : axes);
        const struct tap_point point = {.id = name,
                                        .title = jval_text(jval_get(c, "title"), ""),
                                        .verdict = VERDICT_NOTRUN,
                                        .blame = BLAME_BENCH,
                                        .reason = why};
        rc = tap_point(&t, &point, NULL);
    }
}

static int carry_out(struct run *r, struct err *err)
{
    struct jval *run = run_json(r, err);
    int rc = run ? book_open(&r->book, r->options.parent, run, r->plan, err) : ERR_FORMAT;
    jval_free(run);
    if (rc == ERR_OK) rc = session_run(&r->session, r->book, err);
    if (rc == ERR_OK) rc = book_end(r->book, judge_run(r), err);
    return rc;
}

// FOXBENCH_PDF=off: whoever makes many runs to compare needs none of them on paper.
static void print_pdf(const struct run *r)
{
    struct err e = {0};
    const char *wanted = getenv("FOXBENCH_PDF");
    if (!*r->report || (wanted && strcmp(wanted, "off") == 0)) return;
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (report_pdf(book_dir(r->book), &e) < 0) {
        fprintf(stderr, "foxbench run: %s\n", e.text);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    fprintf(stderr, "report.pdf took %.1f s.\n",
            (double)(to.tv_sec - from.tv_sec) + 1e-9 * (double)(to.tv_nsec - from.tv_nsec));
}

// The run is over and safe; what is made of it can be made again.
static void render(struct run *r)
{
    struct err e = {0};
    if (junit_write(book_dir(r->book), &e) < 0)
        fprintf(stderr, "foxbench run: junit.xml was not written: %s\n", e.text);
    if (report_render(book_dir(r->book), &e) < 0)
        fprintf(stderr, "foxbench run: the report was not written: %s\n", e.text);
    else
        snprintf(r->report, sizeof r->report, "%s/report/report.html", book_dir(r->book));
    print_pdf(r);
}

static const char *next_step(int exit_code)
{
    switch (exit_code) {
    case CMD_EXIT_OK:
        return "nothing is left to do";
    case CMD_EXIT_FAIL:
        return "the device fails; read why in the report";
    case CMD_EXIT_INTERRUPTED:
        return "the run was stopped; start it again for a complete one";
    case CMD_EXIT_ERROR:
        return "mend the bench or the test named below, then run again";
    case CMD_EXIT_NOTHING:
        return "no case applies to this device; look at its features and at the profile";
    default:
        return "some cases decide nothing; read why in the report, then run them again";
    }
}

static void summarize(const struct run *r, int exit_code)
{
    size_t n[VERDICTS];
    book_counts(r->book, n);
    fprintf(stderr, "\nNext: %s.\n", next_step(exit_code));
    fprintf(stderr, "Report: %s\n", *r->report ? r->report : book_dir(r->book));
    for (size_t i = 0; i < book_count(r->book); i++) {
        const struct book_case *c = book_case(r->book, i);
        if (verdict_is_ok(c->verdict)) continue;
        fprintf(stderr, "  %-12s %s: %s%s%s\n", verdict_name(c->verdict), c->name, c->reason,
                c->blame == BLAME_NONE ? "" : ", blame ",
                c->blame == BLAME_NONE ? "" : blame_name(c->blame));
    }
    fprintf(stderr, "%zu case%s:", book_count(r->book), book_count(r->book) == 1 ? "" : "s");
    const char *comma = "";
    for (enum verdict v = 0; v < VERDICTS; v++) {
        if (n[v] == 0) continue;
        fprintf(stderr, "%s %zu %s", comma, n[v], verdict_name(v));
        comma = ",";
    }
    fputc('\n', stderr);
}

// A run started without 0, 1 or 2 must not get a ledger in their place.
static void fill_standard_descriptors(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
        ;
    if (fd > STDERR_FILENO) close(fd);
}

int cmd_run(int argc, char **argv)
{
    struct run r = {.session.signal_fd = -1};
    struct err e = {0};
    fill_standard_descriptors();
    int rc = run_options_parse(&r.options, argc, argv, &e);
    if (rc < 0) return complain(&e);
    if (r.options.help) {
        fputs(run_options_help, stdout);
        return CMD_EXIT_OK;
    }

    int exit_code;
    rc = make_plan(&r, &e);
    if (rc < 0) {
        exit_code = session_interrupted(&r.session) ? CMD_EXIT_INTERRUPTED : complain(&e);
    } else if (r.options.dry_run) {
        exit_code = print_plan(&r);
    } else if ((rc = carry_out(&r, &e)) < 0) {
        exit_code = complain(&e);
        if (!r.book) answer_for_all(&r, e.text);
        if (r.book) fprintf(stderr, "What was booked so far is in %s.\n", book_dir(r.book));
    } else {
        exit_code = judge_run(&r);
        lab_stop(r.lab);
        r.lab = r.session.lab = NULL;
        render(&r);
        summarize(&r, exit_code);
    }
    session_deinit(&r.session);
    lab_stop(r.lab);
    book_close(r.book);
    jval_free(r.plan);
    return exit_code;
}
