// What the parts of `foxbench decode` share.
#ifndef BENCH_CMD_DECODE_H
#define BENCH_CMD_DECODE_H

#include "bench/air/receive.h"
#include "bench/cmd_decode_keys.h"
#include "lua/bind/ring.h"

struct decode {
    const char *path;
    bool json;
    bool plain;
    bool all;
    struct decode_keys keys;
    size_t n_frames;
    size_t n_clipped; // of them, with samples at full scale
    double rate_hz;
    struct iq_ring ring; // the last samples, for measuring; none without --json
};

/// One line on standard output, if the options want this frame.
FOX_CHECK int decode_print_frame(struct decode *d, const struct air_frame *f, struct err *err);

#endif
