#include "bench/radio/tx_queue.h"

#include <stdlib.h>
#include <string.h>

enum {
    BURSTS_MAX = 256,
    SAMPLES_MAX = 1 << 26 // 256 MiB: two minutes at the usual rate
};

void tx_queue_deinit(struct tx_queue *q)
{
    for (size_t i = 0; i < q->n; i++)
        free(q->bursts[i].iq);
    free(q->bursts);
    *q = (struct tx_queue){.next = q->next};
}

int tx_queue_add(struct tx_queue *q, int64_t first, const int16_t *iq, size_t n, struct err *err)
{
    if (n == 0) return ERR_OK;
    if (first < q->next)
        return err_set(
            err, ERR_LIMIT,
            "transmit stream: a burst at sample %lld comes too late, the stream has been "
            "sent up to sample %lld; ask earlier",
            (long long)first, (long long)q->next);
    if (q->n == BURSTS_MAX || n > SAMPLES_MAX - q->samples)
        return err_set(err, ERR_LIMIT,
                       "transmit stream: expected at most %d bursts and %d samples to wait, this "
                       "would make %zu and %zu; send fewer or shorter bursts at a time",
                       BURSTS_MAX, SAMPLES_MAX, q->n + 1, q->samples + n);
    if (q->n == q->cap) {
        size_t cap = q->cap ? 2 * q->cap : 8;
        struct tx_burst *more = realloc(q->bursts, cap * sizeof *more);
        if (!more) return err_set(err, ERR_NOMEM, "transmit stream: out of memory");
        q->bursts = more;
        q->cap = cap;
    }
    int16_t *copy = malloc(2 * n * sizeof *copy);
    if (!copy) return err_set(err, ERR_NOMEM, "transmit stream: out of memory");
    memcpy(copy, iq, 2 * n * sizeof *copy);
    q->bursts[q->n++] = (struct tx_burst){.first = first, .n = n, .iq = copy};
    q->samples += n;
    return ERR_OK;
}

static int16_t add_limited(int a, int b)
{
    int sum = a + b;
    return (int16_t)(sum > INT16_MAX ? INT16_MAX : sum < -INT16_MAX ? -INT16_MAX : sum);
}

void tx_queue_take(struct tx_queue *q, int16_t *out, size_t n)
{
    memset(out, 0, 2 * n * sizeof *out);
    int64_t end = q->next + (int64_t)n;
    size_t kept = 0;
    for (size_t i = 0; i < q->n; i++) {
        struct tx_burst *b = &q->bursts[i];
        int64_t b_end = b->first + (int64_t)b->n;
        int64_t from = b->first > q->next ? b->first : q->next;
        int64_t to = b_end < end ? b_end : end;
        for (int64_t k = 2 * from; k < 2 * to; k++) {
            int16_t *o = &out[k - 2 * q->next];
            *o = add_limited(*o, b->iq[k - 2 * b->first]);
        }
        if (b_end > end) {
            q->bursts[kept++] = *b;
        } else {
            q->samples -= b->n;
            free(b->iq);
        }
    }
    q->n = kept;
    q->next = end;
}
