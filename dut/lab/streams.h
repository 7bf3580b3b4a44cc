// The lab's sample streams: who moves time, how far one may be ahead of another, and what must be
// kept until everybody has heard it.
//
// Works on the lab it is given; one thread.
#ifndef DUT_LAB_STREAMS_H
#define DUT_LAB_STREAMS_H

#include <stdint.h>

#include "bench/base/err.h"
#include "dut/lab/iiod.h"

struct lab;

/// What the protocol servers of this lab ask; ctx is the lab.
struct iiod_host streams_host(struct lab *lab);
/// Time moves to until_ns, with everything that the units transmit until then.
FOX_CHECK int streams_advance(struct lab *lab, int64_t until_ns, struct err *err);
/// Drops what every open stream and every listening device has passed.
void streams_forget_old(struct lab *lab);
/// From now on time runs at wall rate while nobody receives, as after the first stream.
void streams_go_live(struct lab *lab);
/// Wall time, for patience alone.
int64_t streams_wall_ns(void);

#endif
