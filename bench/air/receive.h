// Uplinks out of samples: the burst receiver and the uplink codec joined. One receiver per radio
// stream.
//
// air_receiver owns its phy receiver. One thread. Frames come out once each, in the order in which
// they end.
#ifndef BENCH_AIR_RECEIVE_H
#define BENCH_AIR_RECEIVE_H

#include <stdbool.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/phy/receive.h"
#include "bench/sfx/uplink.h"

// What the sender's key says of a packet.
enum air_tag { AIR_TAG_UNKNOWN /* no key of that sender */, AIR_TAG_RIGHT, AIR_TAG_WRONG };

struct air_frame {
    struct phy_burst burst; // `how` says by which path it was decoded
    enum sfx_class class;
    unsigned rank;          // 1..3
    enum sfx_status status; // of the packet
    uint8_t packet[SFX_PACKET_MAX];
    size_t packet_len;
    struct sfx_uplink uplink; // valid as far as `status` says
    enum air_tag tag;         // UNKNOWN unless the packet is whole
    int64_t end_sample;       // of the last symbol
};

struct air_receiver_config {
    double rate_hz;
    double low_hz; // band, relative to the samples' centre
    double high_hz;
    bool bit_rate_100;
    bool bit_rate_600;
    bool plain_only;
    double dc_i; // words: the mean of all samples, if it is known; taken from each
    double dc_q;
    // Frames that cannot be read alone wait so long for the message's other ranks, and all after
    // them wait too; 0: none waits. For recordings: a live bench wants frames at once.
    double combine_s;
    // Asks the sender's key; NULL: no keys are at hand. What list decoding makes up is not taken
    // when the key denies it. Frames that were received as they are come out whatever their tag.
    enum air_tag (*verify)(void *ctx, const struct sfx_uplink *up);
    void *verify_ctx;
};

/// "unknown", "right", "wrong".
const char *air_tag_name(enum air_tag tag);

struct air_receiver;

FOX_CHECK int air_receiver_new(struct air_receiver **out, const struct air_receiver_config *config,
                               struct err *err);
void air_receiver_free(struct air_receiver *r);
FOX_CHECK int air_receiver_push(struct air_receiver *r, const int16_t *iq, size_t n,
                                struct err *err);
FOX_CHECK int air_receiver_finish(struct air_receiver *r, struct err *err);
bool air_receiver_next(struct air_receiver *r, struct air_frame *out);
/// Until so many samples have been pushed in all, no further frame comes out, and `verify` is not
/// called.
int64_t air_receiver_quiet(const struct air_receiver *r);
/// Every frame that ended before this sample has been (or can be) handed out.
int64_t air_receiver_settled(const struct air_receiver *r);

#endif
