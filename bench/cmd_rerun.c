// foxbench rerun: an earlier run once more, with its own settings, in a new directory.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/arguments.h"
#include "bench/cmd.h"
#include "bench/record/run_view.h"
#include "bench/run_again.h"
#include "bench/run_job.h"

static bool is_settled(const struct jval *c)
{
    static const char *const good[] = {"pass", "info", "warn", "na", "waived"};
    const char *verdict = jval_text(jval_get(c, "verdict"), "");
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (strcmp(verdict, good[i]) == 0) return true;
    return false;
}

static void select_these_alone(struct run_options *o)
{
    o->include = o->exclude = NULL;
    o->shard = o->shards = 0;
}

// The cases that did not come out well, instead of what the run had selected. Lent from the view.
static int select_failed(struct run_options *o, const struct run_view *view, char ***out,
                         struct err *err)
{
    size_t n = 0;
    char **select = calloc(jval_len(view->cases) + 1, sizeof *select);
    if (!select) return err_set(err, ERR_NOMEM, "rerun: out of memory");
    for (size_t i = 0; i < jval_len(view->cases); i++) {
        const struct jval *c = jval_at(view->cases, i);
        if (!is_settled(c)) select[n++] = (char *)(uintptr_t)jval_text(jval_get(c, "name"), "");
    }
    *out = o->select = select;
    o->n_select = n;
    select_these_alone(o);
    return ERR_OK;
}

int cmd_rerun(int argc, char **argv)
{
    const char *device = NULL, *bench = NULL, *parent = NULL;
    bool failed = false;
    struct words words = {.max = 1000};
    struct err e = {0};
    const struct argument arguments[] = {{.name = "--device", .value = &device},
                                         {.name = "--bench", .value = &bench},
                                         {.name = "-o", .value = &parent},
                                         {.name = "--failed", .flag = &failed},
                                         {0}};
    int rc = arguments_parse(arguments, &words, argc, argv, &e);
    if (rc == ARGUMENTS_GO_ON && words.n == 0)
        rc =
            err_set(&e, ERR_USAGE,
                    "expected a run directory; for example foxbench rerun results/latest --failed");
    if (rc == ARGUMENTS_GO_ON && failed && words.n > 1)
        rc = err_set(&e, ERR_USAGE, "expected --failed or cases, got both");
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("rerun", rc, &e);

    struct run_again again;
    struct run_view view = {0};
    char **select = NULL;
    if (run_again_read(&again, words.list[0], device, bench, &e) < 0)
        return arguments_exit("rerun", ERR_USAGE, &e);
    int code = CMD_EXIT_USAGE;
    struct run_options *o = &again.options;
    if (parent) o->parent = parent;
    if (words.n > 1) {
        o->select = words.list + 1;
        o->n_select = words.n - 1;
        select_these_alone(o);
    }
    if (!bench && strcmp(jval_text(jval_get(again.run, "bench"), ""), "virtual") != 0 &&
        jval_len(jval_get(again.run, "faults")) == 0) {
        // A run on instruments must not be repeated without them unnoticed.
        fprintf(stderr, "foxbench rerun: the run had the bench %s; name its file with --bench\n",
                jval_text(jval_get(again.run, "bench"), "?"));
        rc = ERR_USAGE;
    }
    if (rc == ERR_OK && failed) {
        rc = run_view_read(&view, again.dir, &e);
        if (rc == ERR_OK) rc = select_failed(o, &view, &select, &e);
        if (rc < 0) fprintf(stderr, "foxbench rerun: %s\n", e.text);
    }
    if (rc == ERR_OK && failed && o->n_select == 0) {
        fprintf(stderr, "foxbench rerun: no case of this run failed or stayed open\n");
        code = CMD_EXIT_OK;
    } else if (rc == ERR_OK) {
        code = run_job("rerun", o, NULL);
    }
    run_view_deinit(&view);
    run_again_deinit(&again);
    free(select);
    return code;
}
