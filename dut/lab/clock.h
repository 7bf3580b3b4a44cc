// Conversions between the lab's time (int64 nanoseconds) and the sample index of a stream.
//
// Pure, exact integer arithmetic. A stream's clock is a line through (base index, base time) that
// is moved when its rate changes, so an index never gets a second time.
#ifndef DUT_LAB_CLOCK_H
#define DUT_LAB_CLOCK_H

#include <stdint.h>

struct sample_clock {
    int64_t base_index;
    int64_t base_ns;
    int64_t rate_uhz; // millionths of a sample a second: keeps a ppm of a slow rate exact
};

/// Time of sample `index`, rounded down.
int64_t clock_time_ns(const struct sample_clock *c, int64_t index);
/// First sample whose time is t_ns or later.
int64_t clock_index(const struct sample_clock *c, int64_t t_ns);
/// From sample `index` on the rate is another one.
void clock_set_rate(struct sample_clock *c, int64_t index, int64_t rate_uhz);
/// Seconds from t_ns to sample `index`; exact enough for the phase of a carrier.
long double clock_seconds_since(const struct sample_clock *c, int64_t index, int64_t t_ns);

#endif
