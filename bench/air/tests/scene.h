// Random scenes with their truth: what recordings of the ether hold, for scoring the receiver.
//
// A kind is a sort of trouble (weak bursts, a neighbour, a jammer, a faulty front end …); each
// number of a kind is another scene of it, always the same. Modulator, noise and faults share
// nothing with the receiver.
#ifndef BENCH_AIR_TESTS_SCENE_H
#define BENCH_AIR_TESTS_SCENE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/phy/tests/synth.h"

enum { SCENE_BURSTS_MAX = 40, SCENE_JAMMERS_MAX = 4, SCENE_PACKET_MAX = 22 };

struct scene_burst {
    char hex[SYNTH_HEX];
    uint8_t packet[SCENE_PACKET_MAX]; // with its CRC
    size_t packet_len;
    unsigned rank;
    double bit_rate;
    double t_s; // of the reference symbol
    double f_hz;
    double drift_hz_s;
    double ebn0_db;
    double rho;
    bool cut; // by an end of the recording: whether it is read is not counted
};

enum scene_jammer_kind {
    SCENE_JAMMER_CW,
    SCENE_JAMMER_NOISE, // band of bw_hz
    SCENE_JAMMER_SWEEP, // over bw_hz in period_s
    SCENE_JAMMER_BPSK,  // random bits at 100 bit/s
};

struct scene_jammer {
    enum scene_jammer_kind kind;
    double f_hz;
    double bw_hz;
    double period_s;
    double duty; // part of each period in which it sends
    double jn0_dbhz;
    double t0_s;
    double t1_s;
};

struct scene {
    double rate_hz;
    double seconds;
    double noise_rms; // of each component, in words
    uint64_t key;
    struct scene_burst bursts[SCENE_BURSTS_MAX];
    size_t n_bursts;
    struct scene_jammer jammers[SCENE_JAMMERS_MAX];
    size_t n_jammers;
    double dc_i, dc_q; // words
    double iq_gain_db, iq_phase_deg;
    double phase_deg_symbol; // random walk of every burst's phase, per symbol
    double limit;            // words at which the front end clips
};

/// The name of kind `kind`, or NULL after the last.
const char *scene_kind_name(size_t kind);
void scene_make(size_t kind, uint64_t number, struct scene *out);
/// 2 * n words, to be freed; NULL when memory is out.
int16_t *scene_render(const struct scene *s, size_t *n);

struct scene_score {
    size_t sent;           // bursts that count
    size_t right;          // reported once, where and as they were sent
    size_t ghosts;         // further reports of something sent
    size_t wrong;          // reports of what nobody sent
    size_t list, combined; // of the right ones
};

/// Receives the scene as `foxbench decode` does and compares. `verbose`: prints what is missed,
/// doubled or wrong.
struct scene_score scene_run(const struct scene *s, bool verbose);

#endif
