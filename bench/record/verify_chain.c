#include "bench/record/verify_chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/json.h"
#include "bench/record/ledger.h"
#include "bench/record/lines.h"

static void copy_digest(char out[SHA256_HEX_LEN], const struct jval *value)
{
    const char *text = jval_text(value, "");
    snprintf(out, SHA256_HEX_LEN, "%s", strlen(text) == SHA256_HEX_LEN - 1 ? text : "");
}

static void fill(struct chain_line *to, const struct lines *from)
{
    memcpy(to->sha256, from->sha256, sizeof to->sha256);
    to->is_object = from->value != NULL;
    copy_digest(to->prev, jval_get(from->value, "prev"));
    copy_digest(to->event, jval_get(from->value, "event"));
    to->seq = jval_int(jval_get(from->value, "seq"), -1);
    to->t = jval_int(jval_get(from->value, "t"), -1);
    to->is_seal = jval_get(from->value, "end") != NULL;
}

static char *seal_after(const struct chain_file *f, size_t n)
{
    return ledger_seal_line(n, n > 0 ? f->lines[n - 1].sha256 : ledger_origin, NULL);
}

static int add_line(struct chain_file *f, size_t *cap, const struct lines *l, struct err *err)
{
    if (f->n == *cap) {
        size_t more = *cap ? *cap * 2 : 256;
        struct chain_line *grown = realloc(f->lines, more * sizeof *grown);
        if (!grown) return err_set(err, ERR_NOMEM, "verify: out of memory");
        f->lines = grown;
        *cap = more;
    }
    long long before = f->n > 0 ? f->lines[f->n - 1].end : 0;
    fill(&f->lines[f->n], l);
    f->lines[f->n++].end = before + (long long)l->len + 1;
    return ERR_OK;
}

int chain_file_read(struct chain_file *f, const char *path, bool is_wall, struct err *err)
{
    struct lines l;
    size_t cap = 0;
    *f = (struct chain_file){0};
    int rc = lines_open(&l, path, err);
    while (rc >= 0 && (rc = lines_next(&l, err)) > 0) {
        if (!l.torn) {
            rc = add_line(f, &cap, &l, err);
            if (rc == ERR_OK && is_wall) {
                char *seal = seal_after(f, f->n - 1);
                f->lines[f->n - 1].is_exact_seal = seal && strcmp(seal, l.text) == 0;
                free(seal);
            }
            continue;
        }
        f->torn = true;
        struct jval *whole = NULL;
        f->newline_altered = l.len > 1 && jval_parse(&whole, l.text, l.len - 1, NULL) == ERR_OK;
        jval_free(whole);
        char *seal = is_wall ? seal_after(f, f->n) : NULL;
        f->torn_is_seal = seal && l.len <= strlen(seal) && strncmp(seal, l.text, l.len) == 0;
        free(seal);
    }
    lines_close(&l);
    if (rc < 0) chain_file_deinit(f);
    return rc;
}

void chain_file_deinit(struct chain_file *f)
{
    free(f->lines);
    *f = (struct chain_file){0};
}

static void altered(struct chain_result *r, const char *file, size_t line, const char *why)
{
    r->state = CHAIN_ALTERED;
    snprintf(r->where, sizeof r->where, "%s line %zu", file, line);
    snprintf(r->why, sizeof r->why, "%s", why);
}

// Index of the first line that does not fit, or f->n. When two neighbours disagree, the one after
// them tells which of the two it knows.
static size_t first_break(const struct chain_file *f, const char **why)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct chain_line *l = &f->lines[i];
        const char *expected = i > 0 ? f->lines[i - 1].sha256 : ledger_origin;
        if (!l->is_object) {
            *why = "it is not a JSON object";
            return i;
        }
        if (strcmp(l->prev, expected) != 0) {
            bool next_knows_it = i + 1 < f->n && strcmp(f->lines[i + 1].prev, l->sha256) == 0;
            *why = "its digest is not the one that the next line names";
            if (i > 0 && next_knows_it) return i - 1;
            *why = "its prev is not the digest of the line before";
            return i;
        }
        if (l->seq != (long long)i) {
            *why = "its seq does not count on from the line before";
            return i;
        }
    }
    return f->n;
}

// Whole lines of wall.jsonl that stand for events, its closing line left out.
static size_t wall_events(const struct chain_file *wall, bool *sealed)
{
    *sealed = wall->n > 0 && wall->lines[wall->n - 1].is_seal;
    return wall->n - *sealed;
}

static bool check_wall(const struct chain_file *wall, struct chain_result *r)
{
    const char *why;
    size_t bad = first_break(wall, &why);
    for (size_t i = 0; i < wall->n && bad == wall->n; i++) {
        const struct chain_line *l = &wall->lines[i];
        if (l->is_seal && (!l->is_exact_seal || i + 1 < wall->n)) {
            bad = i;
            why = "it is not the closing line that follows from the lines before";
        } else if (!l->is_seal && !*l->event) {
            bad = i;
            why = "it names no event and is no closing line";
        }
    }
    if (bad < wall->n) {
        altered(r, "wall.jsonl", bad + 1, why);
        return false;
    }
    bool sealed;
    wall_events(wall, &sealed);
    if (wall->newline_altered) {
        altered(r, "wall.jsonl", wall->n + 1, "its newline is another character");
        return false;
    }
    if (sealed && wall->torn) {
        altered(r, "wall.jsonl", wall->n + 1, "something follows the closing line");
        return false;
    }
    return true;
}

void chain_compare(const struct chain_file *events, const struct chain_file *wall,
                   struct chain_result *r)
{
    *r = (struct chain_result){.state = CHAIN_INTACT, .events = events->n};
    if (!check_wall(wall, r)) return;

    bool sealed;
    size_t n_wall = wall_events(wall, &sealed), common = events->n < n_wall ? events->n : n_wall;
    const char *why;
    size_t broken = first_break(events, &why);
    // wall.jsonl is sound, so where it contradicts an event, the event was altered.
    for (size_t i = 0; i < common; i++) {
        if (strcmp(wall->lines[i].event, events->lines[i].sha256) == 0) continue;
        altered(r, "events.jsonl", i + 1, "its digest is not the one that wall.jsonl names");
        return;
    }
    if (broken < events->n) {
        altered(r, "events.jsonl", broken + 1, why);
        return;
    }
    if (events->n > n_wall && (sealed || events->n > n_wall + 1)) {
        altered(r, "events.jsonl", n_wall + 1, "wall.jsonl knows no such event");
        return;
    }
    if (events->newline_altered) {
        altered(r, "events.jsonl", events->n + 1, "its newline is another character");
        return;
    }
    if (wall->torn && !wall->torn_is_seal && !events->torn && events->n == n_wall) {
        altered(r, "wall.jsonl", wall->n + 1, "it is neither an event's line nor the closing line");
        return;
    }
    bool one_torn = events->torn && events->n + 1 == n_wall;
    if (sealed && events->n < n_wall && !one_torn) {
        altered(r, "events.jsonl", events->n + 1,
                "the line is missing: wall.jsonl names more events");
        return;
    }
    if (sealed && events->torn && !one_torn) {
        altered(r, "events.jsonl", events->n + 1, "something follows the last event");
        return;
    }
    if (sealed && !events->torn) return;

    r->state = CHAIN_UNFINISHED;
    if (events->torn)
        snprintf(r->why, sizeof r->why, "the last line of events.jsonl (line %zu) is torn",
                 events->n + 1);
    else if (wall->torn)
        snprintf(r->why, sizeof r->why, "the last line of wall.jsonl (line %zu) is torn",
                 wall->n + 1);
    else
        snprintf(r->why, sizeof r->why, "it ends after %zu events without a closing line",
                 events->n);
}
