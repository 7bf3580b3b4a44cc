#include "dut/firmware/budget.h"

#include "dut/port/client.h"

static const int64_t hour_ns = 3600 * DEVPORT_SECOND, day_ns = 24 * 3600 * DEVPORT_SECOND;
static const int64_t hourly_ns = 36 * DEVPORT_SECOND; // 1 %

// More frames than the ring holds do not fit into an hour's budget: the shortest lasts 1.12 s.
static int64_t spent_ns(const struct budget *b, int64_t now_ns)
{
    int64_t sum_ns = 0;
    for (size_t i = 0; i < BUDGET_FRAMES_MAX && i < b->n_frames; i++)
        if (b->frames[i].end_ns > now_ns - hour_ns) sum_ns += b->frames[i].lasts_ns;
    return sum_ns;
}

static bool day_is_full(const struct budget *b, int64_t now_ns)
{
    if (b->n_messages < BUDGET_MESSAGES_PER_DAY) return false;
    return b->messages_ns[b->n_messages % BUDGET_MESSAGES_PER_DAY] > now_ns - day_ns;
}

bool budget_allows(const struct budget *b, int64_t now_ns, bool duty_cycle, int64_t lasts_ns)
{
    if (b->lifted) return true;
    if (day_is_full(b, now_ns)) return false;
    return !duty_cycle || spent_ns(b, now_ns) + lasts_ns <= hourly_ns;
}

void budget_book_message(struct budget *b, int64_t now_ns)
{
    b->messages_ns[b->n_messages++ % BUDGET_MESSAGES_PER_DAY] = now_ns;
}

void budget_book_frame(struct budget *b, int64_t end_ns, int64_t lasts_ns)
{
    struct budget_frame *f = &b->frames[b->n_frames++ % BUDGET_FRAMES_MAX];
    f->end_ns = end_ns;
    f->lasts_ns = lasts_ns;
}
