#include "dut/firmware/hop.h"

#include <stdbool.h>

enum { STATES = 16384, FACTOR = 61, CHANNEL_HZ = 25000, CHANNEL_GUARD_HZ = 2000 };

void hop_init(struct hop *h, uint32_t device_id, uint32_t start)
{
    h->state = start % STATES;
    // Odd, and FACTOR - 1 divides by 4: every state comes once in a period.
    h->increment = FACTOR * ((device_id & 0xffff) + 1) % STATES | 1;
}

void hop_new_message(struct hop *h)
{
    h->used = 0;
}

// The allowed band of a hopping zone is the six inner micro-channels of its macro-channel, edge to
// edge: each is taken once a message, and its own edges stay free.
static bool take_channel(struct hop *h, uint32_t place)
{
    const uint32_t bit = 1u << place / CHANNEL_HZ, within_hz = place % CHANNEL_HZ;
    if (within_hz < CHANNEL_GUARD_HZ || within_hz > CHANNEL_HZ - CHANNEL_GUARD_HZ) return false;
    if (h->used & bit) return false;
    h->used |= bit;
    return true;
}

double hop_next_hz(struct hop *h, const struct sfx_zone *zone, uint32_t below_hz, uint32_t above_hz)
{
    const uint32_t band_hz = (uint32_t)SFX_ZONE_BAND_HZ, guard_hz = (uint32_t)zone->guard_hz;
    const uint64_t width = band_hz - 2 * guard_hz;
    for (;;) {
        h->state = (FACTOR * h->state + h->increment) % STATES;
        uint32_t place = (uint32_t)(width * h->state / (STATES - 1));
        if (place < below_hz || place + above_hz > width) continue;
        if (zone->access != SFX_ACCESS_HOPPING || take_channel(h, place))
            return zone->uplink_hz - band_hz / 2 + guard_hz + place;
    }
}
