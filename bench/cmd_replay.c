// foxbench replay: a run's recordings through the present receiver, and what that makes of its
// verdicts. Reads only; needs no instruments.
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/arguments.h"
#include "bench/base/bytes.h"
#include "bench/base/crypto.h"
#include "bench/cmd.h"
#include "bench/record/lines.h"
#include "bench/record/run_view.h"
#include "bench/record/store.h"
#include "bench/record/verdict.h"
#include "bench/replay.h"
#include "bench/sfx/zone.h"
#include "lua/bind/script.h"
#include "lua/bind/setup.h"

struct replay {
    const char *dir;
    const char *only; // a case, or NULL
    struct run_view view;
    struct replay_config config;
    struct replay_count n;
    struct setup_key key;
    struct jval *frames;  // uplink events of the running attempt
    struct jval *doubted; // names of cases that are not borne out: {name: reason}
    size_t cases, cases_differ;
    bool fails;
};

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

static void name_of(const struct jval *event, char out[512])
{
    const char *axes = text_of(event, "axes");
    bool plain = !*axes || strcmp(axes, "_") == 0;
    snprintf(out, 512, "%s%s%s", text_of(event, "case"), plain ? "" : "/", plain ? "" : axes);
}

static bool is_wanted(const struct replay *r, const struct jval *event)
{
    char name[512];
    name_of(event, name);
    return !r->only || strcmp(r->only, name) == 0 || strcmp(r->only, text_of(event, "case")) == 0;
}

// --- the device: its band, and its key where that is at hand

static void use_key(struct replay *r, const char *path)
{
    struct jval *device = NULL;
    struct err why = {0};
    int rc = script_read_data(path, &device, &why);
    if (rc == ERR_OK) rc = setup_read_key(device, path, &r->key, &why);
    bool has = r->key.key.len > 0 || r->key.token;
    const char *id = text_of(device, "id");
    if (rc == ERR_OK && has) rc = judge_new(&r->config.judge, &why);
    if (rc == ERR_OK && has) {
        r->config.device_id = (uint32_t)strtoul(id, NULL, 16);
        const struct judge_device known = {.id = r->config.device_id,
                                           .key = r->key.key.len ? &r->key.key : NULL,
                                           .token = r->key.token,
                                           .modulus = 4096};
        rc = judge_register(r->config.judge, &known, &why);
    }
    if (rc == ERR_OK && has)
        r->config.signer =
            (struct sfx_signer){.key = r->key.key.len ? &r->key.key : NULL, .token = r->key.token};
    if (rc < 0 || !has) {
        judge_free(r->config.judge);
        r->config.judge = NULL;
        fprintf(stderr, "foxbench replay: tags are taken as they were booked: %s\n",
                rc < 0 ? why.text : "the device file names no key");
    }
    jval_free(device);
}

static int prepare(struct replay *r, const char *device, struct err *err)
{
    const struct jval *declared = jval_get(r->view.plan, "device");
    const struct sfx_zone *zone = sfx_zone_find(jval_text(jval_get(declared, "zone"), "RC1"));
    char path[PATH_MAX];
    if (!zone)
        return err_set(err, ERR_FORMAT, "plan.json: the device's zone '%s' is unknown",
                       text_of(declared, "zone"));
    r->config.low_hz = zone->uplink_hz - SFX_ZONE_BAND_HZ / 2;
    r->config.high_hz = zone->uplink_hz + SFX_ZONE_BAND_HZ / 2;
    r->config.bit_rate_600 =
        jval_number(jval_get(declared, "bit_rate"), zone->bit_rate_100 ? 100 : 600) == 600;
    snprintf(path, sizeof path, "%s/fixtures/devices/%s.lua", cmd_root(),
             text_of(r->view.run, "device"));
    if (!device && access(path, R_OK) != 0)
        fprintf(stderr,
                "foxbench replay: tags are taken as they were booked: no device file is called %s; "
                "name it with --device\n",
                text_of(r->view.run, "device"));
    else
        use_key(r, device ? device : path);
    r->frames = jval_array();
    r->doubted = jval_object();
    return r->frames && r->doubted ? ERR_OK : err_set(err, ERR_NOMEM, "replay: out of memory");
}

// --- the run's recordings

static int doubt(struct replay *r, const struct jval *end, const char *why, struct err *err)
{
    char name[512];
    name_of(end, name);
    return jval_set(r->doubted, name, jval_make(err, "s", why), err);
}

// The ledger's digest of one of the attempt's files.
static int check_file(struct replay *r, const struct jval *end, const char *folder,
                      const struct jval *file, struct err *err)
{
    char path[2 * PATH_MAX], hash[SHA256_HEX_LEN];
    struct err why = {0};
    snprintf(path, sizeof path, "%s/%s/%s", r->dir, folder, text_of(file, "path"));
    int rc = crypto_sha256_file(path, hash, NULL, &why);
    if (rc == ERR_OK && strcmp(hash, text_of(file, "sha256")) == 0) return ERR_OK;
    r->n.altered++;
    printf("altered     %s/%s: %s\n", folder, text_of(file, "path"),
           rc < 0 ? why.text : "its SHA-256 is not the one in the ledger");
    return doubt(r, end, "a recording was altered", err);
}

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

static int replay_attempt(struct replay *r, const struct jval *end, struct err *err)
{
    const struct jval *files = jval_get(end, "files");
    char folder[PATH_MAX], name[1024], path[3 * PATH_MAX];
    int rc =
        store_attempt_path(text_of(end, "case"), text_of(end, "axes"),
                           (int)jval_int(jval_get(end, "attempt"), 0), folder, sizeof folder, err);
    for (size_t i = 0; rc == ERR_OK && i < jval_len(files); i++) {
        const char *file = text_of(jval_at(files, i), "path");
        if (!strstr(file, ".sigmf-")) continue;
        if (!store_path_is_safe(file))
            return err_set(err, ERR_FORMAT, "events.jsonl: \"%.80s\" is no path of an attempt",
                           file);
        rc = check_file(r, end, folder, jval_at(files, i), err);
    }
    for (size_t i = 0; rc == ERR_OK && i < jval_len(files); i++) {
        const char *file = text_of(jval_at(files, i), "path");
        if (!ends_with(file, ".sigmf-meta")) continue;
        size_t before = r->n.differ;
        snprintf(path, sizeof path, "%s/%s/%s", r->dir, folder, file);
        snprintf(name, sizeof name, "%s/%s", folder, file);
        rc = replay_recording(&r->config, path, name, r->frames, &r->n, err);
        if (rc == ERR_OK && r->n.differ > before)
            rc = doubt(r, end, "a recording does not show the frames that were booked", err);
    }
    return rc;
}

static int take(struct replay *r, struct jval *event, struct err *err)
{
    const char *type = text_of(event, "type");
    if (strcmp(type, "case.begin") == 0) {
        jval_free(r->frames);
        r->frames = jval_array();
        return r->frames ? ERR_OK : err_set(err, ERR_NOMEM, "replay: out of memory");
    }
    if (strcmp(type, "uplink") == 0) return jval_append(r->frames, jval_ref(event), err);
    if (strcmp(type, "case.end") == 0 && is_wanted(r, event)) return replay_attempt(r, event, err);
    return ERR_OK;
}

static int walk(struct replay *r, struct err *err)
{
    char path[PATH_MAX];
    struct lines l;
    snprintf(path, sizeof path, "%s/events.jsonl", r->dir);
    int rc = lines_open(&l, path, err);
    while (rc == ERR_OK && (rc = lines_next(&l, err)) > 0)
        rc = l.value && !l.torn ? take(r, l.value, err) : ERR_OK;
    lines_close(&l);
    return rc;
}

// --- the verdicts: made anew out of the events, and no better than what they rest on

static void judge_case(struct replay *r, const struct jval *c)
{
    const struct jval *booked = jval_get(c, "booked");
    if (jval_kind(booked) != JVAL_OBJECT || !is_wanted(r, booked)) return;
    const char *was = text_of(booked, "verdict"), *is = text_of(c, "verdict");
    const char *reason = text_of(c, "reason");
    const char *why = jval_text(jval_get(r->doubted, text_of(c, "name")), NULL);
    enum verdict v = VERDICT_ERROR;
    r->cases++;
    // A fail rests on more than the samples that were kept; what passed for a good reason no longer
    // does when its evidence does not show it.
    if (why && verdict_find(is, &v) && v < VERDICT_INCONCLUSIVE) {
        is = "inconclusive";
        reason = why;
    }
    if (strcmp(was, is) == 0) return;
    r->cases_differ++;
    r->fails = r->fails || strcmp(is, "fail") == 0;
    printf("%s->%s  %s: %s\n", was, is, text_of(c, "name"), reason);
}

static int conclude(struct replay *r)
{
    for (size_t i = 0; i < jval_len(r->view.cases); i++)
        judge_case(r, jval_at(r->view.cases, i));
    const struct replay_count *n = &r->n;
    printf("%zu recordings replayed: %zu frames, %zu differ, %zu tags computed again",
           n->recordings, n->frames, n->differ, n->tags);
    if (n->beside) printf(", %zu more heard than were booked", n->beside);
    printf("; %zu files altered; %zu cases judged again, %zu differ\n", n->altered, r->cases,
           r->cases_differ);
    if (r->fails) return CMD_EXIT_FAIL;
    if (n->altered || n->differ || r->cases_differ) return CMD_EXIT_EVIDENCE;
    return n->recordings ? CMD_EXIT_OK : CMD_EXIT_NOTHING;
}

static bool knows_case(const struct replay *r)
{
    const struct jval *cases = jval_get(r->view.plan, "cases");
    for (size_t i = 0; r->only && i < jval_len(cases); i++)
        if (strcmp(text_of(jval_at(cases, i), "id"), r->only) == 0) return true;
    return !r->only || run_view_find(&r->view, r->only);
}

int cmd_replay(int argc, char **argv)
{
    const char *device = NULL;
    struct words words = {.max = 2};
    struct err e = {0};
    const struct argument arguments[] = {{.name = "--device", .value = &device}, {0}};
    int rc = arguments_parse(arguments, &words, argc, argv, &e);
    if (rc == ARGUMENTS_GO_ON && words.n == 0)
        rc = err_set(&e, ERR_USAGE,
                     "expected a run directory; for example foxbench replay results/latest");
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("replay", rc, &e);

    struct replay r = {.dir = words.list[0], .only = words.n > 1 ? words.list[1] : NULL};
    rc = run_view_read(&r.view, r.dir, &e);
    if (rc == ERR_OK && !knows_case(&r))
        rc = err_set(&e, ERR_NOTFOUND, "%s: the run has no case %s; its plan.json lists them",
                     r.dir, r.only);
    if (rc == ERR_OK) rc = prepare(&r, device, &e);
    if (rc == ERR_OK) rc = walk(&r, &e);
    int code = rc == ERR_OK ? conclude(&r) : CMD_EXIT_ERROR;
    if (rc < 0) {
        fprintf(stderr, "foxbench replay: %s\n", e.text);
        if (rc == ERR_NOTFOUND) code = CMD_EXIT_USAGE;
    } else if (code == CMD_EXIT_NOTHING) {
        fprintf(stderr, "foxbench replay: nothing was recorded here; foxbench rejudge looks at the "
                        "decoded frames\n");
    }
    judge_free(r.config.judge);
    secret_deinit(&r.key.key);
    token_key_close(r.key.token);
    jval_free(r.frames);
    jval_free(r.doubted);
    run_view_deinit(&r.view);
    return code;
}
