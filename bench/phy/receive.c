#include "bench/phy/receive.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/copies.h"
#include "bench/phy/frontend.h"
#include "bench/phy/lane.h"
#include "bench/phy/stream.h"

enum {
    LANES_MAX = 2,
    CLIP_MARKS = 1 << 14 // blocks whose clipping is remembered
};

// A recording's frames wait so many symbols for their copies, which may be read a little later.
static const double copies_wait = 3;

struct phy_receiver {
    struct phy_receive_config config; // syncs points to own memory
    struct phy_frontend *frontend;
    struct phy_stream stream;
    struct phy_lane *lanes[LANES_MAX];
    size_t n_lanes;
    double longest_symbol; // stream samples
    struct phy_copies copies;
    int64_t n_pushed; // input samples
    int64_t n_blocks;
    bool finished;
    bool dead;                   // an error left it half-way
    bool clipping;               // in the block being filled
    uint8_t clipped[CLIP_MARKS]; // per block, number % CLIP_MARKS
    struct phy_found *held;      // decided, waiting for their turn
    size_t n_held;
    size_t cap_held;
    struct phy_found *recent; // handed on lately: what ghosts are compared with
    size_t n_recent;
    size_t cap_recent;
    struct phy_found *dropped; // of the same time: ghosts that came before what they are of
    size_t n_dropped;
    size_t cap_dropped;
    struct phy_burst *ready; // in order, from first_ready
    size_t n_ready;
    size_t first_ready;
    size_t cap_ready;
    int64_t settled; // input samples
};

static int check_config(const struct phy_receive_config *c, struct err *err)
{
    if (!(c->rate_hz >= 48e3 && c->rate_hz <= 2.5e6))
        return err_set(err, ERR_INVALID,
                       "a receiver at %.3f S/s: expected 48 000 to 2 500 000 samples a second; "
                       "resample the recording or set another rate",
                       c->rate_hz);
    if (!(c->high_hz > c->low_hz))
        return err_set(err, ERR_INVALID,
                       "a receiver for %.0f to %.0f Hz: expected a band whose upper end is above "
                       "its lower one",
                       c->low_hz, c->high_hz);
    if (!c->bit_rate_100 && !c->bit_rate_600)
        return err_set(err, ERR_INVALID, "a receiver for no bit rate: choose 100, 600 or both");
    if (!c->syncs || c->n_syncs < 1 || c->n_syncs > PHY_SYNC_MAX)
        return err_set(err, ERR_INVALID,
                       "a receiver for %zu beginnings of a burst: expected 1 to %d", c->n_syncs,
                       PHY_SYNC_MAX);
    for (size_t i = 0; i < c->n_syncs; i++) {
        if (c->syncs[i].body_bits < 80 || c->syncs[i].body_bits > PHY_BODY_BITS_MAX)
            return err_set(err, ERR_INVALID, "a burst body of %u bits: expected 80 to %d",
                           c->syncs[i].body_bits, PHY_BODY_BITS_MAX);
        if (c->syncs[i].head >> 13 != 0x55555)
            return err_set(err, ERR_INVALID,
                           "a burst that begins with 0x%08x: expected 19 alternating bits, "
                           "0xaaaaa…, because that is what the detector looks for",
                           c->syncs[i].head);
    }
    return ERR_OK;
}

static int add_lane(struct phy_receiver *r, double rate_hz, double bit_rate, double low_hz,
                    double high_hz, struct err *err)
{
    // Half the main lobe must be inside what the rate covers.
    double edge = rate_hz / 2 - bit_rate;
    struct phy_lane_config lane = {
        .rate_hz = rate_hz,
        .bit_rate = bit_rate,
        .low_hz = fmax(low_hz, -edge),
        .high_hz = fmin(high_hz, edge),
        .receive = &r->config,
    };
    int rc = phy_lane_new(&r->lanes[r->n_lanes], &lane, err);
    if (rc == ERR_OK) r->n_lanes++;
    return rc;
}

int phy_receiver_new(struct phy_receiver **out, const struct phy_receive_config *config,
                     struct err *err)
{
    int rc = check_config(config, err);
    if (rc < 0) return rc;
    struct phy_receiver *r = calloc(1, sizeof *r);
    if (!r) return err_set(err, ERR_NOMEM, "no memory for a receiver");

    r->config = *config;
    r->config.syncs = NULL;
    struct phy_sync *syncs = malloc(config->n_syncs * sizeof *syncs);
    if (!syncs) {
        rc = err_set(err, ERR_NOMEM, "no memory for a receiver");
        goto fail;
    }
    memcpy(syncs, config->syncs, config->n_syncs * sizeof *syncs);
    r->config.syncs = syncs;

    double low = fmax(config->low_hz, -config->rate_hz / 2);
    double high = fmin(config->high_hz, config->rate_hz / 2);
    if (high - low < 1000) {
        rc = err_set(err, ERR_INVALID,
                     "a receiver for %.0f to %.0f Hz at %.0f S/s: the samples cover -%.0f to %.0f "
                     "Hz; move the centre or raise the rate",
                     config->low_hz, config->high_hz, config->rate_hz, config->rate_hz / 2,
                     config->rate_hz / 2);
        goto fail;
    }
    rc = phy_frontend_new(&r->frontend, config->rate_hz, low, high, err);
    if (rc < 0) goto fail;
    phy_frontend_set_dc(r->frontend, config->dc_i, config->dc_q);
    double rate = config->rate_hz / phy_frontend_decimation(r->frontend);
    double center = phy_frontend_center_hz(r->frontend);
    r->copies = (struct phy_copies){rate, -center, config->rate_hz};
    r->longest_symbol = rate / (config->bit_rate_100 ? 100 : 600);
    if (config->bit_rate_100) rc = add_lane(r, rate, 100, low - center, high - center, err);
    if (rc == ERR_OK && config->bit_rate_600)
        rc = add_lane(r, rate, 600, low - center, high - center, err);
    if (rc < 0) goto fail;
    if (r->n_lanes == 2) phy_lane_join(r->lanes[0], r->lanes[1]);

    size_t keep = 0;
    for (size_t i = 0; i < r->n_lanes; i++)
        keep = phy_lane_keep(r->lanes[i]) > keep ? phy_lane_keep(r->lanes[i]) : keep;
    rc = phy_stream_init(&r->stream, keep + PHY_FRONTEND_BLOCK, err);
    if (rc < 0) goto fail;
    *out = r;
    return ERR_OK;
fail:
    phy_receiver_free(r);
    return rc;
}

void phy_receiver_free(struct phy_receiver *r)
{
    if (!r) return;
    for (size_t i = 0; i < r->n_lanes; i++)
        phy_lane_free(r->lanes[i]);
    phy_frontend_free(r->frontend);
    phy_stream_deinit(&r->stream);
    free((void *)r->config.syncs);
    free(r->held);
    free(r->recent);
    free(r->dropped);
    free(r->ready);
    free(r);
}

// Makes room for one more of `size` bytes behind n of them.
static int reserve(void *array, size_t n, size_t *cap, size_t size, struct err *err)
{
    if (n < *cap) return ERR_OK;
    size_t more = *cap ? 2 * *cap : 16;
    void *old;
    memcpy(&old, array, sizeof old);
    void *grown = realloc(old, more * size);
    if (!grown) return err_set(err, ERR_NOMEM, "no memory for %zu bursts", more);
    memcpy(array, &grown, sizeof grown);
    *cap = more;
    return ERR_OK;
}

static bool was_clipped(const struct phy_receiver *r, double begin, double end)
{
    int64_t first = (int64_t)(begin / PHY_FRONTEND_BLOCK) - 1;
    int64_t last = (int64_t)(end / PHY_FRONTEND_BLOCK) + 1;
    for (int64_t b = first < 0 ? 0 : first; b <= last && b < r->n_blocks; b++)
        if (r->n_blocks - b <= CLIP_MARKS && r->clipped[b % CLIP_MARKS]) return true;
    return false;
}

// Whether `f` is `other` in another place, or read twice.
static bool is_of(const struct phy_receiver *r, const struct phy_found *f,
                  const struct phy_found *other)
{
    return phy_copies_is_ghost(&r->copies, f, other) ||
           phy_copies_is_mixed(&r->copies, f, other, r->held, r->n_held) ||
           phy_copies_is_mixed(&r->copies, f, other, r->recent, r->n_recent);
}

static bool is_repeated(const struct phy_receiver *r, const struct phy_found *f)
{
    for (size_t i = 0; i < r->n_held; i++)
        if (&r->held[i] != f && is_of(r, f, &r->held[i])) return true;
    for (size_t i = 0; i < r->n_recent; i++)
        if (is_of(r, f, &r->recent[i])) return true;
    return false;
}

static void add_copy(const struct phy_receiver *r, const struct phy_found *f,
                     const struct phy_found *of, struct phy_burst *out)
{
    if (f == of || !(phy_copies_is_copy(&r->copies, f, of) ||
                     phy_copies_is_mixed(&r->copies, f, of, r->held, r->n_held) ||
                     phy_copies_is_mixed(&r->copies, f, of, r->recent, r->n_recent)))
        return;
    if (out->copies < PHY_COPIES_MAX)
        out->copy[out->copies] = phy_copies_describe(&r->copies, f, of);
    out->copies++;
}

// n_dropped: of them that are not among those held any more.
static int release(struct phy_receiver *r, const struct phy_found *f, size_t n_dropped,
                   struct err *err)
{
    int rc = reserve(&r->ready, r->n_ready, &r->cap_ready, sizeof *r->ready, err);
    if (rc < 0) return rc;
    rc = reserve(&r->recent, r->n_recent, &r->cap_recent, sizeof *r->recent, err);
    if (rc < 0) return rc;
    r->recent[r->n_recent++] = *f;

    // from the stream's clock and centre to the input's
    unsigned decimation = phy_frontend_decimation(r->frontend);
    double center = phy_frontend_center_hz(r->frontend);
    struct phy_burst *b = &r->ready[r->n_ready++];
    *b = f->burst;
    for (size_t i = 0; i < n_dropped; i++)
        add_copy(r, &r->dropped[i], f, b);
    for (size_t i = 0; i < r->n_held; i++)
        add_copy(r, &r->held[i], f, b);
    b->clipped = was_clipped(r, f->burst.start_sample, f->end_sample);
    b->start_sample *= decimation;
    b->f_hz += center;
    b->f_mid_hz += center;
    return ERR_OK;
}

static int by_end(const void *a, const void *b)
{
    const struct phy_found *x = a, *y = b;
    if (x->end_sample != y->end_sample) return x->end_sample < y->end_sample ? -1 : 1;
    return x->burst.f_hz < y->burst.f_hz ? -1 : x->burst.f_hz > y->burst.f_hz;
}

static size_t drop_old(struct phy_found *list, size_t n, double before)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++)
        if (list[i].end_sample >= before) list[kept++] = list[i];
    return kept;
}

static int drop(struct phy_receiver *r, const struct phy_found *f, struct err *err)
{
    int rc = reserve(&r->dropped, r->n_dropped, &r->cap_dropped, sizeof *r->dropped, err);
    if (rc == ERR_OK) r->dropped[r->n_dropped++] = *f;
    return rc;
}

// Hands on, in the order in which they end, the bursts that no other can precede any more.
static int collect(struct phy_receiver *r, struct err *err)
{
    struct phy_found f;
    bool news = false;
    double settled = INFINITY;
    for (size_t i = 0; i < r->n_lanes; i++) {
        while (phy_lane_next(r->lanes[i], &f)) {
            int rc = reserve(&r->held, r->n_held, &r->cap_held, sizeof *r->held, err);
            if (rc < 0) return rc;
            r->held[r->n_held++] = f;
            news = true;
        }
        settled = fmin(settled, (double)phy_lane_settled(r->lanes[i]));
    }
    if (news) qsort(r->held, r->n_held, sizeof *r->held, by_end);
    if (r->config.unsure) settled = fmax(0, settled - copies_wait * r->longest_symbol);

    size_t n = 0, n_dropped = r->n_dropped;
    while (n < r->n_held && r->held[n].end_sample < settled)
        n++;
    for (size_t i = 0; i < n; i++) {
        int rc = is_repeated(r, &r->held[i]) ? drop(r, &r->held[i], err)
                                             : release(r, &r->held[i], n_dropped, err);
        if (rc < 0) return rc;
    }
    if (n) {
        r->n_held -= n;
        memmove(r->held, r->held + n, r->n_held * sizeof *r->held);
        double before = settled - (double)r->stream.keep;
        r->n_recent = drop_old(r->recent, r->n_recent, before);
        r->n_dropped = drop_old(r->dropped, r->n_dropped, before);
    }
    r->settled = (int64_t)settled * phy_frontend_decimation(r->frontend);
    return ERR_OK;
}

static int look(struct phy_receiver *r, int64_t last, struct err *err)
{
    for (size_t i = 0; i < r->n_lanes; i++) {
        int rc = phy_lane_advance(r->lanes[i], &r->stream, last, err);
        if (rc < 0) return rc;
    }
    return collect(r, err);
}

static bool has_full_scale(const int16_t *iq, size_t n)
{
    // a word wider than 12 bits counts as clipped too: nothing larger should come
    int top = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        int v = iq[i] < 0 ? -iq[i] - 1 : iq[i];
        top = v > top ? v : top;
    }
    return top >= IQ_FULL_SCALE_RX;
}

static int take(struct phy_receiver *r, const int16_t *iq, size_t n, int64_t last, struct err *err)
{
    while (n) {
        size_t used = phy_frontend_fill(r->frontend, iq, n);
        if (used) r->clipping = has_full_scale(iq, used) || r->clipping;
        iq += 2 * used;
        n -= used;
        if (!phy_frontend_is_full(r->frontend)) continue;
        phy_stream_append(&r->stream, phy_frontend_block(r->frontend), PHY_FRONTEND_BLOCK);
        r->clipped[r->n_blocks++ % CLIP_MARKS] = r->clipping;
        r->clipping = false;
        int rc = look(r, last, err);
        if (rc < 0) {
            r->dead = true;
            return rc;
        }
    }
    return ERR_OK;
}

int phy_receiver_push(struct phy_receiver *r, const int16_t *iq, size_t n, struct err *err)
{
    if (r->finished || r->dead)
        return err_set(err, ERR_SEQUENCE, "samples for a receiver that has %s; make a new one",
                       r->dead ? "failed" : "been finished");
    r->n_pushed += (int64_t)n;
    return take(r, iq, n, INT64_MAX, err);
}

int phy_receiver_finish(struct phy_receiver *r, struct err *err)
{
    if (r->dead)
        return err_set(err, ERR_SEQUENCE, "the end of a receiver that has failed; make a new one");
    if (r->finished) return ERR_OK;
    r->finished = true;

    unsigned decimation = phy_frontend_decimation(r->frontend);
    int64_t last = r->n_pushed / decimation;
    size_t flush = 0;
    for (size_t i = 0; i < r->n_lanes; i++)
        flush = phy_lane_flush(r->lanes[i]) > flush ? phy_lane_flush(r->lanes[i]) : flush;
    static const int16_t silence[2 * PHY_FRONTEND_BLOCK];
    phy_frontend_set_dc(r->frontend, 0, 0);
    for (size_t left = flush * decimation; left;) {
        size_t n = left < PHY_FRONTEND_BLOCK ? left : PHY_FRONTEND_BLOCK;
        int rc = take(r, silence, n, last, err);
        if (rc < 0) return rc;
        left -= n;
    }
    r->settled = r->n_pushed;
    return ERR_OK;
}

bool phy_receiver_next(struct phy_receiver *r, struct phy_burst *out)
{
    if (r->first_ready == r->n_ready) {
        r->first_ready = r->n_ready = 0;
        return false;
    }
    *out = r->ready[r->first_ready++];
    return true;
}

int64_t phy_receiver_settled(const struct phy_receiver *r)
{
    return r->settled < r->n_pushed ? r->settled : r->n_pushed;
}

int64_t phy_receiver_quiet(const struct phy_receiver *r)
{
    // One that is held is decided already: it waits for what may precede it.
    if (r->n_held || r->first_ready < r->n_ready) return 0;
    int64_t quiet = INT64_MAX;
    for (size_t i = 0; i < r->n_lanes; i++) {
        int64_t q = phy_lane_quiet(r->lanes[i]);
        quiet = q < quiet ? q : quiet;
    }
    return quiet * phy_frontend_decimation(r->frontend);
}
