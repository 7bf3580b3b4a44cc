// Frames through the receiver, counted: for benchmarks and for tests that compare it with theory.
// Signals are made by synth.h, which shares nothing with the receiver.
#ifndef BENCH_PHY_TESTS_FER_H
#define BENCH_PHY_TESTS_FER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/phy/receive.h"
#include "bench/phy/tests/synth.h"

enum { FER_PER_STREAM_MAX = 32 };

struct fer_config {
    double rate_hz;
    double side_hz;    // bursts lie this far from the centre at most, side by side
    size_t per_stream; // bursts at once
    int class;         // 0: A … 4: E
    double bit_rate;
    double ebn0_db;
    double drift_hz_s; // at most, either way
    double rho;
    double noise_rms;
    // The packet of burst number `index` (20 bytes of room); NULL: random bytes.
    void (*packet)(void *ctx, uint64_t index, uint8_t *out);
    // Changes the n samples of a stream before they are received; may be NULL.
    void (*disturb)(void *ctx, const struct synth *s, size_t n, int16_t *iq);
    // Whether a wrong frame whose CRC is right would be believed; NULL: yes.
    bool (*believes)(void *ctx, const struct phy_burst *burst);
    // What the sender's key says of a body that list decoding made up, as in phy_receive_config.
    enum phy_vouch (*vouch)(const void *ctx, size_t sync, const uint8_t *body);
    void *ctx;
};

struct fer_tally {
    unsigned sent, found;          // found, whether decided right or not
    unsigned plain, tracked, list; // right by these paths; each includes those before
    unsigned wrong;                // accepted by its CRC, and not what was sent
    unsigned believed;             // of them
    // sums of squared errors of right frames
    double f_mid_hz2, drift_hz_s2, start_symbols2;
    double bound_f2, bound_drift2, bound_start2; // and of their Cramer-Rao bounds
    unsigned measured;
};

/// Class C at 100 bit/s, 24 bursts over 192 kHz at 250 kS/s.
struct fer_config fer_config_default(double ebn0_db);
/// Bits of a body.
size_t fer_bits(const struct fer_config *c);
/// One stream, added to the tally. The seed decides everything random.
FOX_CHECK int fer_stream(const struct fer_config *c, uint64_t seed, struct fer_tally *t,
                         struct err *err);

/// Loss of a frame, bit errors taken as independent.
double fer_theory_plain(double ebn0_db, size_t bits);
double fer_theory_tracked(double ebn0_db, size_t bits);
/// The Eb/N0 at which a theory gives this loss.
double fer_theory_point(double (*theory)(double, size_t), size_t bits, double loss);

#endif
