// The steps of one measurement, between measure.c and its neighbours; nobody else includes it.
//
// Time is counted in symbols of the nominal bit rate from the reference symbol's beginning as the
// receiver found it; amplitudes are in words. One thread.
#ifndef BENCH_PHY_MEASURE_PARTS_H
#define BENCH_PHY_MEASURE_PARTS_H

#include <complex.h>

#include "bench/phy/measure.h"

// The burst at low rate, its frequency and drift taken out.
struct phy_lowered {
    double per_symbol;  // samples
    double origin;      // symbol time of z[0]
    double pass;        // flat from -pass to +pass bit rates
    double noise_width; // of white noise that comes through, in bit rates, where z[] came flat
    size_t n;
    float complex *z;
};

// What is known after timing and phase have been fitted.
struct phy_motion {
    double middle;  // symbol time of mid-burst
    double stretch; // length of a symbol
    double middle_u, stretch_u;
    double phase, turn, bend; // radians: phase + turn x + bend x^2, x symbols from mid-burst
    double turn_u, bend_u;
    double amplitude;  // mean over symbols
    double transition; // symbols
    double transition_u;
    float complex symbol[PHY_SYMBOLS_MAX]; // means, turned to the positive real axis
};

struct phy_measure_state {
    const struct phy_measure_config *config;
    const struct phy_measure_burst *burst;
    struct phy_lowered wide;   // for the spectrum
    struct phy_lowered narrow; // for all else
    struct phy_motion motion;
    double noise;       // variance of the mean over one symbol, complex
    double noise_u;     // relative
    const char *silent; // why the noise is not known; NULL: it is
    double centre;      // mean amplitude mid-symbol
    const char *disturbed;
    struct phy_measurement *out;
};

/// Whether burst and samples are such that they can be measured.
FOX_CHECK int phy_measure_check(const struct phy_measure_config *config, size_t n,
                                const struct phy_measure_burst *burst, struct err *err);
/// Fills wide and narrow.
FOX_CHECK int phy_measure_lower(struct phy_measure_state *m, const int16_t *iq, size_t n,
                                struct err *err);
/// Mean of z from symbol time a to b; samples count by the part that lies inside.
float complex phy_lowered_mean(const struct phy_lowered *l, double a, double b);
/// Index of the first sample at or after a symbol time, inside 0 … n.
size_t phy_lowered_index(const struct phy_lowered *l, double t);
/// Noise beside the burst.
void phy_measure_noise(struct phy_measure_state *m);
/// Timing, rate, phase, frequency, drift; then turns `narrow` to the real axis. ERR_CHECK: no
/// burst.
FOX_CHECK int phy_measure_motion(struct phy_measure_state *m, struct err *err);
void phy_measure_quality(struct phy_measure_state *m);
void phy_measure_envelope(struct phy_measure_state *m);
FOX_CHECK int phy_measure_spectrum(struct phy_measure_state *m, struct err *err);
/// After the motion: fills out[columns * rows] as phy_measure_picture says.
void phy_measure_phase(const struct phy_measure_state *m, size_t columns, size_t rows, float *out);

static inline void phy_measure_put(struct phy_measure_state *m, enum phy_quantity q, double value,
                                   double u)
{
    m->out->q[q] = (struct phy_value){.value = value, .u = u};
}

static inline void phy_measure_void(struct phy_measure_state *m, enum phy_quantity q,
                                    const char *why)
{
    m->out->q[q] = (struct phy_value){.u = -1, .why = why};
}

#endif
