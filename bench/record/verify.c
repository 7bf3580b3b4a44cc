#include "bench/record/verify.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/base/crypto.h"
#include "bench/record/event.h"
#include "bench/record/lines.h"
#include "bench/record/result.h"
#include "bench/record/store.h"
#include "bench/record/verify_chain.h"

enum { ATTEMPT_PATH = 512 };

struct verify {
    const char *dir;
    const struct jval *digests; // of files that were read already, or NULL
    struct verify_result *out;
    struct jval *run;         // run.json
    struct jval *plan;        // plan.json
    struct jval *instruments; // newest of each unit
    struct jval *covered;     // object: path -> true
    struct jval *verdicts;    // object: "ID/axes" -> verdict of its last attempt
    struct result *result;    // of the attempt that runs
    char attempt[ATTEMPT_PATH];
    size_t line;
    int64_t t;
    bool ended;       // run.end was seen
    struct jval *end; // the last one
};

static int note(struct verify *v, const char *where, const char *fmt, ...) FOX_PRINTF(3, 4);

// Notes the first alteration. Returns ERR_CHECK, which ends the walk through the ledger.
static int note(struct verify *v, const char *where, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    v->out->state = VERIFY_ALTERED;
    snprintf(v->out->where, sizeof v->out->where, "%s", where);
    vsnprintf(v->out->why, sizeof v->out->why, fmt, args);
    va_end(args);
    return ERR_CHECK;
}

static int note_line(struct verify *v, const char *why)
{
    char where[64];
    snprintf(where, sizeof where, "events.jsonl line %zu", v->line);
    return note(v, where, "%s", why);
}

static int cover(struct verify *v, const char *path, struct err *err)
{
    return jval_set(v->covered, path, jval_make(err, "b", 1), err);
}

// One file against its digest; size < 0: any.
static int check_file(struct verify *v, const char *path, const char *sha256, int64_t size,
                      struct err *err)
{
    char full[PATH_MAX], digest[SHA256_HEX_LEN];
    struct stat st;
    snprintf(full, sizeof full, "%s/%s", v->dir, path);
    int rc = cover(v, path, err);
    if (rc < 0) return rc;
    if (lstat(full, &st) != 0) return note(v, path, "the file is missing (%s)", strerror(errno));
    if (!S_ISREG(st.st_mode)) return note(v, path, "it is no regular file any more");
    if (size >= 0 && st.st_size != size)
        return note(v, path, "expected %lld bytes, got %lld", (long long)size,
                    (long long)st.st_size);
    const char *known = jval_text(jval_get(v->digests, path), NULL);
    if (known)
        snprintf(digest, sizeof digest, "%s", known);
    else
        rc = crypto_sha256_file(full, digest, NULL, err);
    if (rc < 0) return rc;
    if (strcmp(digest, sha256) != 0)
        return note(v, path, "expected SHA-256 %.16s…, got %.16s…", sha256, digest);
    v->out->files++;
    return ERR_OK;
}

static int load(struct verify *v, const char *name, struct jval **out, struct err *err)
{
    char path[PATH_MAX];
    struct err e;
    snprintf(path, sizeof path, "%s/%s", v->dir, name);
    int rc = jval_load(out, path, &e);
    if (rc == ERR_FORMAT) return note(v, name, "it is not JSON any more: %s", e.text);
    if (rc < 0 && err) *err = e;
    return rc;
}

static int check_begin(struct verify *v, const struct jval *event, struct err *err)
{
    static const struct {
        const char *file;
        const char *key;
    } files[] = {{"run.json", "run_sha256"}, {"plan.json", "plan_sha256"}};
    if (v->line != 1) return note_line(v, "run.begin is not the first event");
    for (size_t i = 0; i < 2; i++) {
        const char *digest = jval_text(jval_get(event, files[i].key), "");
        int rc = check_file(v, files[i].file, digest, -1, err);
        if (rc < 0) return rc;
    }
    int rc = load(v, "run.json", &v->run, err);
    return rc == ERR_OK ? load(v, "plan.json", &v->plan, err) : rc;
}

static const struct jval *planned(const struct verify *v, const char *id, const char *axes)
{
    const struct jval *cases = jval_get(v->plan, "cases");
    for (size_t i = 0; i < jval_len(cases); i++) {
        const struct jval *c = jval_at(cases, i);
        const char *its = jval_text(jval_get(c, "axes"), "_");
        if (strcmp(jval_text(jval_get(c, "id"), ""), id) == 0 &&
            strcmp(*its ? its : "_", axes) == 0)
            return c;
    }
    return NULL;
}

static int check_files(struct verify *v, const struct jval *files, const char *folder,
                       struct err *err)
{
    for (size_t i = 0; i < jval_len(files); i++) {
        const struct jval *f = jval_at(files, i);
        const char *name = jval_text(jval_get(f, "path"), "");
        if (!store_path_is_safe(name)) return note_line(v, "it names a file outside the run");
        char path[ATTEMPT_PATH + STORE_PATH_MAX + 2];
        snprintf(path, sizeof path, "%s%s%s", folder, *folder ? "/" : "", name);
        int rc = check_file(v, path, jval_text(jval_get(f, "sha256"), ""),
                            jval_int(jval_get(f, "size"), 0), err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

// A copy of the list without verdict.json, which cannot list itself.
static struct jval *evidence_of(const struct jval *files, struct err *err)
{
    struct jval *list = jval_array();
    for (size_t i = 0; list && i < jval_len(files); i++) {
        struct jval *f = jval_at(files, i);
        if (strcmp(jval_text(jval_get(f, "path"), ""), "verdict.json") == 0) continue;
        if (jval_append(list, jval_ref(f), err) < 0) {
            jval_free(list);
            list = NULL;
        }
    }
    return list;
}

static int compare(struct verify *v, const char *name, struct jval *expected, struct err *err)
{
    char path[ATTEMPT_PATH + 32];
    snprintf(path, sizeof path, "%s/%s", v->attempt, name);
    struct jval *stored = NULL;
    if (!expected) return ERR_FORMAT;
    int rc = load(v, path, &stored, err);
    if (rc == ERR_OK && !jval_equal(stored, expected))
        rc = note(v, path, "it is not what the events of the attempt give");
    jval_free(stored);
    jval_free(expected);
    return rc;
}

static int check_end_of_case(struct verify *v, const struct jval *event, struct err *err)
{
    const char *id = jval_text(jval_get(event, "case"), "");
    const char *axes = jval_text(jval_get(event, "axes"), "");
    const struct jval *files = jval_get(event, "files");
    int rc = check_files(v, files, v->attempt, err);
    if (rc < 0) return rc;

    result_end(v->result, jval_int(jval_get(event, "t"), 0));
    struct jval *expected = result_case_end(v->result, files, err);
    if (!expected) return ERR_FORMAT;
    rc = jval_set(expected, "seq", jval_ref(jval_get(event, "seq")), err);
    if (rc == ERR_OK) rc = jval_set(expected, "prev", jval_ref(jval_get(event, "prev")), err);
    if (rc == ERR_OK && !jval_equal(expected, event))
        rc = note_line(v, "it is not what the events of the attempt give");
    jval_free(expected);
    if (rc < 0) return rc;

    struct jval *evidence = evidence_of(files, err);
    rc = compare(v, "measurements.json", result_measurements(v->result, err), err);
    if (rc == ERR_OK)
        rc = compare(v, "verdict.json",
                     evidence ? result_record(v->result, v->run, planned(v, id, axes),
                                              v->instruments, evidence, err)
                              : NULL,
                     err);
    jval_free(evidence);
    char name[ATTEMPT_PATH];
    snprintf(name, sizeof name, "%s/%s", id, axes);
    if (rc == ERR_OK) rc = jval_set(v->verdicts, name, jval_ref(jval_get(event, "verdict")), err);
    result_free(v->result);
    v->result = NULL;
    return rc;
}

static int check_begin_of_case(struct verify *v, const struct jval *event, struct err *err)
{
    const char *id = jval_text(jval_get(event, "case"), "");
    const char *axes = jval_text(jval_get(event, "axes"), "");
    int attempt = (int)jval_int(jval_get(event, "attempt"), 0);
    if (v->result) return note_line(v, "an attempt begins before the one before it has ended");
    if (!planned(v, id, axes)) return note_line(v, "its case is not in plan.json");
    if (store_attempt_path(id, axes, attempt, v->attempt, sizeof v->attempt, NULL) < 0)
        return note_line(v, "its names are no path");
    return result_new(&v->result, id, axes, attempt, jval_int(jval_get(event, "t"), 0), err);
}

struct counter {
    struct verify *v;
    const struct jval *counts;
    int64_t sum;
    bool differs;
};

static int compare_count(void *ctx, const char *verdict, struct jval *n)
{
    struct counter *c = ctx;
    const struct jval *cases = jval_get(c->v->plan, "cases");
    int64_t found = 0;
    for (size_t i = 0; i < jval_len(cases); i++) {
        const struct jval *planned_case = jval_at(cases, i);
        const char *axes = jval_text(jval_get(planned_case, "axes"), "_");
        char name[ATTEMPT_PATH];
        snprintf(name, sizeof name, "%s/%s", jval_text(jval_get(planned_case, "id"), ""),
                 *axes ? axes : "_");
        const char *word = jval_text(jval_get(c->v->verdicts, name), NULL);
        if (!word) word = jval_text(jval_get(planned_case, "na"), NULL) ? "na" : "notrun";
        found += strcmp(word, verdict) == 0;
    }
    if (found != jval_int(n, -1)) c->differs = true;
    c->sum += found;
    return 0;
}

static int check_end_of_run(struct verify *v, const struct jval *event)
{
    v->ended = true;
    if (v->result) return note_line(v, "the run ends while an attempt runs");
    struct counter c = {.v = v};
    jval_each(jval_get(event, "counts"), compare_count, &c);
    if (c.differs || c.sum != (int64_t)jval_len(jval_get(v->plan, "cases")))
        return note_line(v, "its counts are not those of the attempts and the plan");
    jval_free(v->end);
    v->end = jval_ref((struct jval *)(uintptr_t)event);
    return ERR_OK;
}

// A run that was closed is open again: what its end said of the run's files is history.
static int check_resume(struct verify *v)
{
    if (v->result) return note_line(v, "the run is continued while an attempt runs");
    v->ended = false;
    return ERR_OK;
}

static int check_event(struct verify *v, const struct jval *event, struct err *err)
{
    const char *type = jval_text(jval_get(event, "type"), "");
    int64_t t = jval_int(jval_get(event, "t"), -1);
    if (!event_find(type, NULL)) return note_line(v, "its type is no word of the ledger");
    if (t < v->t) return note_line(v, "its sample time lies before that of the line before");
    v->t = t;
    if (strcmp(type, "run.resume") == 0 && v->line > 1) return check_resume(v);
    if (v->ended) return note_line(v, "it follows the end of the run");
    if (v->line == 1 && strcmp(type, "run.begin") != 0)
        return note_line(v, "the first event is not run.begin");
    if (strcmp(type, "run.begin") == 0) return check_begin(v, event, err);
    if (strcmp(type, "run.end") == 0) return check_end_of_run(v, event);
    if (strcmp(type, "case.begin") == 0) return check_begin_of_case(v, event, err);
    if (!v->result != !jval_get(event, "case"))
        return note_line(v, v->result ? "it names no case while an attempt runs"
                                      : "it names a case while no attempt runs");
    if (strcmp(type, "case.end") == 0) return check_end_of_case(v, event, err);
    if (result_instrument(v->instruments, event, NULL) < 0)
        return note_line(v, "the instrument has no unit name");
    if (v->result && result_event(v->result, event, NULL) < 0)
        return note_line(v, "its verdict or blame is no word of the lists");
    return ERR_OK;
}

static int check_events(struct verify *v, size_t trusted, struct err *err)
{
    char path[PATH_MAX];
    struct lines l;
    snprintf(path, sizeof path, "%s/events.jsonl", v->dir);
    int rc = lines_open(&l, path, err);
    while (rc >= 0 && v->line < trusted && (rc = lines_next(&l, err)) > 0) {
        v->line++;
        rc = check_event(v, l.value, err);
    }
    lines_close(&l);
    return rc < 0 ? rc : ERR_OK;
}

static int check_ledger(struct verify *v, struct err *err)
{
    char path[PATH_MAX];
    struct chain_file events = {0}, wall = {0};
    snprintf(path, sizeof path, "%s/events.jsonl", v->dir);
    int rc = chain_file_read(&events, path, false, err);
    snprintf(path, sizeof path, "%s/wall.jsonl", v->dir);
    if (rc == ERR_OK) rc = chain_file_read(&wall, path, true, err);
    if (rc < 0) goto out;

    struct chain_result chain;
    chain_compare(&events, &wall, &chain);
    v->out->events = chain.events;
    if (chain.state == CHAIN_ALTERED) {
        rc = note(v, chain.where, "%s", chain.why);
        goto out;
    }
    rc = check_events(v, chain.events, err);
    if (rc == ERR_OK && v->ended) rc = check_files(v, jval_get(v->end, "files"), "", err);
    if (rc == ERR_OK && chain.state == CHAIN_INTACT && !v->ended)
        rc = note(v, "wall.jsonl", "it is closed, but events.jsonl has no run.end");
    if (rc == ERR_OK && chain.state == CHAIN_UNFINISHED) {
        v->out->state = VERIFY_UNFINISHED;
        snprintf(v->out->why, sizeof v->out->why, "%s", chain.why);
    }
out:
    chain_file_deinit(&events);
    chain_file_deinit(&wall);
    return rc;
}

// nftw has no context; the walk is short and this pointer lives no longer. One verify per thread.
static _Thread_local struct verify *walking;

static int visit(const char *path, const struct stat *st, int kind, struct FTW *ftw)
{
    (void)ftw;
    if (kind != FTW_F && kind != FTW_SL) return 0;
    (void)st;
    const char *relative = path + strlen(walking->dir) + 1;
    if (strcmp(relative, "events.jsonl") == 0 || strcmp(relative, "wall.jsonl") == 0) return 0;
    if (jval_get(walking->covered, relative)) return 0;
    // a name may hold bytes that JSON cannot: such a file is named by its folder
    struct jval *name = jval_make(NULL, "s", relative);
    if (!name) name = jval_make(NULL, "s", "(a file whose name is not UTF-8)");
    return jval_append(walking->out->uncovered, name, NULL) < 0;
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int sort_uncovered(struct verify_result *r, struct err *err)
{
    size_t n = jval_len(r->uncovered);
    const char **names = calloc(n + 1, sizeof *names);
    struct jval *sorted = jval_array();
    int rc = names && sorted ? ERR_OK : err_set(err, ERR_NOMEM, "verify: out of memory");
    for (size_t i = 0; rc == ERR_OK && i < n; i++)
        names[i] = jval_text(jval_at(r->uncovered, i), "");
    if (rc == ERR_OK) qsort(names, n, sizeof *names, compare_names);
    for (size_t i = 0; rc == ERR_OK && i < n; i++)
        rc = jval_append(sorted, jval_make(err, "s", names[i]), err);
    free(names);
    if (rc < 0) {
        jval_free(sorted);
        return rc;
    }
    jval_free(r->uncovered);
    r->uncovered = sorted;
    return ERR_OK;
}

static bool exists(const char *dir, const char *name)
{
    char path[PATH_MAX];
    struct stat st;
    snprintf(path, sizeof path, "%s/%s", dir, name);
    return lstat(path, &st) == 0;
}

int verify_run(struct verify_result *out, const char *run_dir, struct err *err)
{
    return verify_run_read(out, run_dir, NULL, err);
}

int verify_run_read(struct verify_result *out, const char *run_dir, const struct jval *digests,
                    struct err *err)
{
    char dir[PATH_MAX];
    *out = (struct verify_result){0};
    // the walk below must not stop at a link like `latest`
    if (!realpath(run_dir, dir))
        return err_set(err, ERR_NOTFOUND, "%s: expected a run directory: %s", run_dir,
                       strerror(errno));
    if (!exists(dir, "events.jsonl") && !exists(dir, "run.json"))
        return err_set(err, ERR_NOTFOUND,
                       "%s: expected a run directory (with run.json and events.jsonl), got none",
                       run_dir);
    struct verify v = {.dir = dir, .digests = digests, .out = out};
    v.instruments = jval_object();
    v.covered = jval_object();
    v.verdicts = jval_object();
    out->uncovered = jval_array();
    int rc = v.instruments && v.covered && v.verdicts && out->uncovered
                 ? ERR_OK
                 : err_set(err, ERR_NOMEM, "verify: out of memory");
    static const char *const needed[] = {"run.json", "plan.json", "events.jsonl", "wall.jsonl"};
    for (size_t i = 0; rc == ERR_OK && i < 4; i++)
        if (!exists(dir, needed[i])) rc = note(&v, needed[i], "the file is missing");
    if (rc == ERR_OK) rc = check_ledger(&v, err);
    if (rc == ERR_OK) {
        walking = &v;
        nftw(dir, visit, 16, FTW_PHYS);
        walking = NULL;
        rc = sort_uncovered(out, err);
    }
    result_free(v.result);
    jval_free(v.end);
    jval_free(v.run);
    jval_free(v.plan);
    jval_free(v.instruments);
    jval_free(v.covered);
    jval_free(v.verdicts);
    if (rc == ERR_CHECK) return ERR_OK; // an alteration is a finding, not a failure
    if (rc < 0) verify_result_deinit(out);
    return rc;
}

void verify_result_deinit(struct verify_result *r)
{
    jval_free(r->uncovered);
    r->uncovered = NULL;
}
