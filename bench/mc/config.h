// What is simulated: one message under one kind of jammer. Pure data.
#ifndef BENCH_MC_CONFIG_H
#define BENCH_MC_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/sfx/uplink.h"

enum mc_jammer {
#define JAMMER(name, text) MC_JAMMER_##name,
#include "bench/mc/jammers.def"
#undef JAMMER
    MC_JAMMERS
};

enum { MC_RECEIVERS_MAX = 8, MC_POINTS_MAX = 64, MC_THREADS_MAX = 64 };

// Jammer powers are powers while the jammer is on, all of its band together; J/S compares them with
// the frame's mean power.
struct mc_config {
    enum mc_jammer jammer;
    enum sfx_class class;
    double bit_rate; // 100 or 600
    double ebn0_db;  // without the jammer
    unsigned ranks;  // frames sent: 1 or 3
    unsigned jammed; // bit r - 1: the frame of rank r is jammed
    unsigned receivers;
    double spread_db; // standard deviation of J/S between receivers, of one message
    bool tracked;     // phase-tracked detection; false: differential, as the least base station
    double offset_hz; // cw, bpsk, flood, pulse, reactive: placed within plus or minus this
    double band_hz;   // steps, sweep, noise
    double period_s;  // sweep: once over the band; pulse: from one to the next
    double step_hz;   // steps
    double dwell_s;   // steps: on each
    double on_s;      // pulse
    double late_s;    // reactive: after the frame's first symbol
};

const char *mc_jammer_name(enum mc_jammer jammer);
const char *mc_jammer_text(enum mc_jammer jammer);
/// False when there is none of that name.
bool mc_jammer_find(const char *name, enum mc_jammer *out);

/// A class C message of three ranks at 100 bit/s and 20 dB, one receiver, all ranks jammed.
struct mc_config mc_config_default(enum mc_jammer jammer);
/// Where its curve lies, for a table: J/S from … to, in dB.
void mc_config_range(enum mc_jammer jammer, double *from_db, double *to_db);
/// ERR_USAGE says what is wrong and what is allowed.
FOX_CHECK int mc_config_check(const struct mc_config *config, struct err *err);

#endif
