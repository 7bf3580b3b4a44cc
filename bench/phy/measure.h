// Measures one burst whose symbols are known: motion, modulation, envelope, power and spectrum,
// each with a standard uncertainty, or void with the reason why.
//
// Pure; the caller owns samples and results. Any thread. It costs about a hundredth of the burst's
// own time at 520 kS/s, so nobody measures unless somebody asks. Noise is taken from the samples
// beside the burst: give PHY_MEASURE_SIDE symbols of them on either side where they exist.
//
// Frequencies are relative to the receiver's oscillator, times to its sample clock; their
// uncertainties hold the noise, not those clocks' errors.
#ifndef BENCH_PHY_MEASURE_H
#define BENCH_PHY_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/phy/demod.h"

enum { PHY_MEASURE_SIDE = 16, PHY_MASK_POINTS = 5 };

enum phy_measure_group {
    PHY_MEASURE_MOTION,
    PHY_MEASURE_QUALITY,
    PHY_MEASURE_POWER,
    PHY_MEASURE_ENVELOPE,
    PHY_MEASURE_SPECTRUM
};

enum phy_quantity {
#define PHY_QUANTITY(name, unit, decimals, group) PHY_QUANTITY_##name,
#include "bench/phy/measure.def"
    PHY_QUANTITIES
};

struct phy_value {
    double value;
    double u;        // standard uncertainty; below 0: not known
    const char *why; // it is void; NULL: it is valid. Static text
};

// One offset at which the spectrum is measured, in multiples of the bit rate: the power in `width`
// around it, relative to the burst's.
struct phy_mask_point {
    double offset;
    double width;
    double limit_dbc; // above 0: no limit, reported only
    const char *mark; // of the limit: C read in the source, D derived, P placeholder, ASSUMED
};

struct phy_mask_value {
    struct phy_mask_point point;
    // Below the noise, their value is what the power is at most.
    struct phy_value below_dbc; // on the lower side
    struct phy_value above_dbc;
};

struct phy_measure_burst {
    double start_sample; // of the reference symbol, from the samples' beginning
    double f_hz;         // at start_sample
    double drift_hz_s;
    double bit_rate;
    size_t n_symbols;
    float sign[PHY_SYMBOLS_MAX]; // +1 or -1
};

struct phy_measure_config {
    double rate_hz;
    bool calibrated;       // the next two are known
    double full_scale_dbm; // power at the connector that gives 0 dBFS
    double full_scale_u_db;
    const struct phy_mask_point *mask; // PHY_MASK_POINTS of them; NULL: phy_mask_default
};

struct phy_measurement {
    struct phy_value q[PHY_QUANTITIES];
    struct phy_mask_value mask[PHY_MASK_POINTS];
};

/// protocol.md 1.1 names the offsets; no source of limits could be read.
extern const struct phy_mask_point phy_mask_default[PHY_MASK_POINTS];

/// iq: n samples (I, Q, …). ERR_INVALID: the samples do not hold the burst; ERR_CHECK: what they
/// hold is no such burst.
FOX_CHECK int phy_measure(const struct phy_measure_config *config, const int16_t *iq, size_t n,
                          const struct phy_measure_burst *burst, struct phy_measurement *out,
                          struct err *err);
/// Fills out[columns * rows] column by column: how much of the burst's amplitude lies at each phase
/// (rows from -90 to 270 degrees; its states lie at 0 and 180) in each stretch of its time
/// (columns).
FOX_CHECK int phy_measure_picture(const struct phy_measure_config *config, const int16_t *iq,
                                  size_t n, const struct phy_measure_burst *burst, size_t columns,
                                  size_t rows, float *out, struct err *err);
/// Cramér-Rao bounds of frequency at mid-burst and drift: standard uncertainties at best, known
/// without measuring.
void phy_measure_bounds(double ebn0_db, size_t n_symbols, double bit_rate, double *f_mid_u_hz,
                        double *drift_u_hz_s);
const char *phy_quantity_name(enum phy_quantity q);
const char *phy_quantity_unit(enum phy_quantity q);
/// A value or an uncertainty of `q`, rounded for the record: equal runs give equal digits.
double phy_quantity_round(enum phy_quantity q, double x);

#endif
