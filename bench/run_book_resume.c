// The books of a run that broke off, read back from its ledger.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/record/lines.h"
#include "bench/record/text.h"
#include "bench/run_book_parts.h"
#include "bench/run_dir.h"

struct past {
    struct book *book;
    bool same_device;
    struct jval *traffic; // events of the running attempt, when some case watches it
};

bool book_case_is_open(const struct book_case *c)
{
    return c->verdict == VERDICT_NOTRUN ||
           (c->verdict == VERDICT_ERROR && (c->blame == BLAME_BENCH || c->blame == BLAME_OPERATOR));
}

unsigned book_workers(const struct book *b)
{
    return b->workers;
}

static const char *text_of(const struct jval *event, const char *key)
{
    return jval_text(jval_get(event, key), "");
}

static int find_case(const struct book *b, const struct jval *event, size_t *out, struct err *err)
{
    for (size_t i = 0; i < b->n_cases; i++) {
        *out = i;
        if (strcmp(b->cases[i].id, text_of(event, "case")) == 0 &&
            strcmp(b->cases[i].axes, text_of(event, "axes")) == 0)
            return ERR_OK;
    }
    return err_set(
        err, ERR_FORMAT,
        "event %lld belongs to case %.80s, which plan.json does not have; verify the run",
        (long long)jval_int(jval_get(event, "seq"), -1), text_of(event, "case"));
}

static int begin_attempt(struct past *p, const struct jval *event, struct err *err)
{
    struct book *b = p->book;
    int rc = find_case(b, event, &b->current, err);
    if (rc < 0) return rc;
    struct book_case *c = &b->cases[b->current];
    if (b->result)
        return err_set(err, ERR_FORMAT, "case %s begins in the middle of another; verify the run",
                       c->name);
    c->attempt = (int)jval_int(jval_get(event, "attempt"), 0);
    p->traffic = jval_array();
    if (!p->traffic) return err_set(err, ERR_NOMEM, "resume: out of memory");
    return result_new(&b->result, c->id, c->axes, c->attempt, jval_int(jval_get(event, "t"), 0),
                      err);
}

// The traffic of an attempt that will be repeated is judged by nobody.
static int end_attempt(struct past *p, const struct jval *event, struct err *err)
{
    struct book *b = p->book;
    struct book_case *c = &b->cases[b->current];
    int rc = ERR_OK;
    if (!verdict_find(text_of(event, "verdict"), &c->verdict) ||
        !blame_find(text_of(event, "blame"), &c->blame))
        return err_set(err, ERR_FORMAT, "case %s ends without a verdict; verify the run", c->name);
    text_copy(c->reason, sizeof c->reason, text_of(event, "reason"));
    c->settled = !book_case_is_open(c);
    for (size_t i = 0; rc == ERR_OK && c->settled && i < jval_len(p->traffic); i++)
        rc = jval_append(b->seen, jval_ref(jval_at(p->traffic, i)), err);
    jval_free(p->traffic);
    p->traffic = NULL;
    result_free(b->result);
    b->result = NULL;
    return rc;
}

static int take(struct past *p, const struct jval *event, struct err *err)
{
    struct book *b = p->book;
    const char *type = text_of(event, "type");
    int rc = result_instrument(b->instruments, event, err);
    if (rc == ERR_OK && p->same_device) rc = book_remember(b, event, err);
    if (rc < 0) return rc;
    if (strcmp(type, "clock") == 0) {
        int64_t worker = jval_int(jval_get(event, "worker"), 0);
        if (worker > (int64_t)b->workers) b->workers = (unsigned)worker;
    }
    if (strcmp(type, "case.begin") == 0) rc = begin_attempt(p, event, err);
    if (rc == ERR_OK && b->result && book_is_watched(b, b->cases[b->current].id))
        rc = jval_append(p->traffic, jval_ref((struct jval *)(uintptr_t)event), err);
    if (rc < 0 || !b->result || strcmp(type, "case.begin") == 0) return rc;
    if (strcmp(type, "case.end") == 0) return end_attempt(p, event, err);
    return result_event(b->result, event, err);
}

static int replay(struct past *p, struct err *err)
{
    char path[PATH_MAX + 16];
    struct lines l;
    snprintf(path, sizeof path, "%s/events.jsonl", p->book->dir);
    int rc = lines_open(&l, path, err);
    while (rc == ERR_OK && (rc = lines_next(&l, err)) > 0)
        rc = take(p, l.value, err);
    lines_close(&l);
    return rc;
}

// Killed after its folder was made and before the ledger knew of it: nothing is in there.
static void remove_unbegun(const struct book *b)
{
    char relative[512], path[PATH_MAX + 512];
    for (size_t i = 0; i < b->n_cases; i++) {
        const struct book_case *c = &b->cases[i];
        if (store_attempt_path(c->id, c->axes, c->attempt + 1, relative, sizeof relative, NULL) < 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", b->dir, relative);
        rmdir(path);
    }
}

static int close_broken(struct book *b, struct err *err)
{
    const struct book_case *c = &b->cases[b->current];
    if (!b->result) return ERR_OK;
    int rc = store_adopt(&b->store, b->dir, c->id, c->axes, c->attempt, err);
    if (rc == ERR_OK)
        rc = book_fault(b, ERR_GONE, BLAME_BENCH,
                        "the bench was ended in the middle of this attempt", err);
    return rc == ERR_OK ? book_case_end(b, ledger_time(b->ledger), err) : rc;
}

static int begin_again(struct book *b, struct err *err)
{
    char path[PATH_MAX + 16];
    struct jval *event = jval_make(err, "{s:s, s:I, s:s}", "type", "run.resume", "t",
                                   (long long)ledger_time(b->ledger), "foxbench", FOX_VERSION);
    int rc = event ? ledger_append(b->ledger, event, err) : ERR_FORMAT;
    jval_free(event);
    snprintf(path, sizeof path, "%s/run.tap", b->dir);
    unlink(path);
    return rc == ERR_OK ? book_open_tap(b, 0, err) : rc;
}

int book_resume(struct book **out, const char *dir, const struct jval *run, const struct jval *plan,
                bool same_device, struct err *err)
{
    struct book *b = calloc(1, sizeof *b);
    if (!b) return err_set(err, ERR_NOMEM, "resume: out of memory");
    struct past past = {.book = b, .same_device = same_device};
    snprintf(b->dir, sizeof b->dir, "%s", dir);
    b->run = jval_ref((struct jval *)(uintptr_t)run);
    b->plan = jval_ref((struct jval *)(uintptr_t)plan);
    b->instruments = jval_object();
    b->seen = jval_array();
    b->history = jval_array();
    int rc = b->instruments && b->seen && b->history
                 ? ERR_OK
                 : err_set(err, ERR_NOMEM, "resume: out of memory");
    if (rc == ERR_OK) rc = book_fill_cases(b, err);
    if (rc == ERR_OK) rc = run_dir_room(dir, RUN_DIR_KEPT, err);
    if (rc == ERR_OK) rc = ledger_reopen(&b->ledger, dir, err);
    if (rc == ERR_OK) rc = run_dir_keep_room(dir, err);
    if (rc == ERR_OK) rc = replay(&past, err);
    jval_free(past.traffic);
    if (rc == ERR_OK) remove_unbegun(b);
    if (rc == ERR_OK) rc = close_broken(b, err);
    if (rc == ERR_OK) rc = begin_again(b, err);
    if (rc < 0) {
        book_close(b);
        return rc;
    }
    *out = b;
    return ERR_OK;
}
