#include "bench/air/receive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/sfx/joint.h"
#include "bench/sfx/soft.h"

enum { PREAMBLE = 0x55555, TYPE_BITS = 13 }; // 19 alternating bits

// Part of a frame's hard bits that a packet found without it may contradict. At 0 dB a fifth of the
// bits are wrong; a stranger's frame has half of at least 80 bits wrong.
static const double contradiction_max = 0.28;

// Doubt (sfx_joint_decode) up to which a packet's two or three frames are believed to be of it, if
// its CRC is right. With more, a right CRC is chance.
static const double doubt_max_two = 0.045, doubt_max_three = 0.06;
// Two frames with more doubt between them are not of one message; a third cannot help.
static const double doubt_max_pair = 0.065;

// What each of the receiver's beginnings stands for.
struct kind {
    enum sfx_class class;
    unsigned rank;
};

struct air_receiver {
    struct phy_receiver *phy;
    double rate_hz;
    int64_t combine_samples;
    enum air_tag (*verify)(void *ctx, const struct sfx_uplink *up);
    void *verify_ctx;
    bool finished;
    size_t n_kinds;
    struct kind kinds[PHY_SYNC_MAX];
    // Frames in the order in which they end. Those before `given` were handed out and are kept for
    // what comes after them.
    struct air_frame *frames;
    size_t n_frames;
    size_t given;
    size_t cap;
};

static bool is_whole(enum sfx_status status)
{
    return status != SFX_STATUS_BAD_CRC && status != SFX_STATUS_TRUNCATED;
}

const char *air_tag_name(enum air_tag tag)
{
    static const char *const names[] = {"unknown", "right", "wrong"};
    return names[tag];
}

static enum air_tag ask_key(const struct air_receiver *r, enum sfx_status status,
                            const struct sfx_uplink *up)
{
    return r->verify && status == SFX_STATUS_OK ? r->verify(r->verify_ctx, up) : AIR_TAG_UNKNOWN;
}

static bool has_right_crc(const void *ctx, size_t sync, const uint8_t *body)
{
    const struct air_receiver *r = ctx;
    uint8_t packet[SFX_PACKET_MAX];
    struct sfx_uplink up;
    enum sfx_class class = r->kinds[sync].class;
    size_t len = sfx_uplink_uncode(class, r->kinds[sync].rank, body, packet);
    return is_whole(sfx_uplink_decode(class, packet, len, &up));
}

static enum phy_vouch vouch(const void *ctx, size_t sync, const uint8_t *body)
{
    const struct air_receiver *r = ctx;
    uint8_t packet[SFX_PACKET_MAX];
    struct sfx_uplink up;
    enum sfx_class class = r->kinds[sync].class;
    size_t len = sfx_uplink_uncode(class, r->kinds[sync].rank, body, packet);
    switch (ask_key(r, sfx_uplink_decode(class, packet, len, &up), &up)) {
    case AIR_TAG_RIGHT:
        return PHY_VOUCH_RIGHT;
    case AIR_TAG_WRONG:
        return PHY_VOUCH_WRONG;
    case AIR_TAG_UNKNOWN:
        break;
    }
    return PHY_VOUCH_NOBODY;
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
    r->combine_samples = llround(config->combine_s * config->rate_hz);
    struct phy_receive_config phy = {
        .rate_hz = config->rate_hz,
        .low_hz = config->low_hz,
        .high_hz = config->high_hz,
        .bit_rate_100 = config->bit_rate_100,
        .bit_rate_600 = config->bit_rate_600,
        .syncs = syncs,
        .n_syncs = r->n_kinds,
        .plain_only = config->plain_only,
        .dc_i = config->dc_i,
        .dc_q = config->dc_q,
        .unsure = config->combine_s > 0,
        .check = has_right_crc,
        .check_ctx = r,
        .vouch = config->verify ? vouch : NULL,
    };
    r->verify = config->verify;
    r->verify_ctx = config->verify_ctx;
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
    free(r->frames);
    free(r);
}

static void make_frame(const struct air_receiver *r, const struct phy_burst *burst,
                       struct air_frame *out)
{
    const struct kind *kind = &r->kinds[burst->sync];
    *out = (struct air_frame){.burst = *burst, .class = kind->class, .rank = kind->rank};
    out->packet_len = sfx_uplink_uncode(kind->class, kind->rank, burst->body, out->packet);
    out->status = sfx_uplink_decode(kind->class, out->packet, out->packet_len, &out->uplink);
    double symbols = PHY_HEAD_BITS + 1 + burst->body_bits; // with the reference symbol
    out->end_sample = llround(burst->start_sample + symbols / burst->bit_rate * r->rate_hz);
}

static bool fits(const struct air_frame *f, const uint8_t *packet)
{
    return sfx_soft_contradiction(f->rank, packet, f->packet_len, f->burst.soft) <=
           contradiction_max;
}

static void set_packet(struct air_frame *f, const uint8_t *packet)
{
    memcpy(f->packet, packet, f->packet_len);
    f->status = sfx_uplink_decode(f->class, f->packet, f->packet_len, &f->uplink);
    f->burst.checked = true;
    f->burst.how = PHY_HOW_COMBINED;
}

// Whether two frames may be of one message: ranks are sent in order, one after the other.
static bool may_belong(const struct air_receiver *r, const struct air_frame *a,
                       const struct air_frame *b)
{
    const struct air_frame *first = a->rank < b->rank ? a : b, *second = first == a ? b : a;
    return first->rank != second->rank && first->class == second->class &&
           first->burst.bit_rate == second->burst.bit_rate &&
           second->burst.start_sample > (double)first->end_sample &&
           second->end_sample - first->end_sample <= r->combine_samples;
}

// Of ranks of their own. c may be NULL.
static bool combine(struct air_frame *a, struct air_frame *b, struct air_frame *c, double *doubt)
{
    struct air_frame *const frames[] = {a, b, c};
    const float *state[SFX_RANKS] = {NULL};
    uint8_t packet[SFX_PACKET_MAX];
    struct sfx_uplink up;
    for (size_t i = 0; i < SFX_RANKS; i++)
        if (frames[i]) state[frames[i]->rank - 1] = frames[i]->burst.state;
    *doubt = sfx_joint_decode(state, a->burst.body_bits, packet);
    if (*doubt > (c ? doubt_max_three : doubt_max_two)) return false;
    if (!is_whole(sfx_uplink_decode(a->class, packet, a->packet_len, &up))) return false;
    for (size_t i = 0; i < SFX_RANKS; i++)
        if (frames[i] && !fits(frames[i], packet)) return false;
    for (size_t i = 0; i < SFX_RANKS; i++)
        if (frames[i]) set_packet(frames[i], packet);
    return true;
}

// Frame `f` (the newest) cannot be read alone: with one, better with two earlier ranks it may be.
static bool combine_newest(struct air_receiver *r, struct air_frame *f)
{
    for (size_t i = r->given; i + 1 < r->n_frames; i++) {
        struct air_frame *a = &r->frames[i];
        double doubt;
        if (a->burst.checked || !may_belong(r, a, f)) continue;
        if (combine(a, f, NULL, &doubt)) return true;
        if (doubt > doubt_max_pair) continue;
        for (size_t k = i + 1; k + 1 < r->n_frames; k++) {
            struct air_frame *b = &r->frames[k];
            if (b->burst.checked || !may_belong(r, b, f) || !may_belong(r, a, b)) continue;
            if (combine(a, f, b, &doubt)) return true;
        }
    }
    return false;
}

// What one frame's packet is, its message's other frames must carry: those become readable.
static void lend_packet(struct air_receiver *r, const struct air_frame *from, struct air_frame *to)
{
    if (from->burst.checked && !to->burst.checked && may_belong(r, from, to) &&
        fits(to, from->packet))
        set_packet(to, from->packet);
}

static void combine_all(struct air_receiver *r)
{
    struct air_frame *f = &r->frames[r->n_frames - 1];
    for (size_t i = 0; i + 1 < r->n_frames; i++)
        lend_packet(r, &r->frames[i], f);
    if (!f->burst.checked) (void)combine_newest(r, f);
    if (!f->burst.checked) return;
    for (size_t i = r->given; i + 1 < r->n_frames; i++)
        lend_packet(r, f, &r->frames[i]);
}

static int take(struct air_receiver *r, struct err *err)
{
    struct phy_burst burst;
    while (phy_receiver_next(r->phy, &burst)) {
        if (r->n_frames == r->cap) {
            size_t cap = r->cap ? 2 * r->cap : 16;
            struct air_frame *more = realloc(r->frames, cap * sizeof *more);
            if (!more) return err_set(err, ERR_NOMEM, "no memory for %zu frames", cap);
            r->frames = more;
            r->cap = cap;
        }
        make_frame(r, &burst, &r->frames[r->n_frames++]);
        if (r->combine_samples > 0) combine_all(r);
    }
    return ERR_OK;
}

// Forgets frames that were handed out and can be of no more use.
static void forget(struct air_receiver *r)
{
    int64_t old = phy_receiver_settled(r->phy) - r->combine_samples;
    size_t n = 0;
    while (n < r->given && (r->combine_samples == 0 || r->frames[n].end_sample < old))
        n++;
    r->given -= n;
    r->n_frames -= n;
    memmove(r->frames, r->frames + n, r->n_frames * sizeof *r->frames);
}

int air_receiver_push(struct air_receiver *r, const int16_t *iq, size_t n, struct err *err)
{
    int rc = phy_receiver_push(r->phy, iq, n, err);
    if (rc < 0) return rc;
    if (r->given) forget(r);
    return take(r, err);
}

int air_receiver_finish(struct air_receiver *r, struct err *err)
{
    int rc = phy_receiver_finish(r->phy, err);
    if (rc < 0) return rc;
    r->finished = true;
    return take(r, err);
}

// Whether the frame must wait for others of its message.
static bool waits(const struct air_receiver *r, const struct air_frame *f)
{
    return !r->finished && !f->burst.checked && r->combine_samples > 0 &&
           f->end_sample + r->combine_samples >= phy_receiver_settled(r->phy);
}

bool air_receiver_next(struct air_receiver *r, struct air_frame *out)
{
    while (r->given < r->n_frames && !waits(r, &r->frames[r->given])) {
        const struct air_frame *f = &r->frames[r->given++];
        if (!f->burst.sure && !f->burst.checked) continue;
        *out = *f;
        out->tag = ask_key(r, out->status, &out->uplink);
        return true;
    }
    return false;
}

int64_t air_receiver_settled(const struct air_receiver *r)
{
    int64_t settled = phy_receiver_settled(r->phy);
    if (r->given < r->n_frames && r->frames[r->given].end_sample < settled &&
        waits(r, &r->frames[r->given]))
        settled = r->frames[r->given].end_sample;
    return settled;
}

int64_t air_receiver_quiet(const struct air_receiver *r)
{
    return r->given < r->n_frames ? 0 : phy_receiver_quiet(r->phy);
}
