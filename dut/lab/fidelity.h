// How a real unit is worse than arithmetic: what leaks, wanders, settles and comes too late.
//
// A pure value, one for each unit; all zero is a perfect one. docs/LAB.md has the statement of
// scenarios that sets it. What wanders is a function of (key, time) alone.
#ifndef DUT_LAB_FIDELITY_H
#define DUT_LAB_FIDELITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/lab/clock.h"

struct fidelity {
    double leak;      // of the transmit LO, amplitude against full scale
    bool takeover;    // tone generators come on whenever no transmit stream is open
    bool calibration; // a retune of more than 100 MHz, or another rate, sends at full drive
    unsigned stale;   // at most so many blocks of a receive stream are late after a pause
    double settle_s;  // the receiver's gain goes to a new value with this time constant
    double dc;        // offset of the receiver, amplitude against full scale
    double image;     // of receiver and transmitter, amplitude against the signal
    double phase_rad; // of either LO, rms
    double drift;     // of the crystal over minutes, amplitude in parts of one
    int64_t drift_period_ns;
};

/// Takes "leak=-50dB", "takeover" … ERR_USAGE lists what there is.
FOX_CHECK int fidelity_take(struct fidelity *f, const char *word, struct err *err);
/// Words that fidelity_take knows, for messages.
extern const char fidelity_words[];

// What an LO has turned too far.
struct wander {
    const struct fidelity *of; // lent
    uint64_t crystal_key;      // one for each unit
    uint64_t lo_key;           // one for each LO
    double lo_hz;
    int64_t known; // the chunk whose ends are in `ends`; -1: none
    double ends[2];
};

/// Does it turn at all?
bool wander_exists(const struct wander *w);
/// Turns n complex samples from index `first` of the clock on by what the LO has wandered,
/// times `sign`: +1 for what it sends, -1 for what it receives. The same whatever the split.
void wander_turn(struct wander *w, const struct sample_clock *clock, int64_t first, size_t n,
                 int sign, float *iq);
/// The phase at t_s, in radians.
double wander_phase(const struct wander *w, double t_s);

#endif
