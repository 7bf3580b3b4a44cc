#include "bench/validate_matrix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/record/text.h"

// ---- outcomes

// A fail of the device is what a fault has to bring about: nothing may hide it.
static int rank_of(enum verdict v, enum blame b)
{
    if (v == VERDICT_FAIL && b == BLAME_DEVICE) return 100;
    if (v == VERDICT_NOTRUN) return verdict_order(VERDICT_ERROR) + 1;
    return verdict_order(v);
}

void matrix_outcome_add(struct matrix_outcome *o, enum verdict v, enum blame b, const char *reason)
{
    if (o->known && rank_of(v, b) <= rank_of(o->verdict, o->blame)) return;
    *o = (struct matrix_outcome){.known = true, .verdict = v, .blame = b};
    text_copy(o->reason, sizeof o->reason, reason ? reason : "");
}

bool matrix_is_sound(const struct matrix_outcome *reference)
{
    return reference->known &&
           (reference->verdict == VERDICT_PASS || reference->verdict == VERDICT_INFO ||
            reference->verdict == VERDICT_WARN);
}

enum matrix_kind matrix_judge(const struct matrix_cell *cell,
                              const struct matrix_outcome *reference)
{
    const struct matrix_outcome *o = &cell->outcome;
    if (!o->known) return MATRIX_NONE;
    switch (o->verdict) {
    case VERDICT_NA:
        return MATRIX_NA;
    case VERDICT_FAIL:
        if (o->blame != BLAME_DEVICE) return MATRIX_ERROR;
        if (!matrix_is_sound(reference)) return MATRIX_UNPROVEN;
        return cell->named ? MATRIX_KILLED : MATRIX_STRAY;
    case VERDICT_PASS:
    case VERDICT_INFO:
    case VERDICT_WARN:
        return cell->named ? MATRIX_MISSED : MATRIX_CLEAN;
    case VERDICT_INCONCLUSIVE:
        return MATRIX_OPEN;
    default:
        return MATRIX_ERROR;
    }
}

// ---- the matrix

void matrix_init(struct matrix *m)
{
    *m = (struct matrix){0};
}

void matrix_deinit(struct matrix *m)
{
    for (size_t i = 0; i < m->n_faults; i++)
        free(m->faults[i].cells);
    free(m->faults);
    free(m->cases);
    matrix_init(m);
}

int matrix_add_case(struct matrix *m, const char *id, struct matrix_case **out, struct err *err)
{
    if (m->n_cases == MATRIX_CASES_MAX || m->n_faults > 0)
        return err_set(err, ERR_LIMIT, "case %s: at most %d cases, and all before the first fault",
                       id, MATRIX_CASES_MAX);
    struct matrix_case *grown = realloc(m->cases, (m->n_cases + 1) * sizeof *grown);
    if (!grown) return err_set(err, ERR_NOMEM, "no memory for case %s", id);
    m->cases = grown;
    struct matrix_case *c = &grown[m->n_cases++];
    *c = (struct matrix_case){0};
    snprintf(c->id, sizeof c->id, "%s", id);
    if (out) *out = c;
    return ERR_OK;
}

int matrix_add_fault(struct matrix *m, const char *id, const char *text, struct matrix_fault **out,
                     struct err *err)
{
    struct matrix_fault *grown = realloc(m->faults, (m->n_faults + 1) * sizeof *grown);
    if (grown) m->faults = grown;
    struct matrix_cell *cells = calloc(m->n_cases + 1, sizeof *cells);
    if (!grown || !cells) {
        free(cells);
        return err_set(err, ERR_NOMEM, "no memory for fault %s", id);
    }
    struct matrix_fault *f = &grown[m->n_faults++];
    *f = (struct matrix_fault){.cells = cells};
    snprintf(f->id, sizeof f->id, "%s", id);
    snprintf(f->text, sizeof f->text, "%s", text);
    if (out) *out = f;
    return ERR_OK;
}

int matrix_find_case(const struct matrix *m, const char *id)
{
    for (size_t i = 0; i < m->n_cases; i++)
        if (strcmp(m->cases[i].id, id) == 0) return (int)i;
    return -1;
}

static enum matrix_kind kind_of(const struct matrix *m, size_t fault, size_t c)
{
    return matrix_judge(&m->faults[fault].cells[c], &m->cases[c].reference);
}

bool matrix_is_killed(const struct matrix *m, size_t fault)
{
    for (size_t c = 0; c < m->n_cases; c++)
        if (kind_of(m, fault, c) == MATRIX_KILLED) return true;
    return false;
}

size_t matrix_count(const struct matrix *m, enum matrix_kind kind)
{
    size_t n = 0;
    for (size_t f = 0; f < m->n_faults; f++)
        for (size_t c = 0; c < m->n_cases; c++)
            n += kind_of(m, f, c) == kind;
    return n;
}

static void explain(const struct matrix *m, size_t fault, size_t c, char *out, size_t size)
{
    const struct matrix_outcome *o = &m->faults[fault].cells[c].outcome;
    const char *id = m->cases[c].id;
    switch (kind_of(m, fault, c)) {
    case MATRIX_MISSED:
        snprintf(out, size, "%s lets it pass", id);
        break;
    case MATRIX_NA:
        snprintf(out, size, "%s applies to no reference device: %s", id, o->reason);
        break;
    case MATRIX_UNPROVEN:
        snprintf(out, size, "%s fails, but is %s without the fault as well", id,
                 m->cases[c].reference.known ? verdict_name(m->cases[c].reference.verdict)
                                             : "not known to pass");
        break;
    case MATRIX_NONE:
        snprintf(out, size, "%s was not run", id);
        break;
    default:
        snprintf(out, size, "%s is %s: %s", id, verdict_name(o->verdict), o->reason);
        break;
    }
}

void matrix_survival(const struct matrix *m, size_t fault, char *out, size_t size)
{
    size_t at = 0;
    *out = 0;
    if (matrix_is_killed(m, fault)) return;
    for (size_t c = 0; c < m->n_cases && at + 1 < size; c++) {
        if (!m->faults[fault].cells[c].named) continue;
        char why[MATRIX_REASON_MAX + 128];
        explain(m, fault, c, why, sizeof why);
        int n = snprintf(out + at, size - at, "%s%s", at ? "; " : "", why);
        if (n > 0) at += (size_t)n;
    }
    if (!*out) snprintf(out, size, "no case names it");
}

bool matrix_canary_died(const struct matrix_canary *c)
{
    const struct matrix_cell cell = {.named = true, .outcome = c->outcome};
    return matrix_judge(&cell, &c->reference) == MATRIX_KILLED;
}

bool matrix_broken_is_no_kill(const struct matrix_canary *c)
{
    const struct matrix_cell cell = {.named = true, .outcome = c->broken};
    return matrix_judge(&cell, &c->reference) == MATRIX_ERROR;
}
