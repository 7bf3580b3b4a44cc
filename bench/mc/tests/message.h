// Whole messages of three ranks through the receiver that combines them, counted: for benchmarks.
#ifndef BENCH_MC_TESTS_MESSAGE_H
#define BENCH_MC_TESTS_MESSAGE_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"

struct message_tally {
    unsigned sent;
    unsigned lost;
    unsigned wrong; // frames with a right CRC that nobody sent
};

/// Adds 24 messages of class C at 100 bit/s, each rank at this Eb/N0, the ranks 0.1 s apart on
/// frequencies of their own.
FOX_CHECK int message_stream(double ebn0_db, uint64_t seed, struct message_tally *t,
                             struct err *err);

#endif
