// foxbench validate: does every seeded fault make the cases fail that name it?
#include <dirent.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cmd.h"
#include "bench/run_screen.h"
#include "bench/validate_child.h"
#include "bench/validate_select.h"
#include "lua/bind/state.h"
#include "reports/report.h"

// The plainest fault there is, and the case that must see it: no message carries the right key.
static const char canary_fault[] = "MUT-AUTH-006", canary_case[] = "AUTH-UL-003";
static const char first_device[] = "foxdut.lua";

enum { DEVICES_MAX = 32 };

struct validate {
    struct validate_options options;
    struct runner runner;
    struct matrix matrix;
    struct matrix_canary canary;
    struct screen screen;
    char devices[DEVICES_MAX][MATRIX_NAME_MAX]; // file names, the reference device first
    size_t n_devices;
    bool *chosen; // scratch: one for each case
};

static int complain(const struct err *e)
{
    fprintf(stderr, "foxbench validate: %s\n", e->text);
    return e->code == ERR_USAGE     ? CMD_EXIT_USAGE
           : e->code == ERR_TIMEOUT ? CMD_EXIT_INTERRUPTED
                                    : CMD_EXIT_ERROR;
}

// ---- what there is

static int load_cases(struct jval **out, struct err *err)
{
    struct state *state = NULL;
    int rc = state_open(&state, cmd_root(), err);
    if (rc == ERR_OK) rc = state_list(state, out, err);
    state_close(state);
    return rc;
}

// Another name of a file is no other variant.
static int is_lua(const struct dirent *entry)
{
    if (entry->d_type == DT_LNK) return 0;
    const char *dot = strrchr(entry->d_name, '.');
    return dot && strcmp(dot, ".lua") == 0 && strlen(entry->d_name) < MATRIX_NAME_MAX;
}

// The variants of the reference device, in the order in which they are tried.
static int find_devices(struct validate *v, struct err *err)
{
    char path[PATH_MAX];
    struct dirent **entries;
    snprintf(path, sizeof path, "%s/fixtures/devices", cmd_root());
    int n = scandir(path, &entries, is_lua, alphasort);
    if (n < 0) return err_set(err, ERR_IO, "%s: expected device files there", path);
    snprintf(v->devices[v->n_devices++], MATRIX_NAME_MAX, "%s", first_device);
    for (int i = 0; i < n; i++) {
        if (v->n_devices < DEVICES_MAX && strcmp(entries[i]->d_name, first_device) != 0)
            snprintf(v->devices[v->n_devices++], MATRIX_NAME_MAX, "%s", entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return ERR_OK;
}

static int prepare(struct validate *v, struct err *err)
{
    struct jval *cases = NULL;
    struct bytes faults = {0};
    int rc = runner_open(&v->runner, v->options.profile, err);
    if (rc == ERR_OK) rc = load_cases(&cases, err);
    if (rc == ERR_OK) rc = validate_list_faults(v->runner.program, &faults, err);
    if (rc == ERR_OK)
        rc = validate_select(&v->matrix, &v->options, cases, (const char *)faults.data, err);
    if (rc == ERR_OK) rc = find_devices(v, err);
    v->chosen = calloc(v->matrix.n_cases + 1, sizeof *v->chosen);
    if (rc == ERR_OK && !v->chosen) rc = err_set(err, ERR_NOMEM, "no memory for a selection");
    bytes_deinit(&faults);
    jval_free(cases);
    return rc;
}

// ---- the reference device

// Only cases that have something to kill, or everything under --full.
static bool is_wanted(const struct validate *v, size_t c)
{
    bool wanted = v->options.full;
    for (size_t f = 0; f < v->matrix.n_faults && !wanted; f++)
        wanted = v->matrix.faults[f].cells[c].named;
    return wanted;
}

// One variant of the reference device: what it is called, and how `foxbench run` is told of it.
struct variant {
    char stem[MATRIX_NAME_MAX];
    char path[PATH_MAX];
    struct child_request request; // for the chosen cases; without a fault
};

static void variant_init(struct variant *w, const struct validate *v, size_t d)
{
    snprintf(w->stem, sizeof w->stem, "%.*s", (int)strcspn(v->devices[d], "."), v->devices[d]);
    snprintf(w->path, sizeof w->path, "%s/fixtures/devices/%s", cmd_root(), v->devices[d]);
    w->request = (struct child_request){.device = d ? w->path : NULL, .cases = v->chosen};
}

static void show_variant(struct validate *v, const struct variant *w)
{
    char step[MATRIX_NAME_MAX + 8];
    snprintf(step, sizeof step, "on %s", w->stem);
    screen_step(&v->screen, step);
}

// Which case applies to which variant, and whether it passes there without a fault.
static int run_reference(struct validate *v, struct err *err)
{
    struct matrix *m = &v->matrix;
    struct matrix_outcome *outcomes = calloc(m->n_cases + 1, sizeof *outcomes);
    int rc = outcomes ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for the reference");
    for (size_t d = 0; rc == ERR_OK && d < v->n_devices; d++) {
        bool any = false;
        for (size_t c = 0; c < m->n_cases; c++) {
            const struct matrix_outcome *so_far = &m->cases[c].reference;
            v->chosen[c] = is_wanted(v, c) && (!so_far->known || so_far->verdict == VERDICT_NA);
            any = any || v->chosen[c];
        }
        if (!any) break;
        struct variant w;
        variant_init(&w, v, d);
        screen_case(&v->screen, 0, "the device without a fault");
        show_variant(v, &w);
        rc = runner_run(&v->runner, &w.request, m, outcomes, err);
        for (size_t c = 0; rc == ERR_OK && c < m->n_cases; c++) {
            if (!v->chosen[c]) continue;
            m->cases[c].reference = outcomes[c];
            if (outcomes[c].verdict != VERDICT_NA)
                snprintf(m->cases[c].device, MATRIX_NAME_MAX, "%s", w.stem);
        }
    }
    free(outcomes);
    return rc;
}

// ---- the faults

// Runs the cases of one fault that belong to one variant. Whether there were any is in *any.
static int run_fault(struct validate *v, size_t f, size_t d, struct matrix_outcome *outcomes,
                     struct err *err)
{
    struct matrix *m = &v->matrix;
    struct matrix_fault *fault = &m->faults[f];
    struct variant w;
    variant_init(&w, v, d);
    bool any = false;
    for (size_t c = 0; c < m->n_cases; c++) {
        v->chosen[c] =
            (fault->cells[c].named || v->options.full) && strcmp(m->cases[c].device, w.stem) == 0;
        any = any || v->chosen[c];
    }
    if (!any) return ERR_OK;
    screen_case(&v->screen, f + 1, fault->id);
    show_variant(v, &w);
    w.request.fault = fault->id;
    int rc = runner_run(&v->runner, &w.request, m, outcomes, err);
    for (size_t c = 0; rc == ERR_OK && c < m->n_cases; c++)
        if (v->chosen[c]) fault->cells[c].outcome = outcomes[c];
    return rc < 0 ? err_prefix(err, "%s", fault->id) : rc;
}

// Takes over what the cases that failed under the fault on this variant say, where they pass on it
// without.
static int confirm(struct validate *v, size_t f, struct variant *w,
                   const struct matrix_outcome *outcomes, struct err *err)
{
    struct matrix *m = &v->matrix;
    bool any = false;
    for (size_t c = 0; c < m->n_cases; c++) {
        v->chosen[c] = v->chosen[c] && outcomes[c].verdict == VERDICT_FAIL;
        any = any || v->chosen[c];
    }
    if (!any) return ERR_OK;
    struct matrix_outcome *without = calloc(m->n_cases + 1, sizeof *without);
    if (!without) return err_set(err, ERR_NOMEM, "no memory for the reference");
    w->request.fault = NULL;
    int rc = runner_run(&v->runner, &w->request, m, without, err);
    for (size_t c = 0; rc == ERR_OK && c < m->n_cases; c++) {
        if (!v->chosen[c] || !matrix_is_sound(&without[c])) continue;
        struct matrix_outcome *o = &m->faults[f].cells[c].outcome;
        *o = outcomes[c];
        snprintf(o->reason, sizeof o->reason, "on %s: %.160s", w->stem, outcomes[c].reason);
    }
    free(without);
    return rc;
}

// A fault may need a feature that the variant on which its case runs does not have: what it left
// untouched there is tried on the other variants.
static int try_elsewhere(struct validate *v, size_t f, size_t d, struct matrix_outcome *outcomes,
                         struct err *err)
{
    struct matrix *m = &v->matrix;
    struct matrix_fault *fault = &m->faults[f];
    struct variant w;
    variant_init(&w, v, d);
    bool any = false;
    for (size_t c = 0; c < m->n_cases; c++) {
        const struct matrix_case *k = &m->cases[c];
        v->chosen[c] = matrix_judge(&fault->cells[c], &k->reference) == MATRIX_MISSED &&
                       strcmp(k->device, w.stem) != 0;
        any = any || v->chosen[c];
    }
    if (!any) return ERR_OK;
    show_variant(v, &w);
    w.request.fault = fault->id;
    int rc = runner_run(&v->runner, &w.request, m, outcomes, err);
    if (rc == ERR_OK) rc = confirm(v, f, &w, outcomes, err);
    return rc < 0 ? err_prefix(err, "%s", fault->id) : rc;
}

static int run_faults(struct validate *v, struct err *err)
{
    struct matrix *m = &v->matrix;
    struct matrix_outcome *outcomes = calloc(m->n_cases + 1, sizeof *outcomes);
    int rc = outcomes ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for the faults");
    for (size_t f = 0; rc == ERR_OK && f < m->n_faults; f++) {
        for (size_t c = 0; c < m->n_cases; c++)
            if (m->faults[f].cells[c].named && m->cases[c].reference.verdict == VERDICT_NA)
                m->faults[f].cells[c].outcome = m->cases[c].reference;
        for (size_t d = 0; rc == ERR_OK && d < v->n_devices; d++)
            rc = run_fault(v, f, d, outcomes, err);
        for (size_t d = 0; rc == ERR_OK && d < v->n_devices; d++)
            rc = try_elsewhere(v, f, d, outcomes, err);
    }
    free(outcomes);
    return rc;
}

// ---- the canary

static int run_canary(struct validate *v, struct err *err)
{
    struct matrix_canary *canary = &v->canary;
    struct matrix one;
    char bench[PATH_MAX];
    const bool chosen[1] = {true};
    snprintf(canary->fault, sizeof canary->fault, "%s", canary_fault);
    snprintf(canary->id, sizeof canary->id, "%s", canary_case);
    snprintf(bench, sizeof bench, "%s/fixtures/benches/broken.lua", cmd_root());
    matrix_init(&one);
    int rc = matrix_add_case(&one, canary_case, NULL, err);
    struct child_request request = {.cases = chosen};
    screen_case(&v->screen, 0, "the canary");
    if (rc == ERR_OK) rc = runner_run(&v->runner, &request, &one, &canary->reference, err);
    request.fault = canary_fault;
    if (rc == ERR_OK) rc = runner_run(&v->runner, &request, &one, &canary->outcome, err);
    request = (struct child_request){.cases = chosen, .bench = bench};
    if (rc == ERR_OK) rc = runner_run(&v->runner, &request, &one, &canary->broken, err);
    matrix_deinit(&one);
    return rc < 0 ? err_prefix(err, "the canary") : rc;
}

// ---- the result

static int print_json(const struct jval *result, struct err *err)
{
    char *text = jval_dump(result, err);
    if (!text) return ERR_FORMAT;
    puts(text);
    free(text);
    return ERR_OK;
}

static int print_table(const struct validate *v, struct err *err)
{
    struct bytes out;
    bytes_init(&out, 4 << 20);
    int rc = matrix_print(&v->matrix, &v->canary, &out, err);
    if (rc == ERR_OK) fwrite(out.data, 1, out.len, stdout);
    bytes_deinit(&out);
    return rc;
}

static int print_result(const struct validate *v, struct err *err)
{
    struct jval *result = matrix_json(&v->matrix, &v->canary, err);
    if (!result) return ERR_FORMAT;
    int rc = v->options.json ? print_json(result, err) : print_table(v, err);
    fflush(stdout); // before what stderr has to say
    if (rc == ERR_OK && v->options.html) rc = report_matrix(result, v->options.html, err);
    jval_free(result);
    return rc;
}

// What keeps the matrix from proving anything, in words; whether there was something.
static bool controls_failed(const struct validate *v)
{
    bool bad = false;
    for (size_t c = 0; c < v->matrix.n_cases; c++) {
        const struct matrix_case *k = &v->matrix.cases[c];
        if (!k->reference.known || k->reference.verdict == VERDICT_NA ||
            matrix_is_sound(&k->reference))
            continue;
        bad = true;
        fprintf(stderr,
                "foxbench validate: expected %s to pass without a fault, got %s: %s; mend the "
                "reference device or the case first\n",
                k->id, verdict_name(k->reference.verdict), k->reference.reason);
    }
    if (!matrix_canary_died(&v->canary)) {
        bad = true;
        fprintf(stderr,
                "foxbench validate: expected %s to fail under %s and to pass without, got %s and "
                "%s: what this bench says of faults means nothing\n",
                v->canary.id, v->canary.fault, verdict_name(v->canary.outcome.verdict),
                verdict_name(v->canary.reference.verdict));
    }
    if (!matrix_broken_is_no_kill(&v->canary)) {
        bad = true;
        fprintf(stderr,
                "foxbench validate: expected an error on a bench without instruments, got %s: %s\n",
                verdict_name(v->canary.broken.verdict), v->canary.broken.reason);
    }
    return bad;
}

static int judge(const struct validate *v)
{
    const struct matrix *m = &v->matrix;
    bool bad = controls_failed(v);
    if (m->n_faults == 0) return bad ? CMD_EXIT_ERROR : CMD_EXIT_NOTHING;
    for (size_t f = 0; f < m->n_faults; f++)
        if (!matrix_is_killed(m, f)) return CMD_EXIT_FAIL;
    if (matrix_count(m, MATRIX_MISSED) > 0) return CMD_EXIT_FAIL;
    return bad ? CMD_EXIT_ERROR : CMD_EXIT_OK;
}

int cmd_validate(int argc, char **argv)
{
    struct validate v = {.runner.signal_fd = -1};
    struct err e = {0};
    int rc = validate_options_parse(&v.options, argc, argv, &e);
    if (rc < 0) return complain(&e);
    if (v.options.help) {
        fputs(validate_help, stdout);
        return CMD_EXIT_OK;
    }
    rc = prepare(&v, &e);
    screen_init(&v.screen, v.matrix.n_faults, NULL);
    if (rc == ERR_OK) rc = run_canary(&v, &e);
    if (rc == ERR_OK) rc = run_reference(&v, &e);
    if (rc == ERR_OK) rc = run_faults(&v, &e);
    screen_clear(&v.screen);
    if (rc == ERR_OK) rc = print_result(&v, &e);
    int exit_code = rc < 0 ? complain(&e) : judge(&v);
    runner_close(&v.runner);
    matrix_deinit(&v.matrix);
    free(v.chosen);
    return exit_code;
}
