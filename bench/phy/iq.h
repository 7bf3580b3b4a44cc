// Complex samples as a radio delivers them, with their place on the sample clock.
#ifndef BENCH_PHY_IQ_H
#define BENCH_PHY_IQ_H

#include <stddef.h>
#include <stdint.h>

enum {
    IQ_FULL_SCALE_RX =
        2047, // a Pluto's 12-bit words, sign-extended, least significant bits aligned
    IQ_FULL_SCALE_TX = 32767
};

enum iq_flag {
    IQ_FLAG_OVERFLOW =
        1, // the hardware reports that samples were lost somewhere before or inside this block
    IQ_FLAG_CLIPPED = 2 // at least one component is at full scale
};

// One block of a receive stream. `iq` is lent by the radio until its next call: I0, Q0, I1, Q1, …
struct iq_block {
    int64_t first_sample; // index on the stream's clock, 0 = first sample ever delivered
    size_t n_samples;
    const int16_t *iq;
    unsigned flags; // enum iq_flag
};

#endif
