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

// What a body's sender says of it, when the receiver made it up.
enum phy_vouch {
    PHY_VOUCH_NOBODY, // nothing but `check` can be asked
    PHY_VOUCH_RIGHT,
    PHY_VOUCH_WRONG
};

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
    // Asked about bodies of the list alone, after `check` has accepted them: one that is WRONG is
    // not taken, one that is RIGHT may have more wrong symbols. Bodies that were received as they
    // are are nobody's to refuse. NULL: PHY_VOUCH_NOBODY. Called with check_ctx; need not be quick.
    enum phy_vouch (*vouch)(const void *ctx, size_t sync, const uint8_t *body);
};

// What was heard of a burst where nobody sent it.
enum phy_copy_kind {
    PHY_COPY_IMAGE,   // mirrored about the radio's oscillator: its two branches are not balanced
    PHY_COPY_PRODUCT, // at an odd multiple of the frequency: clipped or overdriven
    PHY_COPY_MIXED    // with other signals, or by other ways
};

struct phy_copy {
    enum phy_copy_kind kind;
    int order;       // of a product; an image has 1, what is mixed 0
    double f_mid_hz; // relative to the samples' centre
    double below_db; // weaker than the burst by so much
};

enum { PHY_COPIES_MAX = 8 };

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
    bool checked; // config.check accepted the body, and not by chance
    bool sure;    // checked, or strong and clean enough to be no chance of noise
    unsigned body_bits;
    uint8_t body[PHY_BODY_BITS_MAX / 8];       // hard bits, most significant first
    uint8_t body_plain[PHY_BODY_BITS_MAX / 8]; // what the plain differential path alone gave
    float soft[PHY_BODY_BITS_MAX];             // log likelihood ratio per bit, positive = 1
    // The same of each symbol's phase state, before they are compared: positive = that of the
    // reference symbol. [0] is before the first bit; a bit that is 0 changes the state.
    float state[PHY_BODY_BITS_MAX + 1];
    bool clipped; // samples at full scale around it: do not measure
    // Images and products of it that were heard and left out: how many, and what the first of them
    // are. All that there are, if config.unsure lets frames wait; else those heard in time.
    unsigned copies;
    struct phy_copy copy[PHY_COPIES_MAX];
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
/// Until so many samples have been pushed in all, no further burst becomes available, and neither
/// `check` nor `vouch` is called.
int64_t phy_receiver_quiet(const struct phy_receiver *r);
/// Every burst that ended before this input sample has been (or can be) handed out.
int64_t phy_receiver_settled(const struct phy_receiver *r);

#endif
