#include "bench/record/tap.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "bench/record/text.h"

enum { POINT_MAX = 1 << 14, TEXT_MAX = 2048 };

static int put(struct tap *t, const char *text, struct err *err)
{
    if (t->out) {
        fputs(text, t->out);
        fflush(t->out);
    }
    if (!t->record) return ERR_OK;
    if (fputs(text, t->record) == EOF || fflush(t->record) != 0)
        return err_set(err, ERR_IO, "run.tap cannot be written: %s", strerror(errno));
    return ERR_OK;
}

static char *escape(const char *text, char *out, size_t size, const char *special)
{
    size_t n = 0;
    for (uint32_t c; (c = text_next(&text)) != 0;) {
        // C1 controls and the two Unicode line separators end a line for some readers
        if (c < 0x20 || (c >= 0x7f && c < 0xa0) || c == 0x2028 || c == 0x2029) c = ' ';
        char utf8[4];
        size_t len = text_put(c, utf8);
        bool marked = c < 0x80 && strchr(special, (int)c);
        if (n + len + marked >= size) break;
        if (marked) out[n++] = '\\';
        memcpy(out + n, utf8, len);
        n += len;
    }
    out[n] = 0;
    return out;
}

char *tap_escape(const char *text, char *out, size_t size)
{
    return escape(text, out, size, "#\\");
}

static int put_head(struct tap *t, FILE *record, FILE *out, int version, struct err *err)
{
    char head[64];
    snprintf(head, sizeof head, "TAP version %d\n1..%zu%s\n", version, t->planned,
             t->planned ? "" : " # SKIP nothing is applicable");
    t->record = record;
    t->out = out;
    return put(t, head, err);
}

int tap_begin_as(struct tap *t, FILE *record, FILE *out, int version, size_t planned,
                 struct err *err)
{
    *t = (struct tap){.planned = planned};
    int rc = put_head(t, record, NULL, 13, err);
    if (rc == ERR_OK) rc = put_head(t, NULL, out, version, err);
    t->record = record;
    return rc;
}

int tap_begin(struct tap *t, FILE *record, FILE *out, size_t planned, struct err *err)
{
    return tap_begin_as(t, record, out, 13, planned, err);
}

int tap_point(struct tap *t, const struct tap_point *p, struct err *err)
{
    char id[TEXT_MAX], title[TEXT_MAX], reason[TEXT_MAX];
    bool skipped = p->verdict == VERDICT_NA || p->verdict == VERDICT_WAIVED;
    struct bytes b;
    bytes_init(&b, POINT_MAX);

    tap_escape(p->id, id, sizeof id);
    tap_escape(p->title, title, sizeof title);
    tap_escape(p->reason, reason, sizeof reason);
    int rc = bytes_printf(&b, err, "%s %zu - %s %s", verdict_is_ok(p->verdict) ? "ok" : "not ok",
                          t->points + 1, id, title);
    if (rc == ERR_OK && skipped)
        rc = bytes_printf(&b, err, " # SKIP %s%s", p->verdict == VERDICT_WAIVED ? "waived: " : "",
                          *reason ? reason : verdict_text(p->verdict));
    // In the double quotes of YAML only the quote and the backslash need care.
    if (rc == ERR_OK && p->verdict != VERDICT_PASS && !skipped)
        rc = bytes_printf(&b, err, "\n  ---\n  verdict: %s\n  blame: %s\n  reason: \"%s\"\n  ...",
                          verdict_name(p->verdict), blame_name(p->blame),
                          escape(p->reason, reason, sizeof reason, "\"\\"));
    if (rc == ERR_OK) rc = bytes_append(&b, "\n", 1, err);
    if (rc == ERR_OK) rc = put(t, (const char *)b.data, err);
    if (rc == ERR_OK) t->points++;
    bytes_deinit(&b);
    return rc;
}
