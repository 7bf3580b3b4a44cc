#include "bench/air/receive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PREAMBLE = 0x55555, TYPE_BITS = 13 }; // 19 alternating bits

// What each of the receiver's beginnings stands for.
struct kind {
    enum sfx_class class;
    unsigned rank;
};

struct air_receiver {
    struct phy_receiver *phy;
    double rate_hz;
    size_t n_kinds;
    struct kind kinds[PHY_SYNC_MAX];
};

static bool has_right_crc(const void *ctx, size_t sync, const uint8_t *body)
{
    const struct air_receiver *r = ctx;
    uint8_t packet[SFX_PACKET_MAX];
    struct sfx_uplink up;
    enum sfx_class class = r->kinds[sync].class;
    size_t len = sfx_uplink_uncode(class, r->kinds[sync].rank, body, packet);
    return sfx_uplink_decode(class, packet, len, &up) != SFX_STATUS_BAD_CRC;
}

int air_receiver_new(struct air_receiver **out, const struct air_receiver_config *config,
                     struct err *err)
{
    struct air_receiver *r = calloc(1, sizeof *r);
    if (!r) return err_set(err, ERR_NOMEM, "no memory for a receiver");

    struct phy_sync syncs[PHY_SYNC_MAX];
    for (int class = 0; class < SFX_CLASSES; class ++)
        for (unsigned rank = 1; rank <= SFX_RANKS; rank++) {
            r->kinds[r->n_kinds] = (struct kind){.class = class, .rank = rank};
            syncs[r->n_kinds++] = (struct phy_sync){
                .head = (uint32_t)PREAMBLE << TYPE_BITS | sfx_frame_type(class, rank),
                .body_bits = sfx_body_bits(class),
            };
        }
    r->rate_hz = config->rate_hz;
    struct phy_receive_config phy = {
        .rate_hz = config->rate_hz,
        .low_hz = config->low_hz,
        .high_hz = config->high_hz,
        .bit_rate_100 = config->bit_rate_100,
        .bit_rate_600 = config->bit_rate_600,
        .syncs = syncs,
        .n_syncs = r->n_kinds,
        .plain_only = config->plain_only,
        .check = has_right_crc,
        .check_ctx = r,
    };
    int rc = phy_receiver_new(&r->phy, &phy, err);
    if (rc < 0) {
        air_receiver_free(r);
        return rc;
    }
    *out = r;
    return ERR_OK;
}

void air_receiver_free(struct air_receiver *r)
{
    if (!r) return;
    phy_receiver_free(r->phy);
    free(r);
}

int air_receiver_push(struct air_receiver *r, const int16_t *iq, size_t n, struct err *err)
{
    return phy_receiver_push(r->phy, iq, n, err);
}

int air_receiver_finish(struct air_receiver *r, struct err *err)
{
    return phy_receiver_finish(r->phy, err);
}

bool air_receiver_next(struct air_receiver *r, struct air_frame *out)
{
    struct phy_burst burst;
    if (!phy_receiver_next(r->phy, &burst)) return false;

    const struct kind *kind = &r->kinds[burst.sync];
    *out = (struct air_frame){.burst = burst, .class = kind->class, .rank = kind->rank};
    out->packet_len = sfx_uplink_uncode(kind->class, kind->rank, burst.body, out->packet);
    out->status = sfx_uplink_decode(kind->class, out->packet, out->packet_len, &out->uplink);
    double symbols = PHY_HEAD_BITS + 1 + burst.body_bits; // with the reference symbol
    out->end_sample = llround(burst.start_sample + symbols / burst.bit_rate * r->rate_hz);
    return true;
}

int64_t air_receiver_settled(const struct air_receiver *r)
{
    return phy_receiver_settled(r->phy);
}
