// The kill matrix for people and for programs.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/validate_matrix.h"

// What a cell says: WORD for the table, what it means for the legend.
static const struct {
    const char *word, *meaning;
} kinds[] = {
    [MATRIX_NONE] = {".", "not run"},
    [MATRIX_KILLED] = {"KILL", "the case names the fault and fails, the device to blame"},
    [MATRIX_MISSED] = {"PASS", "the case names the fault and lets it pass"},
    [MATRIX_OPEN] = {"open", "the case decides nothing"},
    [MATRIX_ERROR] = {"err", "the bench or the test failed: never a kill"},
    [MATRIX_NA] = {"n/a", "the case applies to no reference device"},
    [MATRIX_UNPROVEN] = {"ref", "the case fails, but does not pass without the fault either"},
    [MATRIX_CLEAN] = {"-", "the case does not name the fault and does not fail"},
    [MATRIX_STRAY] = {"fail", "the case does not name the fault and fails all the same"},
};

enum { KINDS = sizeof kinds / sizeof *kinds };

static enum matrix_kind kind_of(const struct matrix *m, size_t f, size_t c)
{
    return matrix_judge(&m->faults[f].cells[c], &m->cases[c].reference);
}

// Cases that nobody ran are not shown.
static bool is_shown(const struct matrix *m, size_t c)
{
    bool shown = m->cases[c].reference.known;
    for (size_t f = 0; f < m->n_faults && !shown; f++)
        shown = m->faults[f].cells[c].named || m->faults[f].cells[c].outcome.known;
    return shown;
}

// "AUTH-UL-001" in three lines of a column's head: suite, area, number.
static void head_part(const char *id, int line, char out[16])
{
    const char *last = strrchr(id, '-');
    const char *first = strchr(id, '-');
    *out = 0;
    if (!last || !first) {
        if (line == 0) snprintf(out, 16, "%.15s", id);
    } else if (line == 2) {
        snprintf(out, 16, "%.15s", last + 1);
    } else if (line == 0) {
        snprintf(out, 16, "%.*s", (int)(first - id < 15 ? first - id : 15), id);
    } else if (last > first) {
        snprintf(out, 16, "%.*s", (int)(last - first - 1 < 15 ? last - first - 1 : 15), first + 1);
    }
}

static size_t fault_width(const struct matrix *m)
{
    size_t widest = strlen("without");
    for (size_t f = 0; f < m->n_faults; f++)
        if (strlen(m->faults[f].id) > widest) widest = strlen(m->faults[f].id);
    return widest;
}

static int print_head(const struct matrix *m, int wide, struct bytes *out, struct err *err)
{
    int rc = ERR_OK;
    for (int line = 0; rc == ERR_OK && line < 3; line++) {
        rc = bytes_printf(out, err, "%-*s", wide, line == 2 ? "fault" : "");
        for (size_t c = 0; rc == ERR_OK && c < m->n_cases; c++) {
            if (!is_shown(m, c)) continue;
            char part[16];
            head_part(m->cases[c].id, line, part);
            rc = bytes_printf(out, err, " %5s", part);
        }
        if (rc == ERR_OK)
            rc = bytes_printf(out, err, "%s\n", line == 2 && m->n_faults ? "  killed" : "");
    }
    if (rc == ERR_OK) rc = bytes_printf(out, err, "%-*s", wide, "without");
    for (size_t c = 0; rc == ERR_OK && c < m->n_cases; c++) {
        if (!is_shown(m, c)) continue;
        const struct matrix_outcome *o = &m->cases[c].reference;
        const char *word = !o->known                       ? "."
                           : o->verdict == VERDICT_NA      ? "n/a"
                           : o->verdict == VERDICT_NOTRUN  ? "err"
                           : verdict_order(o->verdict) > 2 ? "BAD"
                                                           : verdict_name(o->verdict);
        rc = bytes_printf(out, err, " %5s", word);
    }
    return rc == ERR_OK ? bytes_printf(out, err, "\n") : rc;
}

static int print_rows(const struct matrix *m, int wide, bool used[KINDS], struct bytes *out,
                      struct err *err)
{
    int rc = ERR_OK;
    for (size_t f = 0; rc == ERR_OK && f < m->n_faults; f++) {
        rc = bytes_printf(out, err, "%-*s", wide, m->faults[f].id);
        for (size_t c = 0; rc == ERR_OK && c < m->n_cases; c++) {
            if (!is_shown(m, c)) continue;
            enum matrix_kind kind = kind_of(m, f, c);
            used[kind] = true;
            rc = bytes_printf(out, err, " %5s", kinds[kind].word);
        }
        if (rc == ERR_OK)
            rc = bytes_printf(out, err, "  %s\n", matrix_is_killed(m, f) ? "yes" : "NO");
    }
    return rc;
}

static int print_survivors(const struct matrix *m, struct bytes *out, struct err *err)
{
    int rc = ERR_OK;
    size_t n = 0;
    for (size_t f = 0; rc == ERR_OK && f < m->n_faults; f++) {
        if (matrix_is_killed(m, f)) continue;
        char why[1024];
        matrix_survival(m, f, why, sizeof why);
        rc = bytes_printf(out, err, "%s  %s (%s)\n    %s\n", n++ ? "" : "\nSurvivors:\n",
                          m->faults[f].id, m->faults[f].text, why);
    }
    return rc;
}

// Killed by one case, passed by another that names it too.
static int print_missed(const struct matrix *m, struct bytes *out, struct err *err)
{
    int rc = ERR_OK;
    size_t n = 0;
    for (size_t f = 0; rc == ERR_OK && f < m->n_faults; f++)
        for (size_t c = 0; rc == ERR_OK && c < m->n_cases; c++)
            if (matrix_is_killed(m, f) && kind_of(m, f, c) == MATRIX_MISSED)
                rc = bytes_printf(out, err, "%s  %s: %s names it and lets it pass\n",
                                  n++ ? "" : "\nMissed:\n", m->faults[f].id, m->cases[c].id);
    return rc;
}

static int print_canary(const struct matrix_canary *c, struct bytes *out, struct err *err)
{
    return bytes_printf(
        out, err,
        "\nControls: the canary %s %s in %s; on a broken bench the same case is %s, %s.\n",
        c->fault, matrix_canary_died(c) ? "dies" : "DOES NOT DIE", c->id,
        c->broken.known ? verdict_name(c->broken.verdict) : "not known",
        matrix_broken_is_no_kill(c) ? "no kill" : "WHICH IS WRONG");
}

int matrix_print(const struct matrix *m, const struct matrix_canary *canary, struct bytes *out,
                 struct err *err)
{
    bool used[KINDS] = {false};
    const int wide = (int)fault_width(m);
    int rc = print_head(m, wide, out, err);
    if (rc == ERR_OK) rc = print_rows(m, wide, used, out, err);
    if (rc == ERR_OK) rc = bytes_printf(out, err, "\n");
    for (size_t k = 0; rc == ERR_OK && k < KINDS; k++)
        if (used[k]) rc = bytes_printf(out, err, "  %-5s %s\n", kinds[k].word, kinds[k].meaning);
    if (rc == ERR_OK) rc = print_survivors(m, out, err);
    if (rc == ERR_OK) rc = print_missed(m, out, err);
    if (rc == ERR_OK) rc = print_canary(canary, out, err);
    size_t killed = 0;
    for (size_t f = 0; f < m->n_faults; f++)
        killed += matrix_is_killed(m, f);
    if (rc == ERR_OK)
        rc = bytes_printf(out, err, "%zu of %zu faults killed\n", killed, m->n_faults);
    return rc;
}

// ---- JSON

static struct jval *outcome_json(const struct matrix_outcome *o, struct err *err)
{
    return jval_make(err, "{s:s, s:s, s:s}", "verdict",
                     o->known ? verdict_name(o->verdict) : verdict_name(VERDICT_NOTRUN), "blame",
                     blame_name(o->blame), "reason", o->reason);
}

static const char *const kind_names[] = {
    [MATRIX_NONE] = "none",         [MATRIX_KILLED] = "killed", [MATRIX_MISSED] = "missed",
    [MATRIX_OPEN] = "open",         [MATRIX_ERROR] = "error",   [MATRIX_NA] = "na",
    [MATRIX_UNPROVEN] = "unproven", [MATRIX_CLEAN] = "clean",   [MATRIX_STRAY] = "stray",
};

static int put_cell(struct jval *row, const struct matrix *m, size_t f, size_t c, struct err *err)
{
    enum matrix_kind kind = kind_of(m, f, c);
    const struct matrix_cell *cell = &m->faults[f].cells[c];
    if (kind == MATRIX_NONE && !cell->named) return ERR_OK;
    struct jval *j = outcome_json(&cell->outcome, err);
    int rc = jval_set(row, m->cases[c].id, j, err);
    if (rc == ERR_OK) rc = jval_set(j, "is", jval_make(err, "s", kind_names[kind]), err);
    if (rc == ERR_OK) rc = jval_set(j, "named", jval_make(err, "b", cell->named), err);
    return rc;
}

static int put_fault(struct jval *all, const struct matrix *m, size_t f, struct err *err)
{
    const struct matrix_fault *fault = &m->faults[f];
    bool killed = matrix_is_killed(m, f);
    int rc = jval_append(jval_get(all, "faults"), jval_make(err, "s", fault->id), err);
    if (rc == ERR_OK && killed)
        rc = jval_append(jval_get(all, "killed"), jval_make(err, "s", fault->id), err);
    if (rc == ERR_OK && !killed) {
        char why[1024];
        matrix_survival(m, f, why, sizeof why);
        rc = jval_append(jval_get(all, "survivors"),
                         jval_make(err, "{s:s, s:s, s:s}", "fault", fault->id, "text", fault->text,
                                   "reason", why),
                         err);
    }
    struct jval *row = jval_object();
    if (rc == ERR_OK) rc = jval_set(jval_get(all, "matrix"), fault->id, row, err);
    for (size_t c = 0; rc == ERR_OK && c < m->n_cases; c++)
        rc = put_cell(row, m, f, c, err);
    return rc;
}

static int put_reference(struct jval *all, const struct matrix *m, struct err *err)
{
    struct jval *cases = jval_object();
    bool sound = true;
    int rc = jval_set(all, "reference", jval_make(err, "{s:o}", "cases", cases), err);
    for (size_t c = 0; rc == ERR_OK && c < m->n_cases; c++) {
        const struct matrix_case *k = &m->cases[c];
        struct jval *j = outcome_json(&k->reference, err);
        rc = jval_set(cases, k->id, j, err);
        if (rc == ERR_OK && *k->device)
            rc = jval_set(j, "device", jval_make(err, "s", k->device), err);
        if (!matrix_is_sound(&k->reference) && k->reference.verdict != VERDICT_NA) sound = false;
    }
    if (rc == ERR_OK)
        rc = jval_set(jval_get(all, "reference"), "sound", jval_make(err, "b", sound), err);
    return rc;
}

static struct jval *canary_json(const struct matrix_canary *c, struct err *err)
{
    return jval_make(err, "{s:s, s:s, s:b, s:o, s:{s:b, s:o}}", "fault", c->fault, "case", c->id,
                     "killed", matrix_canary_died(c), "outcome", outcome_json(&c->outcome, err),
                     "broken_bench", "no_kill", matrix_broken_is_no_kill(c), "outcome",
                     outcome_json(&c->broken, err));
}

struct jval *matrix_json(const struct matrix *m, const struct matrix_canary *canary,
                         struct err *err)
{
    struct jval *all =
        jval_make(err, "{s:[], s:[], s:[], s:{}}", "faults", "killed", "survivors", "matrix");
    int rc = all ? ERR_OK : ERR_NOMEM;
    for (size_t f = 0; rc == ERR_OK && f < m->n_faults; f++)
        rc = put_fault(all, m, f, err);
    if (rc == ERR_OK) rc = put_reference(all, m, err);
    if (rc == ERR_OK) rc = jval_set(all, "canary", canary_json(canary, err), err);
    if (rc == ERR_OK && m->n_faults > 0) {
        double killed = (double)jval_len(jval_get(all, "killed"));
        rc = jval_set(all, "ratio", jval_make(err, "f", killed / (double)m->n_faults), err);
    } else if (rc == ERR_OK) {
        rc = jval_set(all, "ratio", jval_make(err, "n"), err);
    }
    if (rc == ERR_OK) return all;
    jval_free(all);
    return NULL;
}
