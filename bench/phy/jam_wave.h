// The jammers' waveforms beside the plain carrier of jam.h, centred on the samples' zero frequency.
// Pure; the caller owns the buffer. Any thread.
//
// A jammer's power is its power while it is on, all of its band together, as in the simulation
// (bench/mc). The same wave and length give the same samples.
#ifndef BENCH_PHY_JAM_WAVE_H
#define BENCH_PHY_JAM_WAVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/bytes.h"
#include "bench/base/err.h"

enum phy_jam_shape {
#define SHAPE(name, text) PHY_JAM_##name,
#include "bench/phy/jam.def"
#undef SHAPE
    PHY_JAM_SHAPES
};

struct phy_jam_wave {
    enum phy_jam_shape shape;
    double band_hz;      // steps, sweep, noise: from the lowest to the highest frequency
    double step_hz;      // steps: from one tone to the next
    double dwell_s;      // steps: on each
    double period_s;     // sweep: once over the band; pulse: from one to the next
    double on_s;         // pulse
    double bit_rate;     // bpsk, flood
    const uint8_t *bits; // flood: 0 or 1 each, 0 turns the phase; lent
    size_t n_bits;
    uint64_t seed; // noise, bpsk
};

const char *phy_jam_shape_name(enum phy_jam_shape shape);
/// False when there is none of that name.
bool phy_jam_shape_find(const char *name, enum phy_jam_shape *out);
/// A shape with what the simulation takes for it: period, steps, a noise's band; a tone's band is
/// narrower, so that one radio sees it all. Flood without bits.
struct phy_jam_wave phy_jam_wave_default(enum phy_jam_shape shape);
/// Its numbers, bits aside. ERR_INVALID says what is wrong and what is allowed.
FOX_CHECK int phy_jam_wave_check(const struct phy_jam_wave *wave, struct err *err);
/// Holds 99 % of its power and more.
double phy_jam_wave_bandwidth_hz(const struct phy_jam_wave *wave);
/// Share of the time in which it is on: 1 but for pulse.
double phy_jam_wave_duty(const struct phy_jam_wave *wave);
/// Appends n samples to out_iq as int16 pairs (I, Q), with soft edges of 2 ms at either end.
/// *power (may be NULL) gets the mean power while it is on, 1 being that of a full-scale carrier.
/// ERR_LIMIT: out_iq is too small.
FOX_CHECK int phy_jam_wave_make(const struct phy_jam_wave *wave, double rate_hz, size_t n,
                                struct bytes *out_iq, double *power, struct err *err);

#endif
