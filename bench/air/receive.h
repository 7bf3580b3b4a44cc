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

struct air_frame {
    struct phy_burst burst;
    enum sfx_class class;
    unsigned rank;          // 1..3
    enum sfx_status status; // of the packet
    uint8_t packet[SFX_PACKET_MAX];
    size_t packet_len;
    struct sfx_uplink uplink; // valid as far as `status` says
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
};

struct air_receiver;

FOX_CHECK int air_receiver_new(struct air_receiver **out, const struct air_receiver_config *config,
                               struct err *err);
void air_receiver_free(struct air_receiver *r);
FOX_CHECK int air_receiver_push(struct air_receiver *r, const int16_t *iq, size_t n,
                                struct err *err);
FOX_CHECK int air_receiver_finish(struct air_receiver *r, struct err *err);
bool air_receiver_next(struct air_receiver *r, struct air_frame *out);
/// Every frame that ended before this sample has been (or can be) handed out.
int64_t air_receiver_settled(const struct air_receiver *r);

#endif
