#include "bench/phy/track.h"

#include <math.h>
#include <stdlib.h>

#include "bench/phy/detect.h"

enum { TRACKS_MAX = 8192 };

// What a lone burst looks like at a distance of d bit rates: no louder than skirt / d ^ 2.5, never
// less than the floor. A window of the other bit rate averages its lines differently: more there.
static const double skirt = 0.126, skirt_other = 1, skirt_floor = 1e-7;
// Nothing within a burst looks so much stronger than its own preamble.
static const double louder = 3;
// A head this strong and this clean is a burst, whatever its body says later.
static const double certain_power = 60, certain_fit = 0.6;

void phy_tracks_init(struct phy_tracks *tracks, double rate_hz, double bit_rate)
{
    *tracks =
        (struct phy_tracks){.rate_hz = rate_hz, .bit_rate = bit_rate, .symbol = rate_hz / bit_rate};
}

void phy_tracks_deinit(struct phy_tracks *tracks)
{
    free(tracks->list);
    *tracks = (struct phy_tracks){0};
}

int phy_tracks_add(struct phy_tracks *tracks, const struct phy_track *track, struct err *err)
{
    if (tracks->n == tracks->cap) {
        size_t cap = tracks->cap ? 2 * tracks->cap : 64;
        if (cap > TRACKS_MAX)
            return err_set(
                err, ERR_LIMIT,
                "more than %d burst candidates at once: the band is full of signals that "
                "look like preambles; shield the bench or lower the gain",
                TRACKS_MAX);
        struct phy_track *more = realloc(tracks->list, cap * sizeof *more);
        if (!more) return err_set(err, ERR_NOMEM, "no memory for %zu burst candidates", cap);
        tracks->list = more;
        tracks->cap = cap;
    }
    tracks->list[tracks->n++] = *track;
    return ERR_OK;
}

void phy_tracks_forget(struct phy_tracks *tracks, double before)
{
    size_t n = 0;
    for (size_t i = 0; i < tracks->n; i++) {
        const struct phy_track *t = &tracks->list[i];
        if (t->state == PHY_TRACK_DEAD || (t->state == PHY_TRACK_BURST && t->end < before))
            continue;
        tracks->list[n++] = *t;
    }
    tracks->n = n;
}

// Whether `strong` of list `from`, if it is a burst, explains the candidate `t` of `own`. Scores
// of two lanes compare, because both are powers in noise powers.
static bool explains(const struct phy_tracks *from, const struct phy_track *strong,
                     const struct phy_tracks *own, const struct phy_track *t)
{
    double symbol = from->symbol;
    double middle = t->begin + PHY_DETECT_SYMBOLS * own->symbol / 2;
    double begin, end;
    if (strong->state == PHY_TRACK_WAITING) {
        if (strong->score <= t->score) return false;
        begin = strong->begin - PHY_DETECT_SYMBOLS * symbol / 2;
        end = strong->begin + 3 * PHY_DETECT_SYMBOLS * symbol / 2;
    } else if (strong->state == PHY_TRACK_HEARD || strong->state == PHY_TRACK_BURST) {
        begin = strong->begin - 12 * symbol;
        end = strong->end + 12 * symbol;
    } else {
        return false;
    }
    if (middle < begin || middle > end) return false;
    double f = strong->f_hz + strong->drift_hz_s * (middle - strong->begin) / own->rate_hz;
    double distance = fabs(t->f_hz - f) / from->bit_rate;
    if (strong->removed && strong->removed <= t->second) return false;
    if (distance < 0.8 && from == own) return t->score < louder * strong->score;
    distance = fmax(distance, 0.8);
    // the second search has a noise of its own, in which the strong ones around count
    double score = t->second ? t->score * t->noise / strong->noise : t->score;
    return score < strong->score * fmax((from == own ? skirt : skirt_other) /
                                            (distance * distance * sqrt(distance)),
                                        skirt_floor);
}

// No carrier or sidelobe looks so much like a head.
static bool is_certain(const struct phy_track *t)
{
    return t->hypotheses[0].power > certain_power && t->hypotheses[0].fit > certain_fit;
}

// Whether a track of list `from` is in the way of `t`.
enum phy_cover phy_tracks_cover(const struct phy_tracks *from, const struct phy_tracks *own,
                                const struct phy_track *t)
{
    enum phy_cover cover = PHY_COVER_NONE;
    for (size_t i = 0; i < from->n; i++) {
        const struct phy_track *o = &from->list[i];
        bool sure = o->state == PHY_TRACK_BURST || (o->state == PHY_TRACK_HEARD && is_certain(o));
        if (o == t || o->state == PHY_TRACK_DEAD || (cover == PHY_COVER_PERHAPS && !sure)) continue;
        if (!explains(from, o, own, t)) continue;
        if (sure) return PHY_COVER_SURE;
        cover = PHY_COVER_PERHAPS;
    }
    return cover;
}
