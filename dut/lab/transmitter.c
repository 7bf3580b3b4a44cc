#include "dut/lab/transmitter.h"

#include <stdlib.h>
#include <string.h>

enum { CYCLE_MIN = 16384 };

static void drop(struct transmitter *t, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        free(t->blocks[i].iq);
    memmove(&t->blocks[from], &t->blocks[to], (t->n_blocks - to) * sizeof *t->blocks);
    t->n_blocks -= to - from;
}

void transmitter_begin(struct transmitter *t, const struct sample_clock *clock, int64_t delay,
                       int64_t now_ns, bool cyclic)
{
    if (t->n_blocks) drop(t, 0, t->n_blocks);
    t->open = true;
    t->cyclic = cyclic;
    t->running = false;
    t->underflow = false;
    t->streams++;
    t->clock = *clock;
    t->delay = delay;
    t->played = t->end = clock_index(clock, now_ns);
}

void transmitter_end(struct transmitter *t)
{
    if (t->cyclic && t->n_blocks) { // what has been played of it, for who is late
        struct transmit_block *b = &t->blocks[0];
        b->first += (t->played - b->first) / (int64_t)b->n * (int64_t)b->n;
    }
    t->cyclic = false;
    t->open = t->running = false;
    size_t kept = 0;
    while (kept < t->n_blocks && t->blocks[kept].first < t->played) {
        struct transmit_block *b = &t->blocks[kept++];
        if (b->first + (int64_t)b->n > t->played) b->n = (size_t)(t->played - b->first);
    }
    if (kept < t->n_blocks) drop(t, kept, t->n_blocks);
}

void transmitter_deinit(struct transmitter *t)
{
    if (t->n_blocks) drop(t, 0, t->n_blocks);
    free(t->blocks);
    t->blocks = NULL;
    t->cap = 0;
}

static bool all_zero(const int16_t *iq, size_t n)
{
    return iq[0] == 0 && memcmp(iq, iq + 1, (n - 1) * sizeof *iq) == 0;
}

// Short blocks are repeated until a turn is long enough to be handled as one stretch.
static int16_t *repeat_take(int16_t *iq, size_t *n)
{
    size_t times = (CYCLE_MIN + *n - 1) / *n;
    int16_t *more = realloc(iq, times * *n * 2 * sizeof *iq);
    if (!more) return iq;
    for (size_t k = 1; k < times; k++)
        memcpy(more + 2 * k * *n, more, *n * 2 * sizeof *iq);
    *n *= times;
    return more;
}

int transmitter_push_take(struct transmitter *t, int64_t now_ns, int16_t *iq, size_t n,
                          struct err *err)
{
    if (t->cyclic && t->running) {
        free(iq);
        return err_set(err, ERR_BUSY, "a cyclic stream takes one block");
    }
    if (t->cyclic) iq = repeat_take(iq, &n);
    if (t->n_blocks == t->cap) {
        size_t cap = t->cap ? 2 * t->cap : 16;
        struct transmit_block *more = realloc(t->blocks, cap * sizeof *more);
        if (!more) {
            free(iq);
            return err_set(err, ERR_NOMEM, "a block of %zu samples to transmit", n);
        }
        t->blocks = more;
        t->cap = cap;
    }
    transmitter_settle(t, now_ns);
    if (!t->running) t->end = clock_index(&t->clock, now_ns) + t->delay;
    t->running = true;
    if (all_zero(iq, 2 * n)) {
        free(iq);
        iq = NULL;
    }
    t->blocks[t->n_blocks++] = (struct transmit_block){.iq = iq, .n = n, .first = t->end};
    t->end += (int64_t)n;
    return ERR_OK;
}

// The index behind the oldest block that keeps a client waiting; false when none does.
static bool oldest_needed(const struct transmitter *t, int64_t *end)
{
    if (t->n_blocks < t->depth) return false;
    const struct transmit_block *b = &t->blocks[t->n_blocks - t->depth];
    *end = b->first + (int64_t)b->n;
    return true;
}

bool transmitter_has_room(const struct transmitter *t, int64_t now_ns)
{
    int64_t end;
    if (t->cyclic) return true;
    return !oldest_needed(t, &end) || end - t->delay <= clock_index(&t->clock, now_ns);
}

int64_t transmitter_room_ns(const struct transmitter *t)
{
    int64_t end;
    if (!oldest_needed(t, &end)) return 0;
    // Rounded up: at this time the sample has been taken.
    return clock_time_ns(&t->clock, end - t->delay) + 1;
}

void transmitter_settle(struct transmitter *t, int64_t now_ns)
{
    if (!t->running || t->cyclic || t->end - t->delay >= clock_index(&t->clock, now_ns)) return;
    t->running = false;
    t->underflow = true;
}

static bool silent(const struct transmit_block *b, size_t k)
{
    return b->iq[2 * k] == 0 && b->iq[2 * k + 1] == 0;
}

// One turn of a cyclic stream at most.
static bool play_turn(struct transmitter *t, int64_t to, struct transmit_block *out)
{
    const struct transmit_block *b = &t->blocks[0];
    int64_t from = t->played > b->first ? t->played : b->first, n = (int64_t)b->n;
    if (!b->iq || from >= to) {
        if (t->played < to) t->played = to;
        return false;
    }
    int64_t at = (from - b->first) % n, last = at + (to - from) < n ? at + (to - from) : n;
    t->played = from + last - at;
    *out = (struct transmit_block){.iq = b->iq + 2 * at, .n = (size_t)(last - at), .first = from};
    return true;
}

bool transmitter_play(struct transmitter *t, int64_t to, struct transmit_block *out)
{
    if (t->cyclic && t->n_blocks) return play_turn(t, to, out);
    for (size_t i = 0; i < t->n_blocks && t->played < to; i++) {
        const struct transmit_block *b = &t->blocks[i];
        int64_t end = b->first + (int64_t)b->n < to ? b->first + (int64_t)b->n : to;
        int64_t from = t->played > b->first ? t->played : b->first;
        if (from >= end) continue;
        t->played = end;
        if (!b->iq) continue;
        size_t first = (size_t)(from - b->first), last = (size_t)(end - b->first);
        while (first < last && silent(b, first))
            first++;
        while (first < last && silent(b, last - 1))
            last--;
        if (first == last) continue;
        *out = (struct transmit_block){
            .iq = b->iq + 2 * first, .n = last - first, .first = b->first + (int64_t)first};
        return true;
    }
    if (t->played < to) t->played = to;
    return false;
}

void transmitter_copy(const struct transmitter *t, int64_t first, size_t n, int16_t *iq)
{
    memset(iq, 0, n * 2 * sizeof *iq);
    int64_t end = first + (int64_t)n;
    if (t->cyclic && t->n_blocks && t->blocks[0].iq) {
        const struct transmit_block *b = &t->blocks[0];
        for (int64_t k = first > b->first ? first : b->first; k < end; k++)
            memcpy(iq + 2 * (k - first), b->iq + 2 * ((k - b->first) % (int64_t)b->n),
                   2 * sizeof *iq);
        return;
    }
    for (size_t i = 0; i < t->n_blocks; i++) {
        const struct transmit_block *b = &t->blocks[i];
        int64_t from = b->first > first ? b->first : first;
        int64_t to = b->first + (int64_t)b->n < end ? b->first + (int64_t)b->n : end;
        if (from >= to || !b->iq) continue;
        memcpy(iq + 2 * (from - first), b->iq + 2 * (from - b->first),
               (size_t)(to - from) * 2 * sizeof *iq);
    }
}

void transmitter_forget(struct transmitter *t, int64_t before)
{
    if (t->cyclic) return;
    if (before > t->played) before = t->played;
    size_t gone = 0;
    // The kernel's blocks count until they have been taken, which is before they are on air.
    while (gone < t->n_blocks && t->blocks[gone].first + (int64_t)t->blocks[gone].n <= before)
        gone++;
    if (gone) drop(t, 0, gone);
}
