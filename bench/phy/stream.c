#include "bench/phy/stream.h"

#include <stdlib.h>
#include <string.h>

int phy_stream_init(struct phy_stream *s, size_t keep, struct err *err)
{
    *s = (struct phy_stream){.keep = keep, .cap = 2 * keep};
    s->data = malloc(s->cap * sizeof *s->data);
    if (!s->data) return err_set(err, ERR_NOMEM, "no memory for %zu samples", s->cap);
    return ERR_OK;
}

void phy_stream_deinit(struct phy_stream *s)
{
    if (!s) return;
    free(s->data);
    *s = (struct phy_stream){0};
}

void phy_stream_append(struct phy_stream *s, const float complex *samples, size_t n)
{
    if (s->len + n > s->cap) {
        // twice the memory, so that moving costs less than one copy per sample
        size_t stay = s->keep - n, drop = s->len - stay;
        memmove(s->data, s->data + drop, stay * sizeof *s->data);
        s->first += (int64_t)drop;
        s->len = stay;
    }
    memcpy(s->data + s->len, samples, n * sizeof *samples);
    s->len += n;
}

int64_t phy_stream_end(const struct phy_stream *s)
{
    return s->first + (int64_t)s->len;
}

const float complex *phy_stream_read(const struct phy_stream *s, int64_t from, size_t n,
                                     float complex *scratch)
{
    int64_t to = from + (int64_t)n;
    if (from >= s->first && to <= phy_stream_end(s)) return s->data + (from - s->first);

    memset(scratch, 0, n * sizeof *scratch);
    int64_t a = from > s->first ? from : s->first;
    int64_t b = to < phy_stream_end(s) ? to : phy_stream_end(s);
    if (a < b)
        memcpy(scratch + (a - from), s->data + (a - s->first), (size_t)(b - a) * sizeof *scratch);
    return scratch;
}
