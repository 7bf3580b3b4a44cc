// A run is continued with what it was begun with: the same options, plan, suites and device.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/run_job.h"

// RESULTS/.NAME.lab is a link to the folder of the lab: beside the run, for it is no evidence, and
// the memories in it hold keys.
static bool link_path(const char *run_dir, char out[PATH_MAX + 16])
{
    const char *slash = strrchr(run_dir, '/');
    if (!slash) return false;
    snprintf(out, PATH_MAX + 16, "%.*s/.%s.lab", (int)(slash - run_dir), run_dir, slash + 1);
    return true;
}

bool run_job_find_memories(struct run_job *r)
{
    char path[PATH_MAX + 16];
    struct stat st;
    r->memories[0] = 0;
    if (!r->resume || !link_path(r->resume, path)) return false;
    ssize_t n = readlink(path, r->memories, sizeof r->memories - 1);
    r->memories[n > 0 ? n : 0] = 0;
    // A folder that somebody else put there instead says nothing about this run's devices.
    if (n > 0 && lstat(r->memories, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == geteuid())
        return true;
    r->memories[0] = 0;
    return false;
}

void run_job_link_memories(const struct run_job *r)
{
    char path[PATH_MAX + 16];
    if (!r->lab || !link_path(book_dir(r->book), path)) return;
    unlink(path);
    // Without it a resumed run starts with devices out of the box, and says so.
    (void)!symlink(lab_work(r->lab), path);
}

void run_job_settle_memories(const struct run_job *r)
{
    char path[PATH_MAX + 16];
    bool open = r->book ? !r->ended : *r->memories;
    if (!r->lab) return;
    for (size_t i = 0; r->book && i < book_count(r->book) && !open; i++)
        open = book_case_is_open(book_case(r->book, i));
    if (open)
        lab_keep(r->lab);
    else if (r->book && link_path(book_dir(r->book), path))
        unlink(path);
}

static int load(const char *dir, const char *name, struct jval **out, struct err *err)
{
    char path[PATH_MAX + 16];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return jval_load(out, path, err);
}

struct comparison {
    const struct jval *now;
    char *differs; // 64 bytes
};

static int compare_field(void *ctx, const char *key, struct jval *then)
{
    struct comparison *c = ctx;
    struct jval *now = jval_get(c->now, key);
    if (now && jval_equal(now, then)) return 0;
    snprintf(c->differs, 64, "%s", key);
    return 1;
}

static int check_run(const struct jval *then, const struct jval *now, struct err *err)
{
    char field[64] = "";
    struct comparison c = {now, field};
    if (jval_each(then, compare_field, &c) == 0) return ERR_OK;
    char *was = jval_dump(jval_get(then, field), NULL), *is = jval_dump(jval_get(now, field), NULL);
    int rc =
        err_set(err, ERR_USAGE,
                "run.json says %s %.100s, now it would be %.100s; name the run's own bench and "
                "device with --bench and --device, and use the same version",
                field, was ? was : "?", is ? is : "nothing");
    free(was);
    free(is);
    return rc;
}

static int check_plan(const struct jval *then, const struct jval *now, struct err *err)
{
    static const char *const parts[] = {"device", "bench", "limits", "cases"};
    if (jval_equal(then, now)) return ERR_OK;
    const struct jval *before = jval_get(then, "cases"), *after = jval_get(now, "cases");
    for (size_t i = 0; i < 3; i++)
        if (!jval_equal(jval_get(then, parts[i]), jval_get(now, parts[i])))
            return err_set(
                err, ERR_USAGE,
                "the %s is not what it was when the run began (plan.json); a changed one "
                "needs a new run",
                parts[i]);
    for (size_t i = 0; i < jval_len(before); i++)
        if (!jval_equal(jval_at(before, i), jval_at(after, i)))
            return err_set(err, ERR_USAGE,
                           "case %.80s is not what it was when the run began (plan.json); changed "
                           "suites need a new run",
                           jval_text(jval_get(jval_at(before, i), "id"), "?"));
    return err_set(err, ERR_USAGE,
                   "the plan has %zu cases, when the run began it had %zu; changed suites need a "
                   "new run",
                   jval_len(after), jval_len(before));
}

int run_job_reopen(struct run_job *r, const struct jval *run, struct err *err)
{
    struct jval *then = NULL, *plan = NULL;
    int rc = load(r->resume, "run.json", &then, err);
    if (rc == ERR_OK) rc = load(r->resume, "plan.json", &plan, err);
    if (rc == ERR_OK) rc = check_run(then, run, err);
    if (rc == ERR_OK) rc = check_plan(plan, r->plan, err);
    bool same_device = !r->lab || *r->memories;
    if (rc == ERR_OK && !same_device)
        fprintf(stderr, "foxbench resume: the virtual lab's folder is gone; its devices start out "
                        "of the box, and the network forgets them.\n");
    if (rc == ERR_OK) rc = book_resume(&r->book, r->resume, then, plan, same_device, err);
    jval_free(then);
    jval_free(plan);
    return rc;
}
