// The model:
//
//   dir           name of the run directory
//   run, plan     run.json and plan.json; keys and one-time codes of the device left out
//   digests       {"run.json": {sha256, size}, …} of the files at the top of the directory
//   wall          {first, last} wall times
//   torn          the ledger's last line is incomplete
//   begin, end    the run.begin and run.end events, or null
//   outside       events that belong to no attempt, in order
//   verdicts      [{name, order, text}], blames [{name, text}]: the vocabulary
//   cases         one for each planned case: the plan's fields, and
//                   state     attempted | na | notrun | unfinished
//                   verdict, blame, reason   of the whole case
//                   attempts  [{attempt, ended, verdict, blame, reason, superseded, end, events,
//                             pictures, frames}]  picture.h
//   curves        what curve.h makes of the points of all attempts
#include "reports/model.h"

#include <ctype.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"
#include "bench/record/store.h"
#include "bench/record/verdict.h"
#include "reports/curve.h"
#include "reports/ledger_read.h"
#include "reports/picture.h"

enum { PICTURES_MAX = 8 };

static int put_text(struct jval *to, const char *key, const char *text, struct err *err)
{
    return jval_set(to, key, jval_make(err, "s", text), err);
}

static int put_copy(struct jval *to, const char *key, const struct jval *value, struct err *err)
{
    return jval_set(to, key,
                    value ? jval_ref((struct jval *)(uintptr_t)value) : jval_make(err, "n"), err);
}

static const char *text_of(const struct jval *object, const char *key)
{
    return jval_text(jval_get(object, key), "");
}

// jval_kind wants a value.
static bool is_kind(const struct jval *j, enum jval_type kind)
{
    return j && jval_kind(j) == kind;
}

// ---- secrets

// Whether a field of a device file holds, or leads to, something secret: a key, or the one-time
// code (PAC) with which a stranger could claim the device.
static bool is_secret_name(const char *name)
{
    static const char *const words[] = {"key", "pac", "secret", "password", "token", "pin", NULL};
    char lower[32] = "";
    for (size_t i = 0; name[i] && i + 1 < sizeof lower; i++)
        lower[i] = (char)tolower((unsigned char)name[i]);
    for (const char *const *w = words; *w; w++) {
        size_t n = strlen(*w);
        const char *at = strstr(lower, *w);
        bool starts = at && (at == lower || at[-1] == '_');
        if (starts && (!at[n] || at[n] == '_' || (at[n] == 's' && !at[n + 1]))) return true;
    }
    return false;
}

struct hide {
    struct jval *object;
    struct err *err;
};

static int hide_members(void *ctx, const char *key, struct jval *value)
{
    struct hide *h = ctx;
    if (is_secret_name(key))
        return put_text(h->object, key, "known to the bench, not shown", h->err);
    struct hide inner = {value, h->err};
    if (is_kind(value, JVAL_OBJECT)) return jval_each(value, hide_members, &inner);
    for (size_t i = 0; is_kind(value, JVAL_ARRAY) && i < jval_len(value); i++) {
        inner.object = jval_at(value, i);
        int rc =
            is_kind(inner.object, JVAL_OBJECT) ? jval_each(inner.object, hide_members, &inner) : 0;
        if (rc < 0) return rc;
    }
    return 0;
}

// ---- the directory itself

static int read_json(struct jval *model, const char *run_dir, const char *name, const char *key,
                     struct err *err)
{
    char path[PATH_MAX];
    struct jval *j;
    snprintf(path, sizeof path, "%s/%s", run_dir, name);
    int rc = jval_load(&j, path, err);
    if (rc < 0) return rc;
    if (jval_kind(j) != JVAL_OBJECT) {
        jval_free(j);
        return err_set(err, ERR_FORMAT, "%s: expected a JSON object", path);
    }
    return jval_set(model, key, j, err);
}

static int read_digests(struct jval *model, const char *run_dir, struct err *err)
{
    static const char *const names[] = {
        "run.json", "plan.json", "events.jsonl", "wall.jsonl", "run.tap", "junit.xml", NULL};
    struct jval *all = jval_object();
    int rc = all ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for digests");
    for (const char *const *name = names; rc == ERR_OK && *name; name++) {
        char path[PATH_MAX], hex[SHA256_HEX_LEN];
        int64_t size;
        snprintf(path, sizeof path, "%s/%s", run_dir, *name);
        if (access(path, F_OK) != 0) continue; // an unfinished run has no run.tap yet
        rc = crypto_sha256_file(path, hex, &size, err);
        if (rc == ERR_OK)
            rc =
                jval_set(all, *name,
                         jval_make(err, "{s:s, s:I}", "sha256", hex, "size", (long long)size), err);
    }
    if (rc < 0) {
        jval_free(all);
        return rc;
    }
    return jval_set(model, "digests", all, err);
}

static int put_name(struct jval *model, const char *run_dir, struct err *err)
{
    char whole[PATH_MAX];
    if (!realpath(run_dir, whole))
        return err_set(err, ERR_IO, "%s: expected a run directory, but there is none", run_dir);
    const char *slash = strrchr(whole, '/');
    return put_text(model, "dir", slash ? slash + 1 : whole, err);
}

static int put_vocabulary(struct jval *model, struct err *err)
{
    struct jval *verdicts = jval_array(), *blames = jval_array();
    int rc = verdicts && blames ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for a report");
    for (int v = 0; rc == ERR_OK && v < VERDICTS; v++)
        rc = jval_append(verdicts,
                         jval_make(err, "{s:s, s:i, s:s}", "name", verdict_name(v), "order",
                                   verdict_order(v), "text", verdict_text(v)),
                         err);
    for (int b = 0; rc == ERR_OK && b < BLAMES; b++)
        rc = jval_append(blames,
                         jval_make(err, "{s:s, s:s}", "name", blame_name(b), "text", blame_text(b)),
                         err);
    if (rc == ERR_OK) rc = put_copy(model, "verdicts", verdicts, err);
    if (rc == ERR_OK) rc = put_copy(model, "blames", blames, err);
    jval_free(verdicts);
    jval_free(blames);
    return rc;
}

// ---- cases

// axes of an event, "_" when there are none.
static const char *axes_of(const struct jval *j)
{
    const char *axes = text_of(j, "axes");
    return *axes ? axes : "_";
}

static int add_axis(void *ctx, const char *axis, struct jval *value)
{
    struct bytes *text = ctx;
    return bytes_printf(text, NULL, "%s%s=%s", text->len ? "," : "", axis, jval_text(value, ""));
}

// A plan entry may have its axes as the same text or as an object.
static int write_axes(struct jval *c, struct err *err)
{
    struct bytes text;
    bytes_init(&text, 1000);
    int rc = ERR_OK;
    if (is_kind(jval_get(c, "axes"), JVAL_OBJECT))
        rc = jval_each(jval_get(c, "axes"), add_axis, &text);
    if (rc < 0)
        rc = err_set(err, ERR_FORMAT, "plan.json: the axes of %s are too long", text_of(c, "id"));
    else
        rc = put_text(c, "axes", text.len ? (const char *)text.data : axes_of(c), err);
    bytes_deinit(&text);
    return rc;
}

static int plan_cases(struct jval *cases, const struct jval *plan, struct err *err)
{
    const struct jval *planned = jval_get(plan, "cases");
    for (size_t i = 0; i < jval_len(planned); i++) {
        struct jval *c = jval_at(planned, i); // the model's own copy of the plan: filled in here
        if (!is_kind(c, JVAL_OBJECT))
            return err_set(err, ERR_FORMAT, "plan.json: case %zu is not an object", i + 1);
        int rc = jval_set(c, "attempts", jval_array(), err);
        if (rc == ERR_OK) rc = write_axes(c, err);
        if (rc == ERR_OK) rc = jval_append(cases, jval_ref(c), err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

static struct jval *find_case(const struct jval *cases, const char *id, const char *axes)
{
    for (size_t i = 0; i < jval_len(cases); i++) {
        struct jval *c = jval_at(cases, i);
        if (strcmp(text_of(c, "id"), id) == 0 && strcmp(text_of(c, "axes"), axes) == 0) return c;
    }
    return NULL;
}

// The attempt an event belongs to, made at its first event. NULL with err set on failure.
static struct jval *attempt_of(struct jval *cases, const struct jval *event, struct err *err)
{
    struct jval *c = find_case(cases, text_of(event, "case"), axes_of(event));
    if (!c) {
        err_set(err, ERR_FORMAT, "events.jsonl: case %s/%s is not in plan.json",
                text_of(event, "case"), axes_of(event));
        return NULL;
    }
    struct jval *attempts = jval_get(c, "attempts");
    int64_t number = jval_int(jval_get(event, "attempt"), 1);
    for (size_t i = 0; i < jval_len(attempts); i++)
        if (jval_int(jval_get(jval_at(attempts, i), "attempt"), 0) == number)
            return jval_at(attempts, i);
    struct jval *a = jval_make(err, "{s:I, s:b, s:s, s:s, s:s, s:b, s:n, s:[], s:[], s:[]}",
                               "attempt", (long long)number, "ended", 0, "verdict", "notrun",
                               "blame", "bench", "reason", "the run ended before this attempt did",
                               "superseded", 0, "end", "events", "pictures", "frames");
    if (!a || jval_append(attempts, a, err) < 0) return NULL;
    return jval_at(attempts, jval_len(attempts) - 1);
}

static int end_attempt(struct jval *attempt, const struct jval *event, struct err *err)
{
    enum verdict v;
    enum blame b;
    if (!verdict_find(text_of(event, "verdict"), &v) || !blame_find(text_of(event, "blame"), &b))
        return err_set(err, ERR_FORMAT,
                       "events.jsonl: case.end of %s has verdict \"%s\", blame \"%s\"",
                       text_of(event, "case"), text_of(event, "verdict"), text_of(event, "blame"));
    int rc = jval_set(attempt, "ended", jval_make(err, "b", 1), err);
    if (rc == ERR_OK) rc = put_text(attempt, "verdict", verdict_name(v), err);
    if (rc == ERR_OK) rc = put_text(attempt, "blame", blame_name(b), err);
    if (rc == ERR_OK) rc = put_text(attempt, "reason", text_of(event, "reason"), err);
    if (rc == ERR_OK) rc = put_copy(attempt, "end", event, err);
    return rc;
}

static int sort_event(struct jval *model, struct jval *event, struct err *err)
{
    const char *type = text_of(event, "type");
    if (strcmp(type, "run.begin") == 0) return put_copy(model, "begin", event, err);
    if (strcmp(type, "run.end") == 0) return put_copy(model, "end", event, err);
    if (!*text_of(event, "case"))
        return jval_append(jval_get(model, "outside"), jval_ref(event), err);
    struct jval *attempt = attempt_of(jval_get(model, "cases"), event, err);
    if (!attempt) return ERR_FORMAT;
    if (strcmp(type, "case.end") == 0) return end_attempt(attempt, event, err);
    return jval_append(jval_get(attempt, "events"), jval_ref(event), err);
}

// An attempt that the bench spoilt gives way to a later one that ended; a fail never does.
static bool is_superseded(const struct jval *attempts, size_t i)
{
    const struct jval *a = jval_at(attempts, i);
    const char *blame = text_of(a, "blame");
    bool others = strcmp(blame, "bench") == 0 || strcmp(blame, "operator") == 0;
    bool spoilt = !jval_bool(jval_get(a, "ended"), false) ||
                  (strcmp(text_of(a, "verdict"), "error") == 0 && others);
    for (size_t k = i + 1; spoilt && k < jval_len(attempts); k++)
        if (jval_bool(jval_get(jval_at(attempts, k), "ended"), false)) return true;
    return false;
}

static int order_of(const char *word)
{
    enum verdict v;
    return verdict_find(word, &v) ? verdict_order(v) : -1;
}

static const char *notrun_reason(const struct jval *model, const struct jval *c)
{
    const struct jval *list = jval_get(jval_get(model, "end"), "notrun");
    for (size_t i = 0; i < jval_len(list); i++) {
        const struct jval *n = jval_at(list, i);
        if (strcmp(text_of(n, "case"), text_of(c, "id")) == 0 &&
            strcmp(axes_of(n), text_of(c, "axes")) == 0)
            return text_of(n, "reason");
    }
    return "the run ended before this case began";
}

static int close_case(const struct jval *model, struct jval *c, struct err *err)
{
    const struct jval *attempts = jval_get(c, "attempts"), *worst = NULL;
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < jval_len(attempts); i++) {
        struct jval *a = jval_at(attempts, i);
        bool superseded = is_superseded(attempts, i);
        rc = jval_set(a, "superseded", jval_make(err, "b", superseded), err);
        if (!superseded &&
            (!worst || order_of(text_of(a, "verdict")) > order_of(text_of(worst, "verdict"))))
            worst = a;
    }
    const char *state = "notrun", *verdict = "notrun", *blame = "none", *reason;
    if (worst) {
        state = jval_bool(jval_get(worst, "ended"), false) ? "attempted" : "unfinished";
        verdict = text_of(worst, "verdict");
        blame = text_of(worst, "blame");
        reason = text_of(worst, "reason");
    } else if (is_kind(jval_get(c, "na"), JVAL_STRING)) {
        state = verdict = "na";
        reason = text_of(c, "na");
    } else {
        reason = notrun_reason(model, c);
    }
    if (rc == ERR_OK) rc = put_text(c, "state", state, err);
    if (rc == ERR_OK) rc = put_text(c, "verdict", verdict, err);
    if (rc == ERR_OK) rc = put_text(c, "blame", blame, err);
    if (rc == ERR_OK) rc = put_text(c, "reason", reason, err);
    return rc;
}

static int read_events(struct jval *model, const char *run_dir, struct err *err)
{
    struct jval *events;
    bool torn;
    int rc = ledger_read_events(run_dir, &events, &torn, err);
    if (rc < 0) return rc;
    rc = jval_set(model, "torn", jval_make(err, "b", torn), err);
    for (size_t i = 0; rc == ERR_OK && i < jval_len(events); i++)
        rc = sort_event(model, jval_at(events, i), err);
    jval_free(events);
    const struct jval *cases = jval_get(model, "cases");
    for (size_t i = 0; rc == ERR_OK && i < jval_len(cases); i++)
        rc = close_case(model, jval_at(cases, i), err);
    return rc;
}

// ---- pictures

// The first recording of an attempt, or NULL.
static const struct jval *recording_of(const struct jval *attempt)
{
    const struct jval *files = jval_get(jval_get(attempt, "end"), "files");
    for (size_t i = 0; i < jval_len(files); i++) {
        const char *path = text_of(jval_at(files, i), "path"), *dot = strrchr(path, '.');
        if (dot && strcmp(dot, ".sigmf-data") == 0) return jval_at(files, i);
    }
    return NULL;
}

// A picture of evidence that is no longer what the ledger recorded would lie.
static int check_recording(const char *path, const struct jval *file, struct err *err)
{
    char hex[SHA256_HEX_LEN];
    int rc = crypto_sha256_file(path, hex, NULL, err);
    if (rc == ERR_OK && strcmp(hex, text_of(file, "sha256")) != 0)
        rc = err_set(err, ERR_CHECK,
                     "%s is not what the ledger recorded (SHA-256 differs); see "
                     "foxbench verify",
                     text_of(file, "path"));
    return rc;
}

static int attempt_dir(const char *run_dir, const struct jval *c, const struct jval *attempt,
                       char *out, size_t size, struct err *err)
{
    char dir[PATH_MAX];
    int64_t number = jval_int(jval_get(attempt, "attempt"), 1);
    int rc =
        store_attempt_path(text_of(c, "id"), text_of(c, "axes"), (int)number, dir, sizeof dir, err);
    if (rc == ERR_OK) snprintf(out, size, "%s/%s", run_dir, dir);
    return rc;
}

// Draws into attempt.pictures. What cannot be drawn is said in the picture's place: a report
// without a picture is still a report.
static int add_picture(const struct picture_evidence *evidence, struct jval *attempt,
                       const struct jval *file, struct err *err)
{
    char path[PATH_MAX];
    const char *name = text_of(file, "path");
    struct err why = {0};
    struct jval *picture = NULL;
    int rc = ERR_OK;
    if (!store_path_is_safe(name))
        rc = err_set(&why, ERR_INVALID, "the file's name is not one that a run may have");
    if (rc == ERR_OK) {
        snprintf(path, sizeof path, "%s/%s", evidence->dir, name);
        rc = check_recording(path, file, &why);
    }
    if (rc == ERR_OK) {
        *strrchr(path, '.') = 0;
        rc = picture_make(path, evidence, &picture, &why);
    }
    if (rc < 0) picture = jval_make(err, "{s:s}", "error", why.text);
    if (picture && jval_set(picture, "path", jval_make(err, "s", name), err) < 0) {
        jval_free(picture);
        return ERR_FORMAT;
    }
    return jval_append(jval_get(attempt, "pictures"), picture, err);
}

// The recording, if there is one, and the frames of which the run keeps pictures. Returns whether
// there was anything.
static int show_attempt(const char *run_dir, const struct jval *c, struct jval *a, struct err *err)
{
    char dir[PATH_MAX];
    const struct jval *file = recording_of(a);
    struct jval *frames = NULL;
    const struct picture_evidence evidence = {dir, jval_get(jval_get(a, "end"), "files")};
    int rc = attempt_dir(run_dir, c, a, dir, sizeof dir, err);
    if (rc == ERR_OK && file) rc = add_picture(&evidence, a, file, err);
    if (rc == ERR_OK) rc = picture_kept(&evidence, jval_get(a, "pictures"), &frames, err);
    if (rc < 0) return rc;
    const bool any = file || jval_len(frames) > 0;
    rc = jval_set(a, "frames", frames, err);
    return rc < 0 ? rc : any;
}

// One picture of a received message, and one for every attempt that did not pass.
static int add_pictures(struct jval *model, const char *run_dir, struct err *err)
{
    size_t drawn = 0;
    const struct jval *cases = jval_get(model, "cases");
    for (size_t i = 0; i < jval_len(cases); i++) {
        const struct jval *c = jval_at(cases, i), *attempts = jval_get(c, "attempts");
        for (size_t k = 0; k < jval_len(attempts) && drawn < PICTURES_MAX; k++) {
            struct jval *a = jval_at(attempts, k);
            bool passed = order_of(text_of(a, "verdict")) <= verdict_order(VERDICT_PASS);
            if (passed && drawn > 0) continue;
            int rc = show_attempt(run_dir, c, a, err);
            if (rc < 0) return rc;
            drawn += (size_t)rc;
        }
    }
    return ERR_OK;
}

int model_read(const char *run_dir, struct jval **out, struct err *err)
{
    *out = NULL;
    struct jval *model =
        jval_make(err, "{s:n, s:n, s:[], s:[]}", "begin", "end", "outside", "cases");
    if (!model) return ERR_NOMEM;
    int rc = put_name(model, run_dir, err);
    if (rc == ERR_OK) rc = read_json(model, run_dir, "run.json", "run", err);
    if (rc == ERR_OK) rc = read_json(model, run_dir, "plan.json", "plan", err);
    if (rc == ERR_OK) rc = read_digests(model, run_dir, err);
    if (rc == ERR_OK) rc = put_vocabulary(model, err);
    struct jval *wall = NULL;
    if (rc == ERR_OK) rc = ledger_read_wall(run_dir, &wall, err);
    if (rc == ERR_OK) rc = jval_set(model, "wall", wall, err);
    struct jval *plan = jval_get(model, "plan"), *device = jval_get(plan, "device");
    struct hide hide = {device, err};
    if (rc == ERR_OK && is_kind(device, JVAL_OBJECT)) rc = jval_each(device, hide_members, &hide);
    if (rc == ERR_OK) rc = plan_cases(jval_get(model, "cases"), plan, err);
    if (rc == ERR_OK) jval_remove(plan, "cases"); // they stand in `cases` now
    if (rc == ERR_OK) rc = read_events(model, run_dir, err);
    struct jval *curves = NULL;
    if (rc == ERR_OK) rc = curve_collect(jval_get(model, "cases"), &curves, err);
    if (rc == ERR_OK) rc = jval_set(model, "curves", curves, err);
    if (rc == ERR_OK) rc = add_pictures(model, run_dir, err);
    if (rc < 0) {
        jval_free(model);
        return rc;
    }
    *out = model;
    return ERR_OK;
}
