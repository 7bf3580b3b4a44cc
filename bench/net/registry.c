#include "bench/net/registry.h"

#include <math.h>
#include <string.h>

bool registry_had(const struct registry_device *d, unsigned counter)
{
    return counter < SFX_COUNTER_MODULUS_MAX && (d->used[counter / 8] >> counter % 8 & 1);
}

// The counter has come to `to`: what it passed over belongs to a new round and may be used again.
static void move_counter(struct registry_device *d, unsigned to)
{
    unsigned modulus = d->facts.modulus;
    unsigned steps = d->counter_known ? sfx_counter_step(d->last, to, modulus) : 0;
    if (d->counter_known && to < d->last) d->rollovers++;
    for (unsigned i = 1; i <= steps; i++) {
        unsigned c = (d->last + i) % modulus;
        d->used[c / 8] &= (uint8_t) ~(1u << c % 8);
    }
    d->used[to / 8] |= (uint8_t)(1u << to % 8);
    d->last = (uint16_t)to;
    d->counter_known = true;
}

static bool same_message(const struct sfx_uplink *a, const struct sfx_uplink *b)
{
    return a->counter == b->counter && a->class == b->class && a->li == b->li &&
           a->bidirectional == b->bidirectional && a->payload_len == b->payload_len &&
           memcmp(a->payload, b->payload, a->payload_len) == 0 && a->tag_len == b->tag_len &&
           memcmp(a->tag, b->tag, a->tag_len) == 0;
}

static bool is_repetition(const struct registry_device *d, const struct sfx_uplink *up, double t_s)
{
    for (unsigned i = 0; i < REGISTRY_RECENT; i++) {
        const struct registry_message *m = &d->recent[i];
        if (m->used && fabs(t_s - m->first_s) <= JUDGE_MERGE_S && same_message(&m->up, up))
            return true;
    }
    return false;
}

// A counter outside the window is either one that the device has had, or one it should not have
// yet. Without a memory of it, the nearer direction decides.
static enum judge_verdict outside_window(const struct registry_device *d, unsigned counter)
{
    if (counter >= d->facts.modulus) return JUDGE_OUT_OF_WINDOW;
    unsigned step = sfx_counter_step(d->last, counter, d->facts.modulus);
    return step == 0 || registry_had(d, counter) || step > d->facts.modulus / 2
               ? JUDGE_REPLAY
               : JUDGE_OUT_OF_WINDOW;
}

enum judge_verdict registry_judge(const struct registry_device *d, const struct sfx_uplink *up,
                                  double t_s)
{
    unsigned modulus = d->facts.modulus;
    if (is_repetition(d, up, t_s)) return JUDGE_REPETITION;
    if (!d->counter_known) return up->counter < modulus ? JUDGE_ACCEPTED : JUDGE_OUT_OF_WINDOW;
    if (sfx_counter_accept(d->last, up->counter, modulus, d->facts.window)) return JUDGE_ACCEPTED;
    return outside_window(d, up->counter);
}

void registry_accept(struct registry_device *d, const struct sfx_uplink *up, double t_s)
{
    d->before_s = d->counter_known ? d->last_s : t_s;
    move_counter(d, up->counter);
    d->last_s = t_s;
    d->silence_told = false;
    struct registry_times *times = up->class == SFX_CLASS_CONTROL ? &d->controls : &d->messages;
    times->t_s[times->total++ % REGISTRY_TIMES_MAX] = t_s;
    d->recent[d->next_recent] = (struct registry_message){.used = true, .first_s = t_s, .up = *up};
    d->next_recent = (d->next_recent + 1) % REGISTRY_RECENT;
}

void registry_disengage(struct registry_device *d)
{
    d->counter_known = false;
    d->last = 0;
    memset(d->used, 0, sizeof d->used);
    memset(d->recent, 0, sizeof d->recent);
}
