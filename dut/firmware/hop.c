#include "dut/firmware/hop.h"

enum { STATES = 16384, FACTOR = 61 };

void hop_init(struct hop *h, uint32_t device_id, uint32_t start)
{
    h->state = start % STATES;
    // Odd, and FACTOR - 1 divides by 4: every state comes once in a period.
    h->increment = FACTOR * ((device_id & 0xffff) + 1) % STATES | 1;
}

double hop_next_hz(struct hop *h, const struct sfx_zone *zone, uint32_t below_hz, uint32_t above_hz)
{
    const uint32_t band_hz = (uint32_t)SFX_ZONE_BAND_HZ, guard_hz = (uint32_t)zone->guard_hz;
    const uint64_t width = band_hz - 2 * guard_hz;
    for (;;) {
        h->state = (FACTOR * h->state + h->increment) % STATES;
        uint32_t place = (uint32_t)(width * h->state / (STATES - 1));
        if (place >= below_hz && place + above_hz <= width)
            return zone->uplink_hz - band_hz / 2 + guard_hz + place;
    }
}
