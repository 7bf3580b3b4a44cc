#include "bench/record/result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/base/crypto.h"

struct result {
    char *id;
    char *axes;
    int attempt;
    int64_t started;
    int64_t ended;
    struct verdict_fold fold;
    struct jval *measurements;
    struct jval *claim; // the last one
    struct crypto_sha256 *stimulus;
    char stimulus_hex[SHA256_HEX_LEN];
};

int result_new(struct result **out, const char *id, const char *axes, int attempt, int64_t started,
               struct err *err)
{
    struct result *r = calloc(1, sizeof *r);
    if (!r) return err_set(err, ERR_NOMEM, "result: out of memory");
    r->id = strdup(id);
    r->axes = strdup(axes && *axes ? axes : "_");
    r->attempt = attempt;
    r->started = r->ended = started;
    r->measurements = jval_array();
    int rc = r->id && r->axes && r->measurements ? crypto_sha256_new(&r->stimulus, err)
                                                 : err_set(err, ERR_NOMEM, "result: out of memory");
    if (rc < 0) {
        result_free(r);
        return rc;
    }
    *out = r;
    return ERR_OK;
}

void result_free(struct result *r)
{
    if (!r) return;
    free(r->id);
    free(r->axes);
    jval_free(r->measurements);
    jval_free(r->claim);
    crypto_sha256_free(r->stimulus);
    free(r);
}

// A new object with the named fields of `from`; absent ones become null.
static struct jval *pick(const struct jval *from, const char *const *names, struct err *err)
{
    struct jval *to = jval_object();
    for (; to && *names; names++) {
        struct jval *value = jval_get(from, *names);
        if (jval_set(to, *names, value ? jval_ref(value) : jval_make(err, "n"), err) < 0) {
            jval_free(to);
            return NULL;
        }
    }
    return to;
}

// What was done to the device, in order: equal stimuli have equal hashes, whatever came back.
static int hash_stimulus(struct result *r, const char *type, const struct jval *event,
                         struct err *err)
{
    static const char *const types[] = {"command", "request", "power", "reset", NULL};
    static const char *const fields[] = {"type",        "unit",          "text", "message",
                                         "payload_hex", "bidirectional", "on",   NULL};
    const char *const *t = types;
    while (*t && strcmp(*t, type) != 0)
        t++;
    if (!*t) return ERR_OK;
    struct jval *part = pick(event, fields, err);
    char *line = part ? jval_dump(part, err) : NULL;
    jval_free(part);
    int rc = line ? crypto_sha256_update(r->stimulus, line, strlen(line), err) : ERR_FORMAT;
    if (rc == ERR_OK) rc = crypto_sha256_update(r->stimulus, "\n", 1, err);
    free(line);
    return rc;
}

int result_event(struct result *r, const struct jval *event, struct err *err)
{
    static const char *const measured[] = {"name",  "value",        "unit", "U",     "k",
                                           "limit", "limit_source", "mark", "guard", "verdict",
                                           NULL};
    int rc = verdict_fold_event(&r->fold, event, err);
    if (rc < 0) return rc;
    const char *type = jval_text(jval_get(event, "type"), "");
    if (strcmp(type, "measure") == 0)
        return jval_append(r->measurements, pick(event, measured, err), err);
    if (strcmp(type, "claim") == 0) {
        jval_free(r->claim);
        r->claim = jval_ref((struct jval *)(uintptr_t)event);
        return ERR_OK;
    }
    return hash_stimulus(r, type, event, err);
}

void result_end(struct result *r, int64_t ended)
{
    verdict_fold_end(&r->fold);
    r->ended = ended;
    uint8_t digest[SHA256_LEN] = {0};
    if (r->stimulus && crypto_sha256_finish(r->stimulus, digest, NULL) == ERR_OK)
        hex_encode(digest, sizeof digest, r->stimulus_hex);
    r->stimulus = NULL;
}

const struct verdict_fold *result_verdict(const struct result *r)
{
    return &r->fold;
}

struct jval *result_measurements(const struct result *r, struct err *err)
{
    return jval_make(err, "{s:i, s:O}", "version", 1, "measurements", r->measurements);
}

struct jval *result_parameters(const char *axes, struct err *err)
{
    struct jval *all = jval_object();
    if (!all || strcmp(axes, "_") == 0) return all;
    char *copy = strdup(axes), *rest = NULL;
    for (char *part = copy ? strtok_r(copy, ",", &rest) : NULL; part && all;
         part = strtok_r(NULL, ",", &rest)) {
        char *value = strchr(part, '=');
        if (value) *value++ = 0;
        if (jval_set(all, part, jval_make(err, "s", value ? value : ""), err) < 0) {
            jval_free(all);
            all = NULL;
        }
    }
    free(copy);
    return all;
}

static const char *control_status(enum verdict v)
{
    switch (v) {
    case VERDICT_PASS:
    case VERDICT_INFO:
        return "satisfied";
    case VERDICT_WARN:
    case VERDICT_FAIL:
        return "not-satisfied";
    default:
        return "not-assessed";
    }
}

// "EN303645:5.9-1" names a framework and a place in it.
static struct jval *controls(const struct result *r, const struct jval *planned, struct err *err)
{
    struct jval *all = jval_array();
    const struct jval *covers = jval_get(planned, "covers");
    for (size_t i = 0; all && i < jval_len(covers); i++) {
        const char *text = jval_text(jval_at(covers, i), "");
        const char *colon = strchr(text, ':');
        char framework[64];
        snprintf(framework, sizeof framework, "%.*s", colon ? (int)(colon - text) : 63, text);
        if (jval_append(all,
                        jval_make(err, "{s:s, s:s, s:s}", "framework", framework, "ref",
                                  colon ? colon + 1 : "", "status",
                                  control_status(r->fold.verdict)),
                        err) < 0) {
            jval_free(all);
            all = NULL;
        }
    }
    return all;
}

struct list {
    struct jval *array;
    struct err *err;
};

static int add_instrument(void *ctx, const char *unit, struct jval *instrument)
{
    struct list *l = ctx;
    (void)unit;
    return jval_append(l->array, jval_ref(instrument), l->err);
}

static struct jval *instrument_list(const struct jval *instruments, struct err *err)
{
    struct list l = {jval_array(), err};
    if (l.array && jval_each(instruments, add_instrument, &l) < 0) {
        jval_free(l.array);
        return NULL;
    }
    return l.array;
}

static int put_ref(struct jval *to, const char *key, const struct jval *from, const char *name,
                   struct err *err)
{
    struct jval *value = jval_get(from, name);
    return jval_set(to, key, value ? jval_ref(value) : jval_make(err, "n"), err);
}

struct jval *result_record(const struct result *r, const struct jval *run,
                           const struct jval *planned, const struct jval *instruments,
                           const struct jval *files, struct err *err)
{
    static const struct {
        const char *key;
        const char *name;
    } planned_fields[] = {{"title", "title"},
                          {"suite", "suite"},
                          {"severity", "severity"},
                          {"level", "level"},
                          {"profiles", "profiles"},
                          {"safety_class", "safety"},
                          {"catalogue_version", "catalogue_version"}},
      run_fields[] = {{"profile", "profile"},
                      {"seed", "seed"},
                      {"operator", "operator"},
                      {"bench_version", "foxbench"},
                      {"dut_ref", "device"}},
      claim_fields[] = {{"trials_done", "trials"}, {"faults", "faults"}, {"bound", "bound"}};
    struct jval *j = jval_make(
        err, "{s:i, s:s, s:s, s:i, s:s, s:s, s:s, s:I, s:I, s:s, s:O, s:o, s:o, s:o, s:O, s:[]}",
        "version", 1, "test_id", r->id, "axes", r->axes, "attempt", r->attempt, "verdict",
        verdict_name(r->fold.verdict), "blame", blame_name(r->fold.blame), "verdict_reason",
        r->fold.reason, "started", (long long)r->started, "ended", (long long)r->ended,
        "stimulus_hash", r->stimulus_hex, "measurements", r->measurements, "parameters",
        result_parameters(r->axes, err), "controls", controls(r, planned, err), "instruments",
        instrument_list(instruments, err), "evidence", files, "retries");
    int rc = j ? ERR_OK : ERR_FORMAT;
#define PUT_ALL(fields, from)                                                                      \
    for (size_t i = 0; rc == ERR_OK && i < sizeof fields / sizeof *fields; i++)                    \
        rc = put_ref(j, fields[i].key, from, fields[i].name, err);
    PUT_ALL(planned_fields, planned)
    PUT_ALL(run_fields, run)
    PUT_ALL(claim_fields, r->claim)
#undef PUT_ALL
    if (rc == ERR_OK) rc = put_ref(j, "trials_planned", jval_get(r->claim, "plan"), "trials", err);
    if (rc < 0) {
        jval_free(j);
        return NULL;
    }
    return j;
}

struct jval *result_case_end(const struct result *r, const struct jval *files, struct err *err)
{
    struct jval *j =
        jval_make(err, "{s:s, s:I, s:s, s:s, s:i, s:s, s:s, s:s, s:O}", "type", "case.end", "t",
                  (long long)r->ended, "case", r->id, "axes", r->axes, "attempt", r->attempt,
                  "verdict", verdict_name(r->fold.verdict), "blame", blame_name(r->fold.blame),
                  "reason", r->fold.reason, "files", files);
    int rc = j ? ERR_OK : ERR_FORMAT;
    if (rc == ERR_OK) rc = put_ref(j, "trials_planned", jval_get(r->claim, "plan"), "trials", err);
    if (rc == ERR_OK) rc = put_ref(j, "trials_done", r->claim, "trials", err);
    if (rc == ERR_OK) rc = put_ref(j, "faults", r->claim, "faults", err);
    if (rc == ERR_OK) rc = put_ref(j, "bound", r->claim, "bound", err);
    if (rc < 0) {
        jval_free(j);
        return NULL;
    }
    return j;
}

int result_instrument(struct jval *instruments, const struct jval *event, struct err *err)
{
    static const char *const fields[] = {"unit", "kind", "serial", "model", "firmware", NULL};
    if (strcmp(jval_text(jval_get(event, "type"), ""), "instrument") != 0) return ERR_OK;
    const char *unit = jval_text(jval_get(event, "unit"), NULL);
    if (!unit)
        return err_set(err, ERR_FORMAT, "event \"instrument\": expected a unit name, got none");
    return jval_set(instruments, unit, pick(event, fields, err), err);
}
