#include "dut/lab/agenda.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void agenda_deinit(struct agenda *a)
{
    free(a->entries);
    *a = (struct agenda){0};
}

int agenda_add(struct agenda *a, int64_t t_ns, const char *command, bool mends, struct err *err)
{
    if (a->n == AGENDA_MAX)
        return err_set(err, ERR_LIMIT, "more than %d commands are planned; '%s' is one too many",
                       AGENDA_MAX, command);
    if (strlen(command) >= AGENDA_TEXT_MAX)
        return err_set(err, ERR_LIMIT, "a command longer than %d bytes: '%.40s…'",
                       AGENDA_TEXT_MAX - 1, command);
    if (a->n == a->cap) {
        size_t cap = a->cap ? 2 * a->cap : 32;
        struct agenda_entry *more = realloc(a->entries, cap * sizeof *more);
        if (!more) return err_set(err, ERR_NOMEM, "the lab's agenda");
        a->entries = more;
        a->cap = cap;
    }
    size_t at = a->n++;
    for (; at > 0 && a->entries[at - 1].t_ns > t_ns; at--)
        a->entries[at] = a->entries[at - 1];
    a->entries[at] = (struct agenda_entry){.t_ns = t_ns, .mends = mends};
    snprintf(a->entries[at].command, sizeof a->entries[at].command, "%s", command);
    return ERR_OK;
}

int64_t agenda_next_ns(const struct agenda *a)
{
    return a->n ? a->entries[0].t_ns : INT64_MAX;
}

bool agenda_take(struct agenda *a, struct agenda_entry *out)
{
    if (!a->n) return false;
    *out = a->entries[0];
    a->n--;
    memmove(a->entries, a->entries + 1, a->n * sizeof *a->entries);
    return true;
}

bool agenda_will_mend(const struct agenda *a)
{
    for (size_t i = 0; i < a->n; i++)
        if (a->entries[i].mends) return true;
    return false;
}
