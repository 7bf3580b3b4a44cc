// Arithmetic of the message counter: roll-over and the network's acceptance window. protocol.md
// section 5. Pure.
//
// A counter is 12 bits on air and rolls over at a modulus that the maker chose. A window as large
// as the modulus accepts every counter but the last one: that is the rule's weakness, not ours to
// mend.
#ifndef BENCH_SFX_COUNTER_H
#define BENCH_SFX_COUNTER_H

#include <stdbool.h>

enum {
    SFX_COUNTER_MODULUS_MAX = 4096,
    SFX_WINDOW_MIN = 20,
    SFX_MESSAGES_PER_DAY_MAX = 140 // the highest public subscription class
};

/// 128, 256, 512, 1024, 2048 or 4096.
bool sfx_counter_modulus_ok(unsigned modulus);
/// How far `to` lies ahead of `from`: 0 … modulus - 1.
unsigned sfx_counter_step(unsigned from, unsigned to, unsigned modulus);
/// The counter after this one.
unsigned sfx_counter_next(unsigned counter, unsigned modulus);
/// W = max(3 x messages allowed per day, 20).
unsigned sfx_counter_window(unsigned messages_per_day);
/// 0 < step <= window, for a counter that the modulus allows at all.
bool sfx_counter_accept(unsigned last, unsigned received, unsigned modulus, unsigned window);

#endif
