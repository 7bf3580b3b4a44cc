// The burst receiver: samples in, bursts out. Knows preambles and sync words as bit patterns,
// nothing of the protocol above.
//
// A receiver belongs to its caller and to one thread. Samples are pushed in order and without gaps;
// bursts come out in the order in which they end, each exactly once, as soon as their last sample
// (and a fixed latency) has been pushed. Time is counted in input samples: int64 index of the first
// sample pushed = 0.
#ifndef BENCH_PHY_RECEIVE_H
#define BENCH_PHY_RECEIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/phy/iq.h"

enum { PHY_BODY_BITS_MAX = 176, PHY_HEAD_BITS = 32, PHY_SYNC_MAX = 32 };

// One known beginning of a burst: 32 bits (preamble and frame type), and how many bits follow.
struct phy_sync {
    uint32_t head;      // first bit on air = bit 31
    unsigned body_bits; // 80 … 176
};

enum phy_how {
    PHY_HOW_PLAIN,
    PHY_HOW_TRACKED,
    PHY_HOW_LIST,
    PHY_HOW_COMBINED
}; // weakest method that sufficed

struct phy_receive_config {
    double rate_hz; // of the samples, 48 000 … 2 500 000
    double
        low_hz; // band to search, relative to the samples' centre; clipped to what the rate covers
    double high_hz;
    bool bit_rate_100;
    bool bit_rate_600;
    const struct phy_sync *syncs; // copied
    size_t n_syncs;               // at most PHY_SYNC_MAX
    bool plain_only;              // the differential path alone
    double dc_i; // words: the mean of all samples, which is taken from each; 0 when not known
    double dc_q;
    bool unsure; // also bursts too weak to be sure of, for combining: phy_burst.sure is false
    // Tells whether a body (bits packed most significant first) is one that its sender may have
    // sent, for example by its CRC; NULL: no list decoding. Pure and quick.
    bool (*check)(const void *ctx, size_t sync, const uint8_t *body);
    const void *check_ctx;
};

struct phy_burst {
    size_t sync;          // index into config.syncs
    unsigned head_errors; // bits of the head that differ from the pattern
    double start_sample;  // of the reference symbol, on the input clock, fractional
    double f_hz;          // at start_sample, relative to the samples' centre
    double f_mid_hz;      // at mid-burst
    double drift_hz_s;
    double bit_rate;
    double ebn0_db;
    double power_dbfs; // mean over the burst, 0 dBFS = a constant-envelope signal at full scale
    enum phy_how how;
    bool checked; // config.check accepted the body
    bool sure;    // checked, or strong and clean enough to be no chance of noise
    unsigned body_bits;
    uint8_t body[PHY_BODY_BITS_MAX / 8];       // hard bits, most significant first
    uint8_t body_plain[PHY_BODY_BITS_MAX / 8]; // what the plain differential path alone gave
    float soft[PHY_BODY_BITS_MAX];             // log likelihood ratio per bit, positive = 1
    bool clipped;                              // samples at full scale around it: do not measure
    unsigned copies; // images and odd-order products of it that were heard and left out
};

struct phy_receiver;

FOX_CHECK int phy_receiver_new(struct phy_receiver **out, const struct phy_receive_config *config,
                               struct err *err);
void phy_receiver_free(struct phy_receiver *r);
/// iq: 2 * n values. Any n.
FOX_CHECK int phy_receiver_push(struct phy_receiver *r, const int16_t *iq, size_t n,
                                struct err *err);
/// No more samples will come: what is still inside becomes available. Further pushes are
/// ERR_SEQUENCE.
FOX_CHECK int phy_receiver_finish(struct phy_receiver *r, struct err *err);
/// True and a burst, or false when none is ready.
bool phy_receiver_next(struct phy_receiver *r, struct phy_burst *out);
/// Every burst that ended before this input sample has been (or can be) handed out.
int64_t phy_receiver_settled(const struct phy_receiver *r);

#endif
