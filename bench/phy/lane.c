#include "bench/phy/lane.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "bench/phy/decide.h"
#include "bench/phy/demod.h"
#include "bench/phy/detect.h"
#include "bench/phy/extract.h"
#include "bench/phy/head.h"
#include "bench/phy/hidden.h"
#include "bench/phy/lines.h"
#include "bench/phy/track.h"

enum {
    SHORTEST_BURST = PHY_HEAD_SYMBOLS + 80,
    UNCHECKED_HEAD_ERRORS = 3, // a burst whose body nothing vouches for needs a good head
    CHECKED_HEAD_ERRORS = 6
};

static const double drift_max_hz_s = 32;
// From this Eb/N0 on, a burst's skirt may hide another one: it is taken out of the stream, and the
// surroundings are searched again. Where time is no matter, weaker ones too: what they hide is as
// near as they are wide.
static const double hiding_ebn0 = 300, hiding_ebn0_patient = 12; // linear
static const double hidden_near = 2.5;                           // bit rates
// Hypotheses weaker than this part of the best are not tried.
static const double hypothesis_part = 0.6;
// A burst that nothing vouches for must at least be as strong as one that could be read.
static const double unchecked_power = 40, unchecked_ebn0_db = 3;

struct phy_lane {
    struct phy_lane_config config;
    const struct phy_lane *other; // of the same stream; NULL: none
    double symbol;                // stream samples
    double step;                  // between samples of y
    struct phy_patterns patterns;
    struct phy_detector *detector;
    struct phy_head_search *search;
    struct phy_demod *demod;
    struct phy_extract extract;
    struct phy_lines *lines;
    struct phy_hidden *hidden;
    struct phy_hidden_candidate candidates[PHY_HIDDEN_MAX];
    float complex *scratch; // one detector window
    float complex *y;
    size_t n_y;
    int64_t next_frame;
    int64_t horizon;   // end of the stream when it was last looked at
    int64_t removals;  // bursts taken out of the stream
    int64_t decisions; // changes of tracks, which may free others
    double next_look;  // nothing can be decided before the stream reaches this
    struct phy_tracks tracks;
    struct phy_found *found;
    size_t n_found;
    size_t cap_found;
};

static size_t longest_burst(const struct phy_receive_config *config)
{
    size_t longest = SHORTEST_BURST;
    for (size_t i = 0; i < config->n_syncs; i++) {
        size_t n = PHY_HEAD_SYMBOLS + config->syncs[i].body_bits;
        longest = n > longest ? n : longest;
    }
    return longest;
}

static double burst_symbols(const struct phy_lane *lane, size_t sync)
{
    return (double)(PHY_HEAD_SYMBOLS + lane->config.receive->syncs[sync].body_bits);
}

int phy_lane_new(struct phy_lane **out, const struct phy_lane_config *config, struct err *err)
{
    struct phy_lane *lane = calloc(1, sizeof *lane);
    if (!lane) return err_set(err, ERR_NOMEM, "no memory for a receiver");

    lane->config = *config;
    lane->symbol = config->rate_hz / config->bit_rate;
    phy_tracks_init(&lane->tracks, config->rate_hz, config->bit_rate);
    lane->step = lane->symbol / PHY_OVERSAMPLE;
    phy_patterns_init(&lane->patterns, config->receive->syncs, config->receive->n_syncs);
    int rc = phy_detector_new(&lane->detector, config->rate_hz, config->bit_rate, config->low_hz,
                              config->high_hz, err);
    if (rc < 0) goto fail;
    double drift = drift_max_hz_s / (config->bit_rate * config->bit_rate);
    rc = phy_head_search_new(&lane->search, &lane->patterns, drift, err);
    if (rc < 0) goto fail;
    rc = phy_demod_new(&lane->demod, &lane->patterns, err);
    if (rc < 0) goto fail;
    rc = phy_extract_init(&lane->extract, config->rate_hz, config->bit_rate, err);
    if (rc < 0) goto fail;
    rc = phy_hidden_new(&lane->hidden, config->rate_hz, config->bit_rate, config->low_hz,
                        config->high_hz, &lane->patterns, err);
    if (rc < 0) goto fail;
    lane->n_y = (longest_burst(config->receive) + PHY_HEAD_SPAN + PHY_DEMOD_TAIL) * PHY_OVERSAMPLE;
    rc = phy_lines_new(&lane->lines, lane->n_y, err);
    if (rc < 0) goto fail;
    lane->y = calloc(lane->n_y, sizeof *lane->y);
    lane->scratch = calloc(phy_detector_window(lane->detector), sizeof *lane->scratch);
    if (!lane->y || !lane->scratch) {
        rc = err_set(err, ERR_NOMEM, "no memory for a receiver");
        goto fail;
    }
    *out = lane;
    return ERR_OK;
fail:
    phy_lane_free(lane);
    return rc;
}

void phy_lane_free(struct phy_lane *lane)
{
    if (!lane) return;
    phy_detector_free(lane->detector);
    phy_head_search_free(lane->search);
    phy_demod_free(lane->demod);
    phy_lines_free(lane->lines);
    phy_extract_deinit(&lane->extract);
    phy_hidden_free(lane->hidden);
    free(lane->scratch);
    free(lane->y);
    phy_tracks_deinit(&lane->tracks);
    free(lane->found);
    free(lane);
}

void phy_lane_join(struct phy_lane *a, struct phy_lane *b)
{
    a->other = b;
    b->other = a;
}

// A track may wait for one that began before it and lasts a whole burst; then it needs its own
// samples from the beginning.
size_t phy_lane_keep(const struct phy_lane *lane)
{
    double symbols = 2.0 * (double)longest_burst(lane->config.receive) + 2 * PHY_HEAD_SPAN;
    return (size_t)(symbols * lane->symbol) + 2 * phy_extract_reach(&lane->extract);
}

size_t phy_lane_flush(const struct phy_lane *lane)
{
    return phy_lane_keep(lane);
}

bool phy_lane_next(struct phy_lane *lane, struct phy_found *out)
{
    if (!lane->n_found) return false;
    *out = lane->found[0];
    lane->n_found--;
    memmove(lane->found, lane->found + 1, lane->n_found * sizeof *lane->found);
    return true;
}

// Samples after a burst's end before it can be demodulated.
static double tail(const struct phy_lane *lane)
{
    return PHY_DEMOD_TAIL * lane->symbol + (double)phy_extract_reach(&lane->extract);
}

// When the head of a track can be read, and every candidate that belongs to the same burst is in.
static double head_due(const struct phy_lane *lane, const struct phy_track *t)
{
    return t->begin + (PHY_HEAD_SPAN - PHY_HEAD_LEAD) * lane->symbol +
           (double)phy_extract_reach(&lane->extract);
}

static double hypothesis_end(const struct phy_lane *lane, const struct phy_track *t, size_t i)
{
    const struct phy_hypothesis *h = &t->hypotheses[i];
    return t->origin + h->start * lane->step + burst_symbols(lane, h->sync) * lane->symbol;
}

static double hiding(const struct phy_lane *lane)
{
    return lane->config.receive->unsure ? hiding_ebn0_patient : hiding_ebn0;
}

// Of what may still be reported for a track that was heard.
static double earliest_end(const struct phy_lane *lane, const struct phy_track *t)
{
    double end = hypothesis_end(lane, t, t->tried);
    for (size_t i = t->fallback < t->tried ? t->fallback : t->tried; i < t->n_hypotheses; i++)
        end = fmin(end, hypothesis_end(lane, t, i));
    return end;
}

// A strong one may turn out to hide others that end before it does.
static double heard_earliest(const struct phy_lane *lane, const struct phy_track *t)
{
    double own = earliest_end(lane, t) - lane->symbol;
    if (t->hypotheses[0].power < hiding(lane) / 2 * PHY_HEAD_SYMBOLS) return own;
    double hidden =
        t->begin + (SHORTEST_BURST - PHY_HIDDEN_LEAD - PHY_HEAD_LEAD - 1) * lane->symbol;
    return fmin(own, hidden);
}

int64_t phy_lane_settled(const struct phy_lane *lane)
{
    // One symbol, because the timing that decides when to look is refined when the burst is read.
    double settled = (double)lane->horizon - tail(lane) - lane->symbol;
    for (size_t i = 0; i < lane->tracks.n; i++) {
        const struct phy_track *t = &lane->tracks.list[i];
        // An undecided burst may begin a lead before its candidate's window.
        double earliest = t->begin + (SHORTEST_BURST - PHY_HEAD_LEAD) * lane->symbol;
        if (t->state == PHY_TRACK_HEARD)
            earliest = heard_earliest(lane, t);
        else if (t->state != PHY_TRACK_WAITING)
            continue;
        settled = fmin(settled, earliest);
    }
    return settled < 0 ? 0 : (int64_t)floor(settled);
}

int64_t phy_lane_quiet(const struct phy_lane *lane)
{
    // A burst comes out behind its end, and begins a lead before its candidate at the earliest. The
    // next candidates are those of the last window that was looked at.
    const double shortest = (SHORTEST_BURST - PHY_HEAD_LEAD) * lane->symbol + tail(lane);
    int64_t window = (lane->next_frame - 1) * (int64_t)phy_detector_hop(lane->detector);
    double quiet = (double)window + shortest;
    for (size_t i = 0; i < lane->tracks.n; i++) {
        const struct phy_track *t = &lane->tracks.list[i];
        if (t->state == PHY_TRACK_HEARD) quiet = fmin(quiet, t->end + tail(lane));
        if (t->state == PHY_TRACK_WAITING) quiet = fmin(quiet, t->begin + shortest);
    }
    return quiet < 1 ? 0 : (int64_t)floor(quiet) - 1;
}

static int detect(struct phy_lane *lane, const struct phy_stream *stream, int64_t last,
                  struct err *err)
{
    int64_t hop = (int64_t)phy_detector_hop(lane->detector);
    size_t window = phy_detector_window(lane->detector);
    struct phy_candidate candidates[PHY_CANDIDATES_MAX];
    while (lane->next_frame * hop + (int64_t)window <= phy_stream_end(stream)) {
        int64_t from = lane->next_frame++ * hop;
        if (from > last) continue; // only the silence that was appended
        const float complex *w = phy_stream_read(stream, from, window, lane->scratch);
        size_t n = phy_detector_step(lane->detector, w, candidates);
        for (size_t i = 0; i < n; i++) {
            const struct phy_candidate *c = &candidates[i];
            struct phy_track t = {
                .begin = (double)(c->frame * hop),
                .f_hz = c->f_hz,
                .score = c->score,
                .noise = c->noise,
            };
            int rc = phy_tracks_add(&lane->tracks, &t, err);
            if (rc < 0) return rc;
        }
    }
    return ERR_OK;
}

static double symbol_noise(const struct phy_lane *lane, const struct phy_track *t)
{
    return t->noise / lane->symbol; // variance of a mean over one symbol
}

static void read_head(struct phy_lane *lane, const struct phy_stream *stream, struct phy_track *t)
{
    t->origin = t->begin - PHY_HEAD_LEAD * lane->symbol;
    t->origin_hz = t->f_hz;
    phy_extract_run(&lane->extract, stream, t->origin, t->f_hz, 0, PHY_HEAD_SPAN * PHY_OVERSAMPLE,
                    lane->y);
    t->n_hypotheses =
        phy_head_search_run(lane->search, lane->y, symbol_noise(lane, t), t->hypotheses);
    if (!t->n_hypotheses) {
        t->state = PHY_TRACK_DEAD;
        return;
    }
    const struct phy_hypothesis *h = &t->hypotheses[0];
    double bit_rate = lane->config.bit_rate;
    t->state = PHY_TRACK_HEARD;
    t->begin = t->origin + h->start * lane->step;
    while (t->hypotheses[t->n_hypotheses - 1].power < hypothesis_part * h->power)
        t->n_hypotheses--;
    t->tried = 0;
    t->fallback = PHY_HEAD_HYPOTHESES;
    t->end = hypothesis_end(lane, t, 0);
    t->f_hz = t->origin_hz + h->frequency * bit_rate;
    t->drift_hz_s = h->drift * bit_rate * bit_rate;
}

static int add_found(struct phy_lane *lane, const struct phy_found *f, struct err *err)
{
    if (lane->n_found == lane->cap_found) {
        size_t cap = lane->cap_found ? 2 * lane->cap_found : 16;
        struct phy_found *more = realloc(lane->found, cap * sizeof *more);
        if (!more) return err_set(err, ERR_NOMEM, "no memory for %zu bursts", cap);
        lane->found = more;
        lane->cap_found = cap;
    }
    lane->found[lane->n_found++] = *f;
    return ERR_OK;
}

static bool demodulate(struct phy_lane *lane, size_t n_y, const struct phy_track *t,
                       const struct phy_hypothesis *h, struct phy_found *found)
{
    const struct phy_receive_config *receive = lane->config.receive;
    double bit_rate = lane->config.bit_rate, symbol = lane->symbol;
    size_t body_bits = receive->syncs[h->sync].body_bits;
    double symbols = burst_symbols(lane, h->sync);

    struct phy_demodulated d;
    if (!phy_demod_run(lane->demod, lane->y, n_y, h, body_bits, &d)) return false;

    struct phy_burst *b = &found->burst;
    *found = (struct phy_found){0};
    b->sync = h->sync;
    b->head_errors = d.head_errors;
    b->start_sample = t->origin + d.start * lane->step;
    found->end_sample = b->start_sample + symbols * symbol;
    b->drift_hz_s = d.drift * bit_rate * bit_rate;
    b->f_hz = t->origin_hz + d.frequency * bit_rate;
    b->f_mid_hz = b->f_hz + b->drift_hz_s * symbols / bit_rate / 2;
    b->bit_rate = bit_rate;
    b->ebn0_db = 10 * log10(d.ebn0);
    double full = IQ_FULL_SCALE_RX;
    double power = fmax(d.power - t->noise * lane->extract.energy, 1e-6);
    b->power_dbfs = 10 * log10(power / (full * full));
    b->body_bits = (unsigned)body_bits;
    phy_decide(receive, &d, b);
    return true;
}

static bool is_sure(const struct phy_found *f, const struct phy_hypothesis *h)
{
    if (f->burst.checked) return f->burst.head_errors <= CHECKED_HEAD_ERRORS;
    return f->burst.head_errors <= UNCHECKED_HEAD_ERRORS && h->power >= unchecked_power &&
           f->burst.ebn0_db >= unchecked_ebn0_db;
}

static int search_near(struct phy_lane *lane, const struct phy_stream *stream,
                       const struct phy_found *f, struct err *err)
{
    int n = phy_hidden_search(lane->hidden, stream, &f->burst, lane->candidates, err);
    for (int i = 0; i < n; i++) {
        const struct phy_hidden_candidate *c = &lane->candidates[i];
        double apart = fabs(c->f_hz - f->burst.f_mid_hz) / lane->config.bit_rate;
        if (f->burst.ebn0_db < 10 * log10(hiding_ebn0) && apart > hidden_near) continue;
        struct phy_track t = {
            .begin = c->begin,
            .f_hz = c->f_hz,
            .score = c->score,
            .noise = c->noise,
            .second = lane->removals,
        };
        int rc = phy_tracks_add(&lane->tracks, &t, err);
        if (rc < 0) return rc;
    }
    return n < 0 ? n : ERR_OK;
}

// How far away a burst may hide another, in bit rates.
static double hidden_within(double ebn0)
{
    return ebn0 < hiding_ebn0 ? hidden_near : PHY_HIDDEN_WITHIN;
}

// Whether `t` was heard while a burst from `begin` to `end`, of this strength, was on the air
// beside it.
static bool is_beside(const struct phy_lane *lane, const struct phy_track *t, double f_hz,
                      double begin, double end, double ebn0)
{
    return t->begin < end && begin < t->end &&
           fabs(t->f_hz - f_hz) < hidden_within(ebn0) * lane->config.bit_rate;
}

// A stronger burst beside it that is not decided yet: without it, this one may be read better.
static bool has_stronger_beside(const struct phy_lane *lane, const struct phy_track *t)
{
    for (size_t i = 0; i < lane->tracks.n; i++) {
        const struct phy_track *o = &lane->tracks.list[i];
        if (o->state != PHY_TRACK_HEARD || o == t || o->second) continue;
        double ebn0 = o->hypotheses[0].power / PHY_HEAD_SYMBOLS;
        if (ebn0 >= hiding(lane) && o->hypotheses[0].power > t->hypotheses[0].power &&
            is_beside(lane, t, o->f_hz, o->begin, o->end, ebn0))
            return true;
    }
    return false;
}

// Back to its candidate: its head is looked for again.
static void hear_again(const struct phy_lane *lane, struct phy_track *t)
{
    t->state = PHY_TRACK_WAITING;
    t->begin = t->origin + PHY_HEAD_LEAD * lane->symbol;
    t->f_hz = t->origin_hz;
    t->drift_hz_s = 0;
    t->blocked_at = 0;
}

// What was heard while the burst was still there may have been misheard.
static void hear_others_again(struct phy_lane *lane, const struct phy_found *f)
{
    if (!lane->config.receive->unsure) return;
    for (size_t i = 0; i < lane->tracks.n; i++) {
        struct phy_track *t = &lane->tracks.list[i];
        if (t->state != PHY_TRACK_HEARD || t->second ||
            !is_beside(lane, t, f->burst.f_mid_hz, f->burst.start_sample, f->end_sample,
                       pow(10, f->burst.ebn0_db / 10)))
            continue;
        hear_again(lane, t);
        t->second = lane->removals;
    }
}

static int accept_burst(struct phy_lane *lane, struct phy_stream *stream, struct phy_track *t,
                        const struct phy_found *f, struct err *err)
{
    // beside another burst its head shows better how strong it is than its body
    double ebn0 = fmax(pow(10, f->burst.ebn0_db / 10), t->hypotheses[0].power / PHY_HEAD_SYMBOLS);
    bool hides = f->burst.checked && !t->second && ebn0 >= hiding(lane);
    hides = hides && phy_hidden_take_out(lane->hidden, stream, &f->burst);
    t->state = f->burst.sure ? PHY_TRACK_BURST : PHY_TRACK_DEAD;
    t->begin = f->burst.start_sample;
    t->end = f->end_sample;
    t->f_hz = f->burst.f_hz;
    t->drift_hz_s = f->burst.drift_hz_s;
    t->removed = hides ? ++lane->removals : 0;
    int rc = add_found(lane, f, err);
    if (rc < 0 || !hides) return rc;

    hear_others_again(lane, f);
    return search_near(lane, stream, f, err); // moves the tracks: t is not valid after it
}

static bool is_burst(const struct phy_lane *lane, const struct phy_found *f)
{
    return f->burst.sure || (lane->config.receive->unsure && !f->burst.checked &&
                             f->burst.head_errors <= CHECKED_HEAD_ERRORS);
}

// Reads the burst that one of the track's hypotheses speaks of, all samples of which are there.
static bool read_burst(struct phy_lane *lane, const struct phy_stream *stream,
                       const struct phy_track *t, size_t i, struct phy_found *f)
{
    double end = hypothesis_end(lane, t, i);
    size_t n_y = (size_t)((end - t->origin) / lane->step) + PHY_DEMOD_TAIL * PHY_OVERSAMPLE;
    n_y = n_y < lane->n_y ? n_y : lane->n_y;
    phy_extract_run(&lane->extract, stream, t->origin, t->origin_hz, 0, n_y, lane->y);
    const struct phy_hypothesis *h = &t->hypotheses[i];
    bool read = demodulate(lane, n_y, t, h, f);
    if (!(read && f->burst.checked) && phy_lines_remove(lane->lines, lane->y, n_y))
        read = demodulate(lane, n_y, t, h, f); // after all else: a line may be the burst's own
    if (read) f->burst.sure = is_sure(f, h);
    return read;
}

// Tries the track's next hypothesis, whose burst has just ended. One that nothing vouches for is
// reported only when its head is perfect or no other hypothesis is left.
static int decide(struct phy_lane *lane, struct phy_stream *stream, struct phy_track *t,
                  int64_t last, struct err *err)
{
    bool later =
        lane->config.receive->unsure && !t->again && !t->second && has_stronger_beside(lane, t);
    struct phy_found f;
    if (read_burst(lane, stream, t, t->tried, &f) && is_burst(lane, &f) &&
        f.end_sample <= (double)last + lane->symbol) { // else cut off by the end
        if (f.burst.checked || (f.burst.head_errors == 0 && !later))
            return accept_burst(lane, stream, t, &f, err);
        if (t->fallback == PHY_HEAD_HYPOTHESES) t->fallback = t->tried;
    }
    t->tried++;
    if (t->tried < t->n_hypotheses) {
        t->end = hypothesis_end(lane, t, t->tried);
        return ERR_OK;
    }
    if (later) {
        hear_again(lane, t);
        t->again = true;
        return ERR_OK;
    }
    // The last one tried may be of a shorter burst: the fallback is read again, to its own end.
    if (t->fallback < PHY_HEAD_HYPOTHESES && read_burst(lane, stream, t, t->fallback, &f))
        return accept_burst(lane, stream, t, &f, err);
    t->state = PHY_TRACK_DEAD;
    return ERR_OK;
}

static double when_due(const struct phy_lane *lane, const struct phy_track *t)
{
    return t->state == PHY_TRACK_HEARD ? t->end + tail(lane) : head_due(lane, t);
}

static void plan_next_look(struct phy_lane *lane)
{
    lane->next_look = (double)(lane->next_frame * (int64_t)phy_detector_hop(lane->detector)) +
                      (double)phy_detector_window(lane->detector);
    for (size_t i = 0; i < lane->tracks.n; i++) {
        const struct phy_track *t = &lane->tracks.list[i];
        double due = when_due(lane, t);
        if (t->state != PHY_TRACK_BURST && due > (double)lane->horizon)
            lane->next_look = fmin(lane->next_look, due);
    }
}

// Takes the next step of every track whose time has come. True when one was decided, which may
// free others that waited for it.
static int step_tracks(struct phy_lane *lane, struct phy_stream *stream, int64_t last, bool *moved,
                       struct err *err)
{
    *moved = false;
    for (size_t i = 0; i < lane->tracks.n; i++) {
        struct phy_track *t = &lane->tracks.list[i];
        if ((t->state != PHY_TRACK_HEARD && t->state != PHY_TRACK_WAITING) ||
            when_due(lane, t) > (double)lane->horizon)
            continue;
        int64_t decisions = 1 + lane->decisions + (lane->other ? lane->other->decisions : 0);
        if (t->blocked_at == decisions) continue;
        if (t->again && t->state == PHY_TRACK_WAITING) {
            if (has_stronger_beside(lane, t)) {
                t->blocked_at = decisions;
                continue;
            }
            t->second = lane->removals;
        }
        if (t->state == PHY_TRACK_HEARD) {
            int rc = decide(lane, stream, t, last, err);
            if (rc < 0) return rc;
        } else {
            enum phy_cover cover = phy_tracks_cover(&lane->tracks, &lane->tracks, t);
            enum phy_cover other = lane->other
                                       ? phy_tracks_cover(&lane->other->tracks, &lane->tracks, t)
                                       : PHY_COVER_NONE;
            cover = other > cover ? other : cover;
            if (cover == PHY_COVER_PERHAPS) {
                t->blocked_at = decisions;
                continue;
            }
            if (cover == PHY_COVER_SURE)
                t->state = PHY_TRACK_DEAD;
            else
                read_head(lane, stream, t);
        }
        lane->decisions++;
        *moved = true;
    }
    return ERR_OK;
}

int phy_lane_advance(struct phy_lane *lane, struct phy_stream *stream, int64_t last,
                     struct err *err)
{
    lane->horizon = phy_stream_end(stream);
    if ((double)lane->horizon < lane->next_look) return ERR_OK;
    int rc = detect(lane, stream, last, err);
    for (bool moved = true; rc == ERR_OK && moved;)
        rc = step_tracks(lane, stream, last, &moved, err);
    phy_tracks_forget(&lane->tracks, (double)lane->horizon - (double)phy_lane_keep(lane));
    plan_next_look(lane);
    return rc;
}
