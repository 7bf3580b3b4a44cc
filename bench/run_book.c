#include "bench/run_book_parts.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "bench/base/crypto.h"
#include "bench/net/history.h"
#include "bench/record/event.h"
#include "bench/record/ledger.h"
#include "bench/record/result.h"
#include "bench/record/store.h"
#include "bench/record/tap.h"
#include "bench/record/text.h"
#include "bench/run_dir.h"

// A flood is told from diligence by its sample time, which stands still.
enum { EVENTS_MAX = 1000000, EVENTS_AT_ONCE_MAX = 20000 };

static const struct jval *plan_case(const struct jval *plan, size_t i)
{
    return jval_at(jval_get(plan, "cases"), i);
}

int book_fill_cases(struct book *b, struct err *err)
{
    b->n_cases = jval_len(jval_get(b->plan, "cases"));
    b->cases = calloc(b->n_cases + 1, sizeof *b->cases);
    if (!b->cases) return err_set(err, ERR_NOMEM, "run: out of memory");
    for (size_t i = 0; i < b->n_cases; i++) {
        const struct jval *c = plan_case(b->plan, i);
        struct book_case *to = &b->cases[i];
        to->id = jval_text(jval_get(c, "id"), "");
        to->axes = jval_text(jval_get(c, "axes"), "_");
        to->title = jval_text(jval_get(c, "title"), "");
        to->safety = jval_text(jval_get(c, "safety"), "S0");
        to->na = jval_text(jval_get(c, "na"), NULL);
        to->deadline_s = jval_number(jval_get(c, "deadline_s"), 0);
        bool plain = strcmp(to->axes, "_") == 0;
        snprintf(to->name, sizeof to->name, "%s%s%s", to->id, plain ? "" : "/",
                 plain ? "" : to->axes);
        to->verdict = VERDICT_NOTRUN;
    }
    return ERR_OK;
}

// The hash is of the file as it will be written, and must be known before its folder has a name.
static int plan_hash(struct book *b, const char *parent, char hash[SHA256_HEX_LEN], struct err *err)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/.plan-%d.json", parent, (int)getpid());
    int rc = jval_save(b->plan, path, err);
    if (rc == ERR_OK) rc = crypto_sha256_file(path, hash, NULL, err);
    unlink(path);
    return rc;
}

static int save(const struct book *b, const struct jval *j, const char *name,
                char hash[SHA256_HEX_LEN], struct err *err)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/%s", b->dir, name);
    int rc = jval_save(j, path, err);
    return rc == ERR_OK ? crypto_sha256_file(path, hash, NULL, err) : rc;
}

static int begin(struct book *b, const char *plan_sha256, const char *run_sha256, struct err *err)
{
    struct jval *event = jval_make(err, "{s:s, s:i, s:s, s:s}", "type", "run.begin", "t", 0,
                                   "plan_sha256", plan_sha256, "run_sha256", run_sha256);
    static const char *const fields[] = {"foxbench", "seed", "profile", "device", "bench"};
    int rc = event ? ERR_OK : ERR_FORMAT;
    for (size_t i = 0; rc == ERR_OK && i < sizeof fields / sizeof *fields; i++) {
        struct jval *value = jval_get(b->run, fields[i]);
        rc = jval_set(event, fields[i], value ? jval_ref(value) : jval_make(err, "n"), err);
    }
    if (rc == ERR_OK) rc = ledger_append(b->ledger, event, err);
    jval_free(event);
    return rc;
}

int book_open_tap(struct book *b, int version, struct err *err)
{
    char path[PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/run.tap", b->dir);
    b->tap_file = fopen(path, "wxe");
    if (!b->tap_file) return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    return tap_begin_as(&b->tap, b->tap_file, stdout, version ? version : 13, b->n_cases, err);
}

int book_open(struct book **out, const char *parent, const struct jval *run,
              const struct jval *plan, int tap_version, struct err *err)
{
    struct book *b = calloc(1, sizeof *b);
    if (!b) return err_set(err, ERR_NOMEM, "run: out of memory");
    b->run = jval_ref((struct jval *)(uintptr_t)run);
    b->instruments = jval_object();
    b->seen = jval_array();
    b->history = jval_array();
    char plan_sha256[SHA256_HEX_LEN], run_sha256[SHA256_HEX_LEN];
    b->plan = jval_ref((struct jval *)(uintptr_t)plan);
    int rc = b->instruments && b->seen && b->history
                 ? ERR_OK
                 : err_set(err, ERR_NOMEM, "run: out of memory");
    if (rc == ERR_OK) rc = book_fill_cases(b, err);
    if (rc == ERR_OK) rc = run_dir_parents(parent, err);
    if (rc == ERR_OK) rc = run_dir_room(parent, RUN_DIR_KEPT, err);
    if (rc == ERR_OK) rc = plan_hash(b, parent, plan_sha256, err);
    if (rc == ERR_OK)
        rc = run_dir_make(b->dir, parent, plan_sha256, jval_text(jval_get(run, "device"), "device"),
                          err);
    if (rc == ERR_OK) rc = run_dir_keep_room(b->dir, err);
    if (rc == ERR_OK) rc = ledger_create(&b->ledger, b->dir, err);
    if (rc == ERR_OK) rc = save(b, b->run, "run.json", run_sha256, err);
    if (rc == ERR_OK) rc = save(b, b->plan, "plan.json", plan_sha256, err);
    if (rc == ERR_OK) rc = begin(b, plan_sha256, run_sha256, err);
    if (rc == ERR_OK) rc = book_open_tap(b, tap_version, err);
    if (rc < 0) {
        book_close(b);
        return rc;
    }
    run_dir_link_latest(b->dir, parent);
    *out = b;
    return ERR_OK;
}

void book_close(struct book *b)
{
    if (!b) return;
    result_free(b->result);
    store_free(b->store);
    ledger_free(b->ledger);
    if (b->tap_file) fclose(b->tap_file);
    run_dir_give_room(b->dir);
    jval_free(b->run);
    jval_free(b->instruments);
    jval_free(b->seen);
    jval_free(b->history);
    free(b->cases);
    jval_free(b->plan);
    free(b);
}

const char *book_dir(const struct book *b)
{
    return b->dir;
}

size_t book_count(const struct book *b)
{
    return b->n_cases;
}

const struct book_case *book_case(const struct book *b, size_t i)
{
    return &b->cases[i];
}

int64_t book_time(const struct book *b)
{
    return ledger_time(b->ledger);
}

int book_room(const struct book *b, int64_t need, struct err *err)
{
    int rc = run_dir_room(b->dir, need, err);
    if (rc < 0) run_dir_give_room(b->dir);
    return rc;
}

int book_remember(struct book *b, const struct jval *event, struct err *err)
{
    struct jval *memory;
    int rc = history_extract(event, &memory, err);
    return rc < 0 || !memory ? rc : jval_append(b->history, memory, err);
}

int book_event(struct book *b, struct jval *event, struct err *err)
{
    int rc = result_instrument(b->instruments, event, err);
    if (rc == ERR_OK) rc = ledger_append(b->ledger, event, err);
    if (rc == ERR_OK) rc = book_remember(b, event, err);
    jval_free(event);
    return rc;
}

bool book_is_watched(const struct book *b, const char *id)
{
    for (size_t i = 0; i < b->n_cases; i++) {
        const struct jval *watches = jval_get(plan_case(b->plan, i), "watches");
        for (size_t k = 0; k < jval_len(watches); k++)
            if (strcmp(jval_text(jval_at(watches, k), ""), id) == 0) return true;
    }
    return false;
}

// Adds the attempt's names to an event and writes it.
static int append(struct book *b, struct jval *event, struct err *err)
{
    const struct book_case *c = &b->cases[b->current];
    int rc = jval_set(event, "case", jval_make(err, "s", c->id), err);
    if (rc == ERR_OK) rc = jval_set(event, "axes", jval_make(err, "s", c->axes), err);
    if (rc == ERR_OK) rc = jval_set(event, "attempt", jval_make(err, "i", c->attempt), err);
    if (rc == ERR_OK) rc = ledger_append(b->ledger, event, err);
    if (rc == ERR_OK) rc = book_remember(b, event, err);
    if (rc == ERR_OK && book_is_watched(b, c->id)) rc = jval_append(b->seen, jval_ref(event), err);
    return rc;
}

int book_case_begin(struct book *b, size_t i, struct err *err)
{
    struct book_case *c = &b->cases[i];
    b->current = i;
    b->n_events = b->n_at_once = 0;
    c->attempt++;
    int rc = store_new(&b->store, b->dir, c->id, c->axes, c->attempt, err);
    if (rc == ERR_OK) rc = result_new(&b->result, c->id, c->axes, c->attempt, book_time(b), err);
    if (rc < 0) return rc;
    struct jval *event =
        jval_make(err, "{s:s, s:I}", "type", "case.begin", "t", (long long)book_time(b));
    rc = event ? append(b, event, err) : ERR_FORMAT;
    jval_free(event);
    return rc;
}

// `case`, `axes` and `attempt` are the supervisor's to write. A worker that names them must mean
// the running attempt.
static int check_names(const struct book *b, const struct jval *event, struct err *err)
{
    const struct book_case *c = &b->cases[b->current];
    const struct jval *id = jval_get(event, "case"), *axes = jval_get(event, "axes"),
                      *attempt = jval_get(event, "attempt");
    if ((id && strcmp(jval_text(id, ""), c->id) != 0) ||
        (axes && strcmp(jval_text(axes, ""), c->axes) != 0) ||
        (attempt && jval_int(attempt, 0) != c->attempt) || jval_get(event, "seq") ||
        jval_get(event, "prev"))
        return err_set(
            err, ERR_FORMAT,
            "the worker sent an event of case %s while %s runs, or with fields that only "
            "the ledger gives",
            jval_text(id, "?"), c->name);
    return ERR_OK;
}

static int check_flood(struct book *b, const struct jval *event, struct err *err)
{
    if (jval_int(jval_get(event, "t"), 0) > book_time(b)) b->n_at_once = 0;
    if (++b->n_events > EVENTS_MAX)
        return err_set(err, ERR_LIMIT, "the case made more than %d events", EVENTS_MAX);
    if (++b->n_at_once > EVENTS_AT_ONCE_MAX)
        return err_set(err, ERR_LIMIT, "the case made more than %d events at one sample time",
                       EVENTS_AT_ONCE_MAX);
    return ERR_OK;
}

int book_case_event(struct book *b, struct jval *event, struct err *err)
{
    int rc = check_flood(b, event, err);
    if (rc == ERR_OK) rc = check_names(b, event, err);
    // The ledger checks time, the result the words: both before anything is written.
    if (rc == ERR_OK && jval_int(jval_get(event, "t"), -1) < book_time(b))
        rc = err_set(err, ERR_SEQUENCE,
                     "the worker's event \"%s\" has sample time %lld, the one before %lld; it may "
                     "only grow",
                     jval_text(jval_get(event, "type"), "?"),
                     (long long)jval_int(jval_get(event, "t"), -1), (long long)book_time(b));
    if (rc == ERR_OK) rc = result_instrument(b->instruments, event, err);
    if (rc == ERR_OK) rc = result_event(b->result, event, err);
    if (rc == ERR_OK) rc = append(b, event, err);
    jval_free(event);
    return rc;
}

int book_case_evidence(struct book *b, const char *path, int fd, const char *media_type,
                       const char *note, struct err *err)
{
    return store_put(b->store, path, fd, media_type, note, err);
}

static int append_anywhere(struct book *b, struct jval *event, struct err *err)
{
    return b->result ? append(b, event, err) : ledger_append(b->ledger, event, err);
}

int book_fault(struct book *b, int code, enum blame blame, const char *text, struct err *err)
{
    char clean[480];
    struct jval *event =
        jval_make(err, "{s:s, s:I, s:s, s:s}", "type", "fault", "t", (long long)book_time(b),
                  "blame", blame_name(blame), "text", text_copy(clean, sizeof clean, text));
    int rc = event ? ERR_OK : ERR_FORMAT;
    if (rc == ERR_OK && code != 0)
        rc = jval_set(event, "code", jval_make(err, "s", err_name(code)), err);
    if (rc == ERR_OK && b->result) rc = result_event(b->result, event, err);
    if (rc == ERR_OK) rc = append_anywhere(b, event, err);
    jval_free(event);
    return rc;
}

int book_lost(struct book *b, const char *reason, struct err *err)
{
    char clean[640];
    struct jval *event =
        jval_make(err, "{s:s, s:I, s:s}", "type", "worker.lost", "t", (long long)book_time(b),
                  "reason", text_copy(clean, sizeof clean, reason));
    int rc = event ? append_anywhere(b, event, err) : ERR_FORMAT;
    jval_free(event);
    return rc;
}

int book_chaos(struct book *b, int64_t lab_ns, const char *command, struct err *err)
{
    char clean[240];
    struct jval *event =
        jval_make(err, "{s:s, s:I, s:I, s:s}", "type", "chaos", "t", (long long)book_time(b),
                  "lab_ns", (long long)lab_ns, "command", text_copy(clean, sizeof clean, command));
    int rc = event ? append_anywhere(b, event, err) : ERR_FORMAT;
    jval_free(event);
    return rc;
}

static int write_records(struct book *b, struct err *err)
{
    struct jval *j = result_measurements(b->result, err);
    int rc = j ? store_put_json(b->store, "measurements.json", j, err) : ERR_FORMAT;
    jval_free(j);
    if (rc < 0) return rc;

    struct jval *files = store_files(b->store, err);
    if (!files) return ERR_FORMAT;
    j = result_record(b->result, b->run, plan_case(b->plan, b->current), b->instruments, files,
                      err);
    jval_free(files);
    rc = j ? store_put_json(b->store, "verdict.json", j, err) : ERR_FORMAT;
    jval_free(j);
    return rc;
}

static int write_case_end(struct book *b, struct err *err)
{
    struct jval *files = store_files(b->store, err);
    struct jval *event = files ? result_case_end(b->result, files, err) : NULL;
    jval_free(files);
    int rc = event ? append(b, event, err) : ERR_FORMAT;
    jval_free(event);
    return rc;
}

static int print_point(struct book *b, size_t i, struct err *err)
{
    const struct book_case *c = &b->cases[i];
    const struct tap_point point = {.id = c->name,
                                    .title = c->title,
                                    .verdict = c->verdict,
                                    .blame = c->blame,
                                    .reason = c->reason};
    return tap_point(&b->tap, &point, err);
}

int book_case_end(struct book *b, int64_t t, struct err *err)
{
    result_end(b->result, t > book_time(b) ? t : book_time(b));
    const struct verdict_fold *fold = result_verdict(b->result);
    struct book_case *c = &b->cases[b->current];
    c->verdict = fold->verdict;
    c->blame = fold->blame;
    c->device_failed = fold->device_failed;
    snprintf(c->reason, sizeof c->reason, "%s", fold->reason);

    int rc = write_records(b, err);
    if (rc == ERR_OK) rc = write_case_end(b, err);
    store_free(b->store);
    b->store = NULL;
    result_free(b->result);
    b->result = NULL;
    return rc;
}

int book_case_print(struct book *b, size_t i, struct err *err)
{
    return print_point(b, i, err);
}

struct jval *book_history(const struct book *b)
{
    return b->history;
}

struct jval *book_watched(const struct book *b, size_t i, struct err *err)
{
    const struct jval *watches = jval_get(plan_case(b->plan, i), "watches");
    struct jval *events = jval_array();
    for (size_t k = 0; events && k < jval_len(b->seen); k++) {
        struct jval *event = jval_at(b->seen, k);
        const char *id = jval_text(jval_get(event, "case"), "");
        bool wanted = false;
        for (size_t w = 0; w < jval_len(watches) && !wanted; w++)
            wanted = strcmp(jval_text(jval_at(watches, w), ""), id) == 0;
        if (wanted && jval_append(events, jval_ref(event), err) < 0) {
            jval_free(events);
            return NULL;
        }
    }
    return events;
}

int book_case_skip(struct book *b, size_t i, enum verdict v, enum blame blame, const char *reason,
                   struct err *err)
{
    struct book_case *c = &b->cases[i];
    // an attempt of an earlier part of this run stands until another one ends
    if (c->attempt == 0 || c->verdict == VERDICT_NOTRUN) {
        c->verdict = v;
        c->blame = blame;
        text_copy(c->reason, sizeof c->reason, reason);
    }
    return print_point(b, i, err);
}

void book_counts(const struct book *b, size_t *counts)
{
    memset(counts, 0, VERDICTS * sizeof *counts);
    for (size_t i = 0; i < b->n_cases; i++)
        counts[b->cases[i].verdict]++;
}

static struct jval *counts_object(const struct book *b, struct err *err)
{
    size_t counts[VERDICTS];
    book_counts(b, counts);
    struct jval *j = jval_object();
    for (enum verdict v = 0; j && v < VERDICTS; v++) {
        if (counts[v] == 0) continue;
        if (jval_set(j, verdict_name(v), jval_make(err, "I", (long long)counts[v]), err) < 0) {
            jval_free(j);
            j = NULL;
        }
    }
    return j;
}

static struct jval *notrun_list(const struct book *b, struct err *err)
{
    struct jval *list = jval_array();
    for (size_t i = 0; list && i < b->n_cases; i++) {
        const struct book_case *c = &b->cases[i];
        if (c->verdict != VERDICT_NOTRUN) continue;
        if (jval_append(list,
                        jval_make(err, "{s:s, s:s, s:s}", "case", c->id, "axes", c->axes, "reason",
                                  c->reason),
                        err) < 0) {
            jval_free(list);
            list = NULL;
        }
    }
    return list;
}

int book_end(struct book *b, int exit_code, struct err *err)
{
    run_dir_give_room(b->dir);
    char path[PATH_MAX + 32], sha256[SHA256_HEX_LEN];
    int64_t size;
    size_t counts[VERDICTS];
    book_counts(b, counts);
    snprintf(path, sizeof path, "%s/run.tap", b->dir);
    if (fsync(fileno(b->tap_file)) != 0)
        return err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
    int rc = crypto_sha256_file(path, sha256, &size, err);
    if (rc < 0) return rc;
    struct jval *event = jval_make(err, "{s:s, s:I, s:i, s:b, s:o, s:o, s:[{s:s, s:s, s:I}]}",
                                   "type", "run.end", "t", (long long)book_time(b), "exit",
                                   exit_code, "complete", counts[VERDICT_NOTRUN] == 0, "counts",
                                   counts_object(b, err), "notrun", notrun_list(b, err), "files",
                                   "path", "run.tap", "sha256", sha256, "size", (long long)size);
    rc = event ? ledger_append(b->ledger, event, err) : ERR_FORMAT;
    jval_free(event);
    return rc == ERR_OK ? ledger_seal(b->ledger, err) : rc;
}
