#include "bench/phy/copies.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// A copy of a burst that is weaker than it by at least this is its image or a product of it, not
// another transmission.
static const double ghost_db = 6;
// How exactly a product lies where it must.
static const double mirror_hz = 5;

enum { ORDER_MAX = 9 };

// A copy that is no more than a sidelobe can be read a symbol off.
static bool same_time(const struct phy_found *a, const struct phy_found *b, double symbol)
{
    return fabs(a->burst.start_sample - b->burst.start_sample) < 2 * symbol;
}

// Of two readings of one burst; never both ways.
static bool is_better(const struct phy_burst *a, const struct phy_burst *b)
{
    if (a->checked != b->checked) return a->checked;
    if (a->sure != b->sure) return a->sure;
    if (a->ebn0_db != b->ebn0_db) return a->ebn0_db > b->ebn0_db;
    return a->start_sample < b->start_sample;
}

static bool same_bits(const struct phy_burst *a, const struct phy_burst *b)
{
    return a->bit_rate == b->bit_rate && a->checked && b->checked && a->sync == b->sync &&
           memcmp(a->body, b->body, sizeof a->body) == 0;
}

// The odd multiple of `other`'s frequency that `f` lies at, with its sign; 0: at none.
static int order_of(const struct phy_copies *c, const struct phy_found *f,
                    const struct phy_found *other)
{
    double at_hz = f->burst.f_mid_hz - c->lo_hz, of_hz = other->burst.f_mid_hz - c->lo_hz;
    for (int order = 1; order <= ORDER_MAX; order += 2)
        for (int side = -1; side <= 1; side += 2) {
            double apart = remainder(at_hz - side * order * of_hz, c->rate_hz);
            if (fabs(apart) < mirror_hz * order && side * order != 1) return side * order;
        }
    return 0;
}

// Where a product must lie, it need only be weaker: nobody sends the same there at the same time.
static bool is_weaker_copy(const struct phy_copies *c, const struct phy_found *f,
                           const struct phy_found *other)
{
    const struct phy_burst *a = &f->burst, *b = &other->burst;
    if (!same_bits(a, b) || !same_time(f, other, c->stream_rate_hz / a->bit_rate)) return false;
    return b->power_dbfs >= a->power_dbfs + ghost_db ||
           (b->power_dbfs > a->power_dbfs && order_of(c, f, other));
}

// Two at one place that are both checked are two if their bits differ.
bool phy_copies_is_ghost(const struct phy_copies *c, const struct phy_found *f,
                         const struct phy_found *other)
{
    const struct phy_burst *a = &f->burst, *b = &other->burst;
    if (a->bit_rate == b->bit_rate && fabs(a->f_mid_hz - b->f_mid_hz) < 0.8 * a->bit_rate &&
        fabs(a->start_sample - b->start_sample) < 8 * c->stream_rate_hz / a->bit_rate)
        return is_better(b, a) && (!a->checked || !b->checked || same_bits(a, b));
    return is_weaker_copy(c, f, other);
}

bool phy_copies_is_copy(const struct phy_copies *c, const struct phy_found *f,
                        const struct phy_found *other)
{
    return is_weaker_copy(c, f, other) &&
           fabs(f->burst.f_mid_hz - other->burst.f_mid_hz) > other->burst.bit_rate;
}

static bool is_mirror(const struct phy_found *f, const struct phy_found *other,
                      const struct phy_found *strong)
{
    const struct phy_burst *a = &f->burst, *b = &other->burst, *s = &strong->burst;
    return s->checked && s->power_dbfs > b->power_dbfs && s->start_sample < other->end_sample &&
           strong->end_sample > b->start_sample &&
           fabs(a->f_mid_hz + b->f_mid_hz - 2 * s->f_mid_hz) < mirror_hz;
}

// 2 f1 - f2, hardly weaker than f2 itself.
bool phy_copies_is_mixed(const struct phy_copies *c, const struct phy_found *f,
                         const struct phy_found *other, const struct phy_found *strong, size_t n)
{
    double symbol = c->stream_rate_hz / f->burst.bit_rate;
    if (!same_bits(&f->burst, &other->burst) || !same_time(f, other, symbol) ||
        other->burst.ebn0_db <= f->burst.ebn0_db) // not power, which the strong one leaks into
        return false;
    for (size_t i = 0; i < n; i++)
        if (is_mirror(f, other, &strong[i])) return true;
    return false;
}

struct phy_copy phy_copies_describe(const struct phy_copies *c, const struct phy_found *f,
                                    const struct phy_found *other)
{
    const struct phy_burst *a = &f->burst, *b = &other->burst;
    bool lost = a->power_dbfs < -110; // in the noise: it has no power of its own
    int order = abs(order_of(c, f, other));
    return (struct phy_copy){
        .kind = order == 0   ? PHY_COPY_MIXED
                : order == 1 ? PHY_COPY_IMAGE
                             : PHY_COPY_PRODUCT,
        .order = order,
        .f_mid_hz = a->f_mid_hz - c->lo_hz,
        .below_db = lost ? b->ebn0_db - a->ebn0_db : b->power_dbfs - a->power_dbfs,
    };
}
