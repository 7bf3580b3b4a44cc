// From soft bits to a body that the caller's check accepts: plain path, tracked path, then a short
// list of the likeliest symbol errors. Pure.
#ifndef BENCH_PHY_DECIDE_H
#define BENCH_PHY_DECIDE_H

#include "bench/phy/demod.h"
#include "bench/phy/receive.h"

/// Fills body, body_plain, soft, how and checked of `burst` by the weakest method that suffices.
void phy_decide(const struct phy_receive_config *config, const struct phy_demodulated *demodulated,
                struct phy_burst *burst);

#endif
