// Window functions for filters. Pure.
#ifndef BENCH_PHY_WINDOW_H
#define BENCH_PHY_WINDOW_H

/// Kaiser's window at `position` in -1 … 1.
double phy_window_kaiser(double position, double beta);

#endif
