// Takes steady carriers beside a burst out of its samples: a receiver's DC, a spur, a jammer.
//
// A burst has no line of its own that holds much of its power so far from its carrier, so a line
// that does is another's. One thread.
#ifndef BENCH_PHY_LINES_H
#define BENCH_PHY_LINES_H

#include <complex.h>
#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"

struct phy_lines;

/// n_max: most samples of a burst.
FOX_CHECK int phy_lines_new(struct phy_lines **out, size_t n_max, struct err *err);
/// Accepts NULL.
void phy_lines_free(struct phy_lines *l);
/// True when there was one. y: n samples, PHY_OVERSAMPLE a symbol, the burst near zero frequency.
bool phy_lines_remove(struct phy_lines *l, float complex *y, size_t n);

#endif
