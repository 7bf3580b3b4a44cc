#include "dut/lab/chaos.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/rng.h"
#include "dut/lab/commands.h"

static const struct kind {
    enum command_unit unit;
    const char *word;
    const char *begin, *end;
} kinds[] = {
#define CHAOS(unit, word, begin, end) {COMMAND_UNIT_##unit, word, begin, end},
#include "dut/lab/chaos.def"
#undef CHAOS
};
enum { KINDS = sizeof kinds / sizeof *kinds };
_Static_assert(sizeof kinds / sizeof *kinds <= 64, "one bit each");

enum { WORD_MAX = 64, LIST_MAX = 1024 };

static int unknown(const char *word, struct err *err)
{
    char list[LIST_MAX] = "";
    size_t used = 0;
    for (size_t i = 0; i < KINDS && used < sizeof list; i++)
        used += (size_t)snprintf(list + used, sizeof list - used, " %s", kinds[i].word);
    return err_set(err, ERR_USAGE,
                   "chaos: '%s' is unknown; expected kinds (all, pluto, uart, device, ftdi,%s), "
                   "rate=N/min, window=FROMs-TOs, hold=FROMs-TOs, with commas between them",
                   word, list);
}

// "2/min", the whole word.
static bool rate_of(const char *text, double *out)
{
    char *end;
    *out = strtod(text, &end);
    return end != text && strcmp(end, "/min") == 0 && *out > 0 && *out <= 600;
}

// "5s-20s", the whole word.
static bool span_of(const char *text, double *from, double *to)
{
    char *end;
    *from = strtod(text, &end);
    if (end == text || strncmp(end, "s-", 2) != 0) return false;
    text = end + 2;
    *to = strtod(text, &end);
    return end != text && strcmp(end, "s") == 0 && *from >= 0 && *to >= *from && *to <= 1e6;
}

static int take_word(struct chaos *c, const char *word, struct err *err)
{
    if (strncmp(word, "rate=", 5) == 0)
        return rate_of(word + 5, &c->rate_per_min)
                   ? ERR_OK
                   : err_set(err, ERR_USAGE,
                             "chaos: expected rate=N/min, more than 0 and at most 600, got '%s'",
                             word);
    if (strncmp(word, "window=", 7) == 0)
        return span_of(word + 7, &c->from_s, &c->to_s)
                   ? ERR_OK
                   : err_set(err, ERR_USAGE, "chaos: expected window=FROMs-TOs, got '%s'", word);
    if (strncmp(word, "hold=", 5) == 0)
        return span_of(word + 5, &c->hold_min_s, &c->hold_max_s)
                   ? ERR_OK
                   : err_set(err, ERR_USAGE, "chaos: expected hold=FROMs-TOs, got '%s'", word);
    size_t len = strlen(word);
    bool all = strcmp(word, "all") == 0, known = all;
    for (size_t i = 0; i < KINDS && len > 0; i++) {
        bool whole = strcmp(kinds[i].word, word) == 0;
        bool family = strncmp(kinds[i].word, word, len) == 0 && kinds[i].word[len] == '.';
        // A device that loses power or dies is judged for it: only on demand.
        if (all && kinds[i].unit == COMMAND_UNIT_DEVICE) continue;
        if (!all && !whole && !family) continue;
        known = true;
        c->kinds |= UINT64_C(1) << i;
    }
    return known ? ERR_OK : unknown(word, err);
}

int chaos_parse(struct chaos *out, const char *spec, struct err *err)
{
    *out = (struct chaos){
        .rate_per_min = 2, .from_s = 5, .to_s = 600, .hold_min_s = 0.5, .hold_max_s = 2};
    for (const char *at = spec;;) {
        size_t len = strcspn(at, ",");
        char word[WORD_MAX];
        if (len >= sizeof word) return unknown("a word that long", err);
        memcpy(word, at, len);
        word[len] = '\0';
        int rc = take_word(out, word, err);
        if (rc < 0) return rc;
        if (!at[len]) break;
        at += len + 1;
    }
    return out->kinds ? ERR_OK : take_word(out, "all", err);
}

// Every unit that could have every kind of fault, each as likely as any other.
struct target {
    const struct kind *kind;
    unsigned unit;
};

static size_t list_targets(const struct chaos *c, const struct scenario *s, struct target *out)
{
    size_t n = 0;
    for (size_t i = 0; i < KINDS; i++) {
        if (!(c->kinds >> i & 1)) continue;
        for (unsigned u = 0; command_unit_name(s, kinds[i].unit, u); u++)
            out[n++] = (struct target){&kinds[i], u};
    }
    return n;
}

int chaos_draw(const struct chaos *c, uint64_t seed, const struct scenario *s,
               struct agenda *agenda, struct err *err)
{
    struct target targets[KINDS * SCENARIO_UNITS_MAX];
    size_t n = list_targets(c, s, targets);
    if (n == 0)
        return err_set(err, ERR_USAGE,
                       "chaos: the scenario has no unit that can have any of these faults");
    const uint64_t key = rng_key(seed, "chaos");
    double t_s = c->from_s;
    for (uint64_t i = 0;; i++) {
        // A fault is as likely at any time: the distance to the next one is exponential.
        t_s += -log(1 - rng_uniform(key, 4 * i)) * 60 / c->rate_per_min;
        if (t_s > c->to_s) return ERR_OK;
        const struct target *t = &targets[rng_u64(key, 4 * i + 1) % n];
        double hold_s =
            c->hold_min_s + (c->hold_max_s - c->hold_min_s) * rng_uniform(key, 4 * i + 2);
        const char *unit = command_unit_name(s, t->kind->unit, t->unit);
        char line[AGENDA_TEXT_MAX];
        int64_t t_ns = (int64_t)llround(t_s * 1e9);
        snprintf(line, sizeof line, "%s %s", t->kind->begin, unit);
        int rc = agenda_add(agenda, t_ns, line, false, err);
        if (rc >= 0 && t->kind->end) {
            snprintf(line, sizeof line, "%s %s", t->kind->end, unit);
            rc = agenda_add(agenda, t_ns + (int64_t)llround(hold_s * 1e9), line, true, err);
        }
        if (rc < 0) return rc;
    }
}
