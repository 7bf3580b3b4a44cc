#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd.h"
#include "bench/doctor.h"

static const char *const state_names[] = {
    [FINDING_OK] = "ok",
    [FINDING_WARN] = "warn",
    [FINDING_BROKEN] = "MISSING",
    [FINDING_CONFIG] = "WRONG",
};

void findings_deinit(struct findings *f)
{
    free(f->list);
    *f = (struct findings){0};
}

void findings_add(struct findings *f, enum finding_state state, const char *subject,
                  const char *format, ...)
{
    struct finding *grown = realloc(f->list, (f->n + 1) * sizeof *grown);
    if (!grown) {
        f->out_of_memory = true;
        return;
    }
    f->list = grown;
    struct finding *one = &f->list[f->n++];
    *one = (struct finding){.state = state};
    snprintf(one->subject, sizeof one->subject, "%s", subject);
    va_list args;
    va_start(args, format);
    vsnprintf(one->text, sizeof one->text, format, args);
    va_end(args);
}

void findings_mend(struct findings *f, const char *format, ...)
{
    if (f->n == 0) return;
    va_list args;
    va_start(args, format);
    vsnprintf(f->list[f->n - 1].mend, sizeof f->list->mend, format, args);
    va_end(args);
}

void findings_add_result(struct findings *f, const char *subject, const struct err *err,
                         const char *good)
{
    bool config = err->code == ERR_USAGE || err->code == ERR_INVALID;
    if (err->code == ERR_OK)
        findings_add(f, FINDING_OK, subject, "%s", good);
    else
        findings_add(f, config ? FINDING_CONFIG : FINDING_BROKEN, subject, "%s", err->text);
}

static size_t count(const struct findings *f, enum finding_state state)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += f->list[i].state == state;
    return n;
}

// What to do first: the files, since everything else is read from them.
static const struct finding *worst(const struct findings *f)
{
    const struct finding *found = NULL;
    for (size_t i = 0; i < f->n; i++)
        if (!found || f->list[i].state > found->state) found = &f->list[i];
    return found;
}

void findings_print(const struct findings *f, FILE *out)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct finding *one = &f->list[i];
        fprintf(out, "%-8s %-18s %s\n", state_names[one->state], one->subject, one->text);
        if (*one->mend) fprintf(out, "%-8s %-18s -> %s\n", "", "", one->mend);
    }
    size_t n_wrong = count(f, FINDING_CONFIG), n_missing = count(f, FINDING_BROKEN);
    size_t n_warn = count(f, FINDING_WARN);
    if (n_wrong + n_missing == 0)
        fprintf(out, "\nEverything that a run needs is there%s.\n",
                n_warn ? "; the warnings say what would be better" : "");
    else
        fprintf(out, "\n%zu missing, %zu wrong. Begin with: %s\n", n_missing, n_wrong,
                worst(f)->subject);
}

struct jval *findings_json(const struct findings *f, struct err *err)
{
    struct jval *list = jval_array();
    for (size_t i = 0; list && i < f->n; i++) {
        const struct finding *one = &f->list[i];
        if (jval_append(list,
                        jval_make(err, "{s:s, s:s, s:s, s:s}", "state", state_names[one->state],
                                  "subject", one->subject, "text", one->text, "mend", one->mend),
                        err) < 0) {
            jval_free(list);
            return NULL;
        }
    }
    return list;
}

int findings_exit(const struct findings *f)
{
    if (count(f, FINDING_CONFIG)) return CMD_EXIT_USAGE;
    return f->out_of_memory || count(f, FINDING_BROKEN) ? CMD_EXIT_ERROR : CMD_EXIT_OK;
}
