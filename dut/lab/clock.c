#include "dut/lab/clock.h"

static const int64_t ns_uhz = 1000000000000000; // 1e9 ns/s times 1e6 uHz/Hz

static int64_t floor_div(__int128 a, int64_t b)
{
    __int128 q = a / b;
    return (int64_t)(a % b < 0 ? q - 1 : q);
}

int64_t clock_time_ns(const struct sample_clock *c, int64_t index)
{
    return c->base_ns + floor_div((__int128)(index - c->base_index) * ns_uhz, c->rate_uhz);
}

int64_t clock_index(const struct sample_clock *c, int64_t t_ns)
{
    // The first index whose exact time is not before t_ns: round up.
    int64_t below = floor_div(-(__int128)(t_ns - c->base_ns) * c->rate_uhz, ns_uhz);
    return c->base_index - below;
}

void clock_set_rate(struct sample_clock *c, int64_t index, int64_t rate_uhz)
{
    c->base_ns = clock_time_ns(c, index);
    c->base_index = index;
    c->rate_uhz = rate_uhz;
}

long double clock_seconds_since(const struct sample_clock *c, int64_t index, int64_t t_ns)
{
    return (long double)(index - c->base_index) * 1e6L / (long double)c->rate_uhz +
           (long double)(c->base_ns - t_ns) * 1e-9L;
}
