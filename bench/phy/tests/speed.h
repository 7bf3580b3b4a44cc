// How fast the receiver is, beside its own transforms, in one thread: for benchmarks.
#ifndef BENCH_PHY_TESTS_SPEED_H
#define BENCH_PHY_TESTS_SPEED_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"

struct speed_config {
    double rate_hz;
    double low_hz, high_hz;
    double seconds;
    size_t bursts; // at 20 dB, 100 bit/s
    bool bit_rate_100, bit_rate_600;
    unsigned rounds; // the best of them counts
};

struct speed {
    double spent_s; // CPU
    double ffts_s;  // what the receiver's transforms alone take
    size_t right;   // bursts decoded
};

enum { SPEED_BURSTS_MAX = 4096 };

/// CPU time of this thread.
double speed_cpu_s(void);
FOX_CHECK int speed_measure(const struct speed_config *c, struct speed *out, struct err *err);

#endif
