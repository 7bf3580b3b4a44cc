#include "bench/record/lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "bench/record/ledger.h"

int lines_open(struct lines *l, const char *path, struct err *err)
{
    *l = (struct lines){.file = fopen(path, "rbe")};
    return l->file ? ERR_OK : err_set(err, ERR_IO, "%s: %s", path, strerror(errno));
}

void lines_close(struct lines *l)
{
    if (l->file) fclose(l->file);
    free(l->text);
    jval_free(l->value);
    *l = (struct lines){0};
}

int lines_next(struct lines *l, struct err *err)
{
    jval_free(l->value);
    l->value = NULL;
    errno = 0;
    ssize_t n = getline(&l->text, &l->cap, l->file);
    if (n < 0) {
        if (feof(l->file)) return 0;
        return err_set(err, ERR_IO, "line %zu: %s", l->number + 1, strerror(errno));
    }
    l->number++;
    l->len = (size_t)n;
    l->torn = l->text[n - 1] != '\n';
    if (!l->torn) l->text[--l->len] = 0;
    int rc = ledger_digest(l->text, l->len, l->sha256, err);
    if (rc < 0) return rc;
    if (jval_parse(&l->value, l->text, l->len, NULL) == ERR_OK &&
        jval_kind(l->value) != JVAL_OBJECT) {
        jval_free(l->value);
        l->value = NULL;
    }
    return 1;
}
