#include "bench/sfx/counter.h"

bool sfx_counter_modulus_ok(unsigned modulus)
{
    return modulus >= 128 && modulus <= SFX_COUNTER_MODULUS_MAX && (modulus & (modulus - 1)) == 0;
}

unsigned sfx_counter_step(unsigned from, unsigned to, unsigned modulus)
{
    return (to % modulus + modulus - from % modulus) % modulus;
}

unsigned sfx_counter_next(unsigned counter, unsigned modulus)
{
    return (counter + 1) % modulus;
}

unsigned sfx_counter_window(unsigned messages_per_day)
{
    unsigned window = 3 * messages_per_day;
    return window > SFX_WINDOW_MIN ? window : SFX_WINDOW_MIN;
}

bool sfx_counter_accept(unsigned last, unsigned received, unsigned modulus, unsigned window)
{
    if (received >= modulus) return false;
    unsigned step = sfx_counter_step(last, received, modulus);
    return step > 0 && step <= window;
}
