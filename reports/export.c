#include "reports/export.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "bench/base/sign.h"
#include "bench/record/lines.h"
#include "bench/record/seal_names.h"
#include "lua/bind/script.h"
#include "reports/model.h"
#include "reports/report.h"

#define TEXT_MAX ((size_t)256 << 20)

// ---- names

int export_uuid(const char *name, char out[EXPORT_UUID_LEN], struct err *err)
{
    static const uint8_t urls[16] = {0x6b, 0xa7, 0xb8, 0x11, 0x9d, 0xad, 0x11, 0xd1,
                                     0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
    struct bytes text;
    uint8_t digest[SHA256_LEN];
    char hex[2 * 16 + 1];
    bytes_init(&text, 1 << 16);
    int rc = bytes_append(&text, urls, sizeof urls, err);
    if (rc == ERR_OK) rc = bytes_printf(&text, err, "urn:x-foxbench:%s", name);
    if (rc == ERR_OK) rc = crypto_hash(CRYPTO_SHA1, text.data, text.len, digest, err);
    bytes_deinit(&text);
    if (rc < 0) return rc;
    digest[6] = (uint8_t)((digest[6] & 0x0f) | 0x50); // version 5
    digest[8] = (uint8_t)((digest[8] & 0x3f) | 0x80); // variant of RFC 4122
    hex_encode(digest, 16, hex);
    snprintf(out, EXPORT_UUID_LEN, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12, hex + 16,
             hex + 20);
    return ERR_OK;
}

struct naming {
    struct jval *object; // whose members are walked
    struct err *err;
};

static int name_members(void *ctx, const char *key, struct jval *value);

static int name_all(struct jval *value, struct err *err)
{
    int rc = ERR_OK;
    if (jval_kind(value) == JVAL_OBJECT)
        return jval_each(value, name_members, &(struct naming){value, err});
    for (size_t i = 0; rc == ERR_OK && jval_kind(value) == JVAL_ARRAY && i < jval_len(value); i++)
        rc = name_all(jval_at(value, i), err);
    return rc;
}

// { "uuid5": NAME, "before": TEXT }, which no text of a run can become, is replaced by TEXT and the
// name's UUID.
static int name_members(void *ctx, const char *key, struct jval *value)
{
    struct naming *n = ctx;
    const char *name = jval_text(jval_get(value, "uuid5"), NULL);
    char uuid[EXPORT_UUID_LEN], text[EXPORT_UUID_LEN + 8];
    if (!name) return name_all(value, n->err);
    int rc = export_uuid(name, uuid, n->err);
    if (rc < 0) return rc;
    snprintf(text, sizeof text, "%.8s%s", jval_text(jval_get(value, "before"), ""), uuid);
    return jval_set(n->object, key, jval_make(n->err, "s", text), n->err);
}

// ---- wall times

static struct jval *find_seq(const struct jval *times, const struct jval *event)
{
    char seq[32];
    snprintf(seq, sizeof seq, "%lld", (long long)jval_int(jval_get(event, "seq"), -1));
    return jval_get(times, seq);
}

static int put_time(struct jval *attempt, const char *key, struct jval *time, struct err *err)
{
    return time ? jval_set(attempt, key, jval_ref(time), err) : ERR_OK;
}

// Every attempt gets begun_wall and ended_wall, as far as it was begun and ended, and loses its
// pictures: nobody here looks at them.
static int time_attempts(struct jval *model, const struct jval *times, struct err *err)
{
    const struct jval *cases = jval_get(model, "cases");
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < jval_len(cases); i++) {
        const struct jval *attempts = jval_get(jval_at(cases, i), "attempts");
        for (size_t k = 0; rc == ERR_OK && k < jval_len(attempts); k++) {
            struct jval *a = jval_at(attempts, k);
            jval_remove(a, "pictures");
            rc = put_time(a, "begun_wall", find_seq(times, jval_at(jval_get(a, "events"), 0)), err);
            if (rc == ERR_OK)
                rc = put_time(a, "ended_wall", find_seq(times, jval_get(a, "end")), err);
        }
    }
    return rc;
}

static int read_times(const char *run_dir, struct jval *times, struct err *err)
{
    char path[PATH_MAX], seq[32];
    struct lines l = {0};
    snprintf(path, sizeof path, "%s/wall.jsonl", run_dir);
    int rc = lines_open(&l, path, err);
    while (rc == ERR_OK && (rc = lines_next(&l, err)) > 0) {
        rc = ERR_OK;
        struct jval *wall = jval_get(l.value, "wall"); // the closing line has none
        if (l.torn || jval_kind(wall) != JVAL_STRING) continue;
        snprintf(seq, sizeof seq, "%lld", (long long)jval_int(jval_get(l.value, "seq"), -1));
        rc = jval_set(times, seq, jval_ref(wall), err);
    }
    lines_close(&l);
    return rc;
}

// ---- the model and what is made of it

static int add_mapping(struct jval *model, const char *name, struct err *err)
{
    char path[PATH_MAX];
    struct jval *table = NULL, *mappings = jval_get(model, "mappings");
    snprintf(path, sizeof path, "%s/reports/mappings/%s.lua", report_root(), name);
    int rc = script_read_data(path, &table, err);
    return rc < 0 ? rc : jval_set(mappings, name, table, err);
}

// What lies beside the record.
static int put_presence(struct jval *model, const char *run_dir, struct err *err)
{
    return jval_set(model, "has",
                    jval_make(err, "{s:b, s:b}", "signature", seal_exists(run_dir, SEAL_SIG), "pdf",
                              seal_exists(run_dir, "report/report.pdf")),
                    err);
}

static int read_model(const char *run_dir, struct jval **out, struct err *err)
{
    struct jval *times = jval_object(), *model = NULL;
    int rc = times ? model_read(run_dir, &model, err) : err_set(err, ERR_NOMEM, "out of memory");
    if (rc == ERR_OK) rc = jval_set(model, "mappings", jval_object(), err);
    if (rc == ERR_OK) rc = add_mapping(model, "catalogue", err);
    if (rc == ERR_OK) rc = put_presence(model, run_dir, err);
    if (rc == ERR_OK && jval_kind(jval_get(jval_get(model, "wall"), "last")) != JVAL_STRING)
        rc = err_set(err, ERR_FORMAT,
                     "%s/wall.jsonl: expected the time of at least one event, found none; the run "
                     "was killed before it began, so there is nothing to tell",
                     run_dir);
    if (rc == ERR_OK) rc = read_times(run_dir, times, err);
    if (rc == ERR_OK) rc = time_attempts(model, times, err);
    jval_free(times);
    if (rc < 0) {
        jval_free(model);
        return rc;
    }
    *out = model;
    return ERR_OK;
}

// What a template makes of a run, as JSON with its UUIDs.
static int make(const char *run_dir, const char *template, struct jval **out, struct err *err)
{
    char path[PATH_MAX];
    struct jval *model = NULL, *made = NULL;
    struct bytes text;
    bytes_init(&text, TEXT_MAX);
    snprintf(path, sizeof path, "%s/reports/templates/%s", report_root(), template);
    int rc = read_model(run_dir, &model, err);
    if (rc == ERR_OK) rc = script_render(path, model, &text, err);
    if (rc == ERR_OK) rc = jval_parse(&made, (const char *)text.data, text.len, err);
    if (rc == ERR_OK) rc = name_all(made, err);
    jval_free(model);
    bytes_deinit(&text);
    if (rc < 0) {
        jval_free(made);
        return rc;
    }
    *out = made;
    return ERR_OK;
}

static int save(const struct jval *made, const char *run_dir, const char *name, struct err *err)
{
    char path[PATH_MAX];
    int rc = report_path(run_dir, name, path, err);
    return rc < 0 ? rc : jval_save(made, path, err);
}

static int make_and_save(const char *run_dir, const char *template, const char *name,
                         struct err *err)
{
    struct jval *made = NULL;
    int rc = make(run_dir, template, &made, err);
    if (rc == ERR_OK) rc = save(made, run_dir, name, err);
    if (rc < 0) (void)err_prefix(err, "%s", name);
    jval_free(made);
    return rc;
}

int export_oscal(const char *run_dir, struct err *err)
{
    return make_and_save(run_dir, "oscal.lua", EXPORT_OSCAL, err);
}

int export_sarif(const char *run_dir, struct err *err)
{
    return make_and_save(run_dir, "sarif.lua", EXPORT_SARIF, err);
}

// ---- the attestation

static int set_digest(struct jval *statement, const char *run_dir, struct err *err)
{
    char path[PATH_MAX], hex[SHA256_HEX_LEN];
    struct jval *subject = jval_at(jval_get(statement, "subject"), 0);
    snprintf(path, sizeof path, "%s/%s", run_dir, EXPORT_ITEM);
    int rc = crypto_sha256_file(path, hex, NULL, err);
    return rc < 0 ? rc : jval_set(subject, "digest", jval_make(err, "{s:s}", "sha256", hex), err);
}

static int seal(const char *run_dir, const struct crypto_key *key, struct err *err)
{
    char path[PATH_MAX], envelope_path[PATH_MAX];
    struct bytes statement, envelope;
    bytes_init(&statement, SIGN_BODY_MAX);
    bytes_init(&envelope, 2 * SIGN_BODY_MAX);
    int rc = report_path(run_dir, EXPORT_STATEMENT, path, err);
    if (rc == ERR_OK) rc = report_path(run_dir, EXPORT_ENVELOPE, envelope_path, err);
    if (rc == ERR_OK) rc = bytes_read_file(&statement, path, err);
    if (rc == ERR_OK)
        rc = sign_envelope(EXPORT_TYPE, statement.data, statement.len, key, &envelope, err);
    if (rc == ERR_OK) rc = report_write(envelope_path, &envelope, err);
    bytes_deinit(&statement);
    bytes_deinit(&envelope);
    return rc;
}

int export_intoto(const char *run_dir, const struct crypto_key *key, struct err *err)
{
    char envelope[PATH_MAX];
    struct jval *made = NULL;
    int rc = make(run_dir, "intoto.lua", &made, err);
    if (rc == ERR_OK) rc = report_path(run_dir, EXPORT_ENVELOPE, envelope, err);
    if (rc == ERR_OK && unlink(envelope) < 0 && errno != ENOENT)
        rc = err_set(err, ERR_IO, "%s: %s; remove it", envelope, strerror(errno));
    struct jval *statement = jval_get(made, "statement");
    if (rc == ERR_OK) rc = save(jval_get(made, "item"), run_dir, EXPORT_ITEM, err);
    if (rc == ERR_OK) rc = set_digest(statement, run_dir, err);
    if (rc == ERR_OK) rc = save(statement, run_dir, EXPORT_STATEMENT, err);
    if (rc == ERR_OK && key) rc = seal(run_dir, key, err);
    if (rc < 0) (void)err_prefix(err, EXPORT_STATEMENT);
    jval_free(made);
    return rc;
}

// ---- what is lacking

int export_lint(const char *run_dir, struct jval **out, struct err *err)
{
    *out = NULL;
    int rc = make(run_dir, "lint.lua", out, err);
    return rc < 0 ? err_prefix(err, "lint") : ERR_OK;
}
