#include "bench/run_again.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/cmd.h"

static bool is_armed(const struct jval *run, const char *what)
{
    const struct jval *arm = jval_get(run, "arm");
    for (size_t i = 0; i < jval_len(arm); i++)
        if (strcmp(jval_text(jval_at(arm, i), ""), what) == 0) return true;
    return false;
}

// run.json has the stem of the device file and no path: a stem is all that two computers share.
static int find_device(struct run_again *a, struct err *err)
{
    const char *stem = jval_text(jval_get(a->run, "device"), "");
    snprintf(a->device, sizeof a->device, "%s/fixtures/devices/%s.lua", cmd_root(), stem);
    if (access(a->device, R_OK) == 0) return ERR_OK;
    return err_set(err, ERR_USAGE,
                   "the run's device is called %s, and fixtures/devices has no such file; name it "
                   "with --device FILE",
                   stem);
}

static int copy_selection(struct run_again *a, struct err *err)
{
    const struct jval *select = jval_get(a->run, "select");
    size_t n = jval_len(select);
    a->select = calloc(n + 1, sizeof *a->select);
    if (!a->select) return err_set(err, ERR_NOMEM, "options: out of memory");
    for (size_t i = 0; i < n; i++) {
        a->select[i] = strdup(jval_text(jval_at(select, i), ""));
        if (!a->select[i]) return err_set(err, ERR_NOMEM, "options: out of memory");
    }
    a->options.select = a->select;
    a->options.n_select = n;
    return ERR_OK;
}

int run_again_read(struct run_again *a, const char *run_dir, const char *device, const char *bench,
                   struct err *err)
{
    char path[PATH_MAX + 16];
    *a = (struct run_again){0};
    if (!realpath(run_dir, a->dir))
        return err_set(err, ERR_USAGE, "%s: expected a run directory: %s", run_dir,
                       strerror(errno));
    snprintf(path, sizeof path, "%s/run.json", a->dir);
    int rc = jval_load(&a->run, path, err);
    if (rc < 0)
        return access(path, F_OK) == 0
                   ? rc
                   : err_set(err, ERR_USAGE, "%s: expected a run directory, it has no run.json",
                             run_dir);
    if (!device) rc = find_device(a, err);
    if (rc == ERR_OK) rc = copy_selection(a, err);
    if (rc < 0) {
        run_again_deinit(a);
        return rc;
    }
    struct run_options *o = &a->options;
    o->device = device ? device : a->device;
    o->bench = bench;
    o->profile = jval_text(jval_get(a->run, "profile"), "smoke");
    o->fault = jval_text(jval_at(jval_get(a->run, "faults"), 0), NULL);
    o->chaos = jval_text(jval_get(a->run, "chaos"), NULL);
    o->seed = jval_int(jval_get(a->run, "seed"), 1);
    o->parent = "results";
    o->include = jval_text(jval_get(a->run, "include"), NULL);
    o->exclude = jval_text(jval_get(a->run, "exclude"), NULL);
    o->shard = (unsigned)jval_int(jval_at(jval_get(a->run, "shard"), 0), 0);
    o->shards = (unsigned)jval_int(jval_at(jval_get(a->run, "shard"), 1), 0);
    o->retry = (unsigned)jval_int(jval_get(a->run, "retry"), 0);
    o->arm_interference = is_armed(a->run, "interference");
    o->arm_destructive = is_armed(a->run, "destructive");
    return ERR_OK;
}

void run_again_deinit(struct run_again *a)
{
    for (size_t i = 0; a->select && a->select[i]; i++)
        free(a->select[i]);
    free(a->select);
    jval_free(a->run);
    *a = (struct run_again){0};
}
