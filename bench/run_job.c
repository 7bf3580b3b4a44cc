#include "bench/run_job.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cmd.h"
#include "bench/record/tap.h"
#include "bench/run_preview.h"
#include "lua/bind/script.h"

static int complain(const struct run_job *r, const struct err *e)
{
    fprintf(stderr, "foxbench %s: %s\n", r->command, e->text);
    if (e->code == ERR_CHECK) return CMD_EXIT_EVIDENCE;
    return e->code == ERR_USAGE || e->code == ERR_NOTFOUND ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
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

// What limits the plan, or repeats parts of it, where it was asked for.
static int add_asked(struct jval *run, const struct run_options *o, struct err *err)
{
    int rc = ERR_OK;
    if (o->include) rc = jval_set(run, "include", jval_make(err, "s", o->include), err);
    if (rc == ERR_OK && o->exclude)
        rc = jval_set(run, "exclude", jval_make(err, "s", o->exclude), err);
    if (rc == ERR_OK && o->shards)
        rc = jval_set(run, "shard", jval_make(err, "[i, i]", (int)o->shard, (int)o->shards), err);
    if (rc == ERR_OK && o->retry)
        rc = jval_set(run, "retry", jval_make(err, "i", (int)o->retry), err);
    if (rc == ERR_OK && o->chaos) rc = jval_set(run, "chaos", jval_make(err, "s", o->chaos), err);
    return rc;
}

static struct jval *run_json(const struct run_job *r, struct err *err)
{
    const char *armed[2];
    size_t n_armed = 0;
    if (r->lab || r->options->arm_interference) armed[n_armed++] = "interference";
    if (r->lab || r->options->arm_destructive) armed[n_armed++] = "destructive";
    const char *substitutes[2];
    size_t n_substitutes = 0;
    const char *other = getenv("FOXBENCH_WORKER");
    if (other && *other) substitutes[n_substitutes++] = "worker";
    other = getenv("FOXBENCH_LAB");
    if (other && *other && r->lab) substitutes[n_substitutes++] = "lab";

    const struct run_options *o = r->options;
    struct jval *run = jval_make(
        err, "{s:i, s:s, s:I, s:s, s:o, s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "version", 1,
        "foxbench", FOX_VERSION, "seed", (long long)o->seed, "profile", o->profile, "select",
        string_list((const char *const *)o->select, o->n_select, err), "device", r->device_name,
        "bench", r->bench_name, "faults", string_list(&o->fault, o->fault ? 1 : 0, err), "arm",
        string_list(armed, n_armed, err), "catalogue_version",
        text_or_null(jval_at(jval_get(r->plan, "cases"), 0), "catalogue_version", err), "operator",
        text_or_null(jval_get(r->plan, "bench"), "operator", err), "substitutes",
        string_list(substitutes, n_substitutes, err));
    if (run && add_asked(run, o, err) == ERR_OK) return run;
    jval_free(run);
    return NULL;
}

// The scenario that the device file names: how its device is built into the virtual lab. What is
// wrong with the file the worker says, when it makes the plan.
static void name_scenario(struct run_job *r)
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
static void name_virtual_bench(struct run_job *r)
{
    snprintf(r->bench_file, sizeof r->bench_file, "%s/fixtures/benches/%s.lua", cmd_root(),
             r->scenario);
    if (access(r->bench_file, R_OK) != 0)
        snprintf(r->bench_file, sizeof r->bench_file, "%s/fixtures/benches/virtual.lua",
                 cmd_root());
}

static int make_plan(struct run_job *r, struct err *err)
{
    snprintf(r->device_file, sizeof r->device_file, "%s",
             r->options->device ? r->options->device : "");
    snprintf(r->bench_file, sizeof r->bench_file, "%s", r->options->bench ? r->options->bench : "");
    if (!r->options->device)
        snprintf(r->device_file, sizeof r->device_file, "%s/fixtures/devices/foxdut.lua",
                 cmd_root());
    int rc = session_init(&r->session, r->options, err);
    if (rc == ERR_OK && !r->options->bench) {
        name_scenario(r);
        const struct lab_config config = {.seed = r->options->seed,
                                          .scenario = r->scenario,
                                          .fault = r->options->fault,
                                          .chaos = r->options->chaos,
                                          .work = run_job_find_memories(r) ? r->memories : NULL,
                                          .signal_fd = r->session.signal_fd};
        name_virtual_bench(r);
        rc = lab_start(&r->lab, &config, err);
    }
    r->session.lab = r->lab;
    r->session.device = r->device_file;
    r->session.bench = r->bench_file;
    stem(r->device_file, r->device_name);
    stem(r->bench_file, r->bench_name);
    return rc == ERR_OK ? session_plan(&r->session, &r->plan, err) : rc;
}

static int make_forecast(struct run_job *r, struct err *err)
{
    const struct forecast_query query = {.folder = r->options->parent,
                                         .device = r->device_name,
                                         .bench = r->bench_name,
                                         .profile = r->options->profile,
                                         .is_virtual = r->lab != NULL};
    return forecast_make(&r->forecast, &query, r->plan, err);
}

static int show_plan(struct run_job *r)
{
    const struct jval *cases = jval_get(r->plan, "cases");
    const struct preview preview = {.options = r->options,
                                    .plan = r->plan,
                                    .forecast = &r->forecast,
                                    .device = r->device_name,
                                    .bench = r->bench_name};
    struct err e = {0};
    int rc = make_forecast(r, &e);
    if (rc == ERR_OK) rc = preview_print(&preview, &e);
    if (rc < 0) return complain(r, &e);
    for (size_t i = 0; i < jval_len(cases); i++)
        if (!jval_text(jval_get(jval_at(cases, i), "na"), NULL)) return CMD_EXIT_OK;
    return CMD_EXIT_NOTHING;
}

// No run directory could be made: every planned case is answered for all the same.
static void answer_for_all(const struct run_job *r, const char *why)
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

static int open_books(struct run_job *r, struct err *err)
{
    struct jval *run = run_json(r, err);
    int rc = run ? ERR_OK : ERR_FORMAT;
    if (rc == ERR_OK && r->resume)
        rc = run_job_reopen(r, run, err);
    else if (rc == ERR_OK)
        rc = book_open(&r->book, r->options->parent, run, r->plan, r->options->tap_version, err);
    jval_free(run);
    if (rc == ERR_OK) run_job_link_memories(r);
    if (rc == ERR_OK) screen_report_dir(book_dir(r->book));
    return rc;
}

static int carry_out(struct run_job *r, struct err *err)
{
    int rc = open_books(r, err);
    if (rc == ERR_OK && screen_is_watched()) rc = make_forecast(r, err);
    r->session.forecast = &r->forecast;
    if (rc == ERR_OK) rc = session_run(&r->session, r->book, err);
    if (rc == ERR_OK) rc = run_job_search(r, err);
    if (rc == ERR_OK) rc = book_end(r->book, run_job_judge(r), err);
    r->ended = rc == ERR_OK;
    return rc;
}

// A run started without 0, 1 or 2 must not get a ledger in their place.
static void fill_standard_descriptors(void)
{
    int fd;
    while ((fd = open("/dev/null", O_RDWR)) >= 0 && fd <= STDERR_FILENO)
        ;
    if (fd > STDERR_FILENO) close(fd);
}

int run_job(const char *command, const struct run_options *options, const char *resume)
{
    struct run_job r = {.command = command, .options = options, .resume = resume};
    struct err e = {0};
    r.session.signal_fd = -1;
    fill_standard_descriptors();
    screen_prepare();

    int exit_code;
    int rc = make_plan(&r, &e);
    if (rc < 0) {
        exit_code = session_interrupted(&r.session) ? CMD_EXIT_INTERRUPTED : complain(&r, &e);
    } else if (options->dry_run) {
        exit_code = show_plan(&r);
    } else if ((rc = carry_out(&r, &e)) < 0) {
        exit_code = complain(&r, &e);
        if (!r.book && !resume) answer_for_all(&r, e.text);
        if (r.book) fprintf(stderr, "What was booked so far is in %s.\n", book_dir(r.book));
    } else {
        exit_code = run_job_judge(&r);
        run_job_settle_memories(&r);
        lab_stop(r.lab);
        r.lab = r.session.lab = NULL;
        run_job_render(&r);
        if (r.leaks && exit_code != CMD_EXIT_FAIL && exit_code != CMD_EXIT_INTERRUPTED)
            exit_code = CMD_EXIT_ERROR; // the report may hold what the evidence does not
        run_job_summarize(&r, exit_code);
    }
    session_deinit(&r.session);
    run_job_settle_memories(&r);
    lab_stop(r.lab);
    book_close(r.book);
    jval_free(r.plan);
    forecast_deinit(&r.forecast);
    return exit_code;
}
