#include "bench/record/verdict.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/record/text.h"

static const struct {
    const char *name;
    int order;
    const char *tap;
    const char *text;
} verdicts[VERDICTS] = {
#define VERDICT(name, order, tap, text) {#name, order, tap, text},
#include "bench/record/verdict.def"
#undef VERDICT
};

static const struct {
    const char *name;
    const char *text;
} blames[BLAMES] = {
#define BLAME(name, text) {#name, text},
#include "bench/record/blame.def"
#undef BLAME
};

static char verdict_words[VERDICTS][16];
static char blame_words[BLAMES][16];

static void lower(char *out, size_t size, const char *name)
{
    size_t n = 0;
    for (; name[n] && n < size - 1; n++)
        out[n] = (char)tolower((unsigned char)name[n]);
    out[n] = 0;
}

// The lists name C constants in capitals; records use the same names in small letters.
__attribute__((constructor)) static void make_words(void)
{
    for (int i = 0; i < VERDICTS; i++)
        lower(verdict_words[i], sizeof verdict_words[i], verdicts[i].name);
    for (int i = 0; i < BLAMES; i++)
        lower(blame_words[i], sizeof blame_words[i], blames[i].name);
}

const char *verdict_name(enum verdict v)
{
    return v < VERDICTS ? verdict_words[v] : "unknown";
}

const char *verdict_text(enum verdict v)
{
    return v < VERDICTS ? verdicts[v].text : "unknown verdict";
}

int verdict_order(enum verdict v)
{
    return v < VERDICTS ? verdicts[v].order : -1;
}

bool verdict_is_ok(enum verdict v)
{
    return v < VERDICTS && strcmp(verdicts[v].tap, "ok") == 0;
}

bool verdict_find(const char *word, enum verdict *out)
{
    for (enum verdict v = 0; word && v < VERDICTS; v++) {
        if (strcmp(word, verdict_words[v]) != 0) continue;
        *out = v;
        return true;
    }
    return false;
}

const char *blame_name(enum blame b)
{
    return b < BLAMES ? blame_words[b] : "unknown";
}

const char *blame_text(enum blame b)
{
    return b < BLAMES ? blames[b].text : "unknown";
}

bool blame_find(const char *word, enum blame *out)
{
    for (enum blame b = 0; word && b < BLAMES; b++) {
        if (strcmp(word, blame_words[b]) != 0) continue;
        *out = b;
        return true;
    }
    return false;
}

void verdict_fold_add(struct verdict_fold *f, enum verdict v, enum blame b, const char *reason)
{
    if (verdict_order(v) < 0) {
        v = VERDICT_ERROR;
        b = BLAME_BENCH;
        reason = "a verdict that only the plan may give came out of a case";
    }
    if (v == VERDICT_FAIL && b != BLAME_DEVICE) v = VERDICT_ERROR; // only a device can fail
    f->device_failed = f->device_failed || v == VERDICT_FAIL;
    if (verdict_order(v) < verdict_order(VERDICT_WARN)) b = BLAME_NONE;
    if (f->n++ > 0 && verdict_order(v) <= verdict_order(f->verdict)) return;
    f->verdict = v;
    f->blame = b;
    text_copy(f->reason, sizeof f->reason, reason ? reason : "");
}

// Who is to blame when the event does not say: a device misses a demand, but what nobody can decide
// or carry out is never put on the device.
static enum blame usual_blame(enum verdict v)
{
    switch (v) {
    case VERDICT_WARN:
    case VERDICT_FAIL:
        return BLAME_DEVICE;
    case VERDICT_INCONCLUSIVE:
    case VERDICT_ERROR:
        return BLAME_BENCH;
    default:
        return BLAME_NONE;
    }
}

// A field as text: strings as they are, anything else as JSON. false when absent or null.
static bool field_text(const struct jval *event, const char *key, char *out, size_t size)
{
    const struct jval *j = jval_get(event, key);
    if (!j || jval_kind(j) == JVAL_NULL) return false;
    const char *text = jval_text(j, NULL);
    char *dump = text ? NULL : jval_dump(j, NULL);
    snprintf(out, size, "%s", text ? text : dump ? dump : "?");
    free(dump);
    return true;
}

static void describe(const struct jval *event, const char *type, char *out, size_t size)
{
    char first[200] = "", second[160] = "", third[400] = "";
    if (field_text(event, "reason", out, size)) return;
    if (strcmp(type, "expect") == 0) {
        field_text(event, "subject", first, sizeof first);
        if (field_text(event, "demand", second, sizeof second))
            snprintf(first + strlen(first), sizeof first - strlen(first), " %s", second);
        bool expected = field_text(event, "expected", second, sizeof second);
        bool actual = field_text(event, "actual", third, sizeof third);
        snprintf(out, size, "%s%s%s%s%s", first, expected ? ": expected " : "",
                 expected ? second : "", actual ? expected ? ", got " : ": got " : "",
                 actual ? third : "");
    } else if (strcmp(type, "measure") == 0) {
        field_text(event, "name", first, sizeof first);
        field_text(event, "unit", second, sizeof second);
        bool limit = field_text(event, "limit", third, sizeof third);
        snprintf(out, size, "%s is %g%s%s%s%s", first, jval_number(jval_get(event, "value"), 0),
                 *second ? " " : "", second, limit ? ", limit " : "", limit ? third : "");
    } else if (!field_text(event, "text", out, size)) {
        field_text(event, "event", out, size);
    }
}

int verdict_fold_event(struct verdict_fold *f, const struct jval *event, struct err *err)
{
    const char *type = jval_text(jval_get(event, "type"), "");
    bool fault = strcmp(type, "fault") == 0;
    if (!fault && strcmp(type, "expect") != 0 && strcmp(type, "measure") != 0 &&
        strcmp(type, "claim") != 0)
        return ERR_OK;

    enum verdict v = VERDICT_ERROR;
    const char *word = jval_text(jval_get(event, "verdict"), NULL);
    if (!fault && (!verdict_find(word, &v) || verdict_order(v) < 0))
        return err_set(err, ERR_FORMAT,
                       "event \"%s\": expected a verdict from info to error, got %s", type,
                       word ? word : "none");
    enum blame b = usual_blame(v);
    word = jval_text(jval_get(event, "blame"), NULL);
    if (word && !blame_find(word, &b))
        return err_set(err, ERR_FORMAT, "event \"%s\": expected a blame of blame.def, got \"%s\"",
                       type, word);
    char reason[sizeof f->reason];
    describe(event, type, reason, sizeof reason);
    verdict_fold_add(f, v, b, reason);
    return ERR_OK;
}

void verdict_fold_end(struct verdict_fold *f)
{
    if (f->n == 0)
        verdict_fold_add(f, VERDICT_INCONCLUSIVE, BLAME_SUITE,
                         "the case demanded nothing: it has no expectation, measurement or claim");
    if (f->verdict == VERDICT_PASS)
        snprintf(f->reason, sizeof f->reason, "every demand met (%zu)", f->n);
}
