// Ramps, overshoot, flatness and power. The envelope is smoothed only as much as its noise asks
// for, and what that does to a ramp is part of the ramp's uncertainty.
#include <math.h>

#include "bench/phy/iq.h"
#include "bench/phy/measure_parts.h"

enum { FLAT_SYMBOLS = 8 };

static const double ripple_max = 0.03; // noise that the smoothed envelope may hold
static const double smooth_max = 0.25; // symbols
static const double ramp_reach = 5;    // symbols from the burst's ends
static const char weak[] = "too weak for the envelope: 36 dB Eb/N0 are needed";

struct envelope {
    struct phy_measure_state *m;
    double smooth; // symbols
};

static double level(const struct envelope *e, double t)
{
    const struct phy_measure_state *m = e->m;
    return (double)cabsf(phy_lowered_mean(&m->narrow, t - e->smooth / 2, t + e->smooth / 2)) /
           m->centre;
}

// Where the level last is below `limit`, going from `from` to `to` (either way); interpolated.
static double last_below(const struct envelope *e, double from, double to, double limit)
{
    double step = (to > from ? 1 : -1) / e->m->narrow.per_symbol, at = from;
    double before = level(e, from);
    for (double t = from + step; (to - t) * step >= 0; t += step) {
        double now = level(e, t);
        if (before < limit && now >= limit) at = t - step * (now - limit) / (now - before);
        before = now;
    }
    return at;
}

// At one end of the burst: `edge` is where its first (or past its last) symbol ends, `way` +1 at
// the beginning and -1 at the end. Times are counted inwards.
static void measure_ramp(const struct envelope *e, double edge, double way, enum phy_quantity ramp,
                         enum phy_quantity reach, double *overshoot)
{
    struct phy_measure_state *m = e->m;
    double begin_s = m->burst->bit_rate, outside = edge - way * ramp_reach, inside = edge + way / 2;
    const struct phy_lowered *l = &m->narrow;
    double first = l->origin, last = l->origin + (double)l->n / l->per_symbol;
    if (outside - 0.5 < first || outside + 0.5 > last) {
        const char *why = "the samples begin or end too close to the burst";
        phy_measure_void(m, ramp, why);
        phy_measure_void(m, reach, why);
        return;
    }
    double low = last_below(e, outside, inside, 0.1), half = last_below(e, outside, inside, 0.5);
    double high = low;
    while ((inside - high) * way > 0 && level(e, high) < 0.9)
        high += way / l->per_symbol;
    double u = sqrt(e->smooth * e->smooth / 12 + 1 / (12 * l->per_symbol * l->per_symbol));
    phy_measure_put(m, ramp, fabs(high - low) / begin_s, u / begin_s);
    phy_measure_put(m, reach, (edge - half) * way / begin_s, u / begin_s);
    for (double t = high; (edge + way - t) * way > 0; t += way / l->per_symbol)
        *overshoot = fmax(*overshoot, level(e, t));
}

static void measure_flatness(struct phy_measure_state *m)
{
    const struct phy_motion *o = &m->motion;
    size_t n = m->burst->n_symbols;
    double recent[FLAT_SYMBOLS] = {0}, sum = 0, high = 0, low = INFINITY, slope = 0, weight = 0;
    for (size_t k = 0; k < n; k++) {
        double x = (double)k + 0.5 - (double)n / 2, t = o->middle + x * o->stretch;
        float complex mean = phy_lowered_mean(&m->narrow, t - 0.125, t + 0.125);
        double v = (double)(m->burst->sign[k] * crealf(mean)) / m->centre;
        sum += v - recent[k % FLAT_SYMBOLS];
        recent[k % FLAT_SYMBOLS] = v;
        slope += x * v;
        weight += x * x;
        if (k + 1 < FLAT_SYMBOLS) continue;
        high = fmax(high, sum);
        low = fmin(low, sum);
    }
    double sigma = sqrt(2 * m->noise) / m->centre, db = 20 / M_LN10;
    phy_measure_put(m, PHY_QUANTITY_flatness_db, 20 * log10(high / fmax(low, 1e-6)),
                    4 * db * sigma / sqrt(FLAT_SYMBOLS)); // what noise alone spreads over
    phy_measure_put(m, PHY_QUANTITY_droop_db, -db * slope / weight * (double)n,
                    db * sigma / sqrt(weight) * (double)n);
}

static void measure_power(struct phy_measure_state *m)
{
    const struct phy_lowered *l = &m->narrow;
    const struct phy_motion *o = &m->motion;
    const struct phy_measure_config *c = m->config;
    double n = (double)m->burst->n_symbols, sum = 0, full = IQ_FULL_SCALE_RX;
    size_t from = phy_lowered_index(l, o->middle - n / 2 * o->stretch);
    size_t to = phy_lowered_index(l, o->middle + n / 2 * o->stretch);
    for (size_t i = from; i < to; i++)
        sum += (double)(crealf(l->z[i]) * crealf(l->z[i]) + cimagf(l->z[i]) * cimagf(l->z[i]));
    double noise = m->noise * l->noise_width, power = sum / (double)(to - from) - noise;
    if (!(power > 0)) power = 1e-6;
    double gain = power / m->noise, db = 10 / M_LN10;
    // of a steady signal in noise, and of the noise that was taken off
    double u = db * sqrt(2 / (gain * n) +
                         pow(noise / power, 2) * (pow(m->noise_u, 2) + 1 / (l->noise_width * n)));
    double dbfs = 10 * log10(power / (full * full));
    phy_measure_put(m, PHY_QUANTITY_ebn0_db, 10 * log10(gain),
                    sqrt(u * u + pow(db * m->noise_u, 2)));
    phy_measure_put(m, PHY_QUANTITY_power_dbfs, dbfs, u);
    phy_measure_put(m, PHY_QUANTITY_symbol_power_dbfs, 20 * log10(m->centre / full),
                    db * sqrt(8 / (gain * n)));
    phy_measure_put(m, PHY_QUANTITY_noise_dbfs_hz,
                    10 * log10(m->noise / m->burst->bit_rate / (full * full)), db * m->noise_u);
    if (c->calibrated)
        phy_measure_put(m, PHY_QUANTITY_power_dbm, dbfs + c->full_scale_dbm,
                        hypot(u, c->full_scale_u_db));
    else
        phy_measure_void(m, PHY_QUANTITY_power_dbm,
                         "no calibration of this radio: power is known in dBFS only");
}

void phy_measure_envelope(struct phy_measure_state *m)
{
    static const enum phy_quantity all[] = {
        PHY_QUANTITY_ramp_up_s,     PHY_QUANTITY_ramp_down_s,  PHY_QUANTITY_lead_s,
        PHY_QUANTITY_tail_s,        PHY_QUANTITY_overshoot_db, PHY_QUANTITY_flatness_db,
        PHY_QUANTITY_droop_db,      PHY_QUANTITY_ebn0_db,      PHY_QUANTITY_power_dbfs,
        PHY_QUANTITY_noise_dbfs_hz, PHY_QUANTITY_power_dbm,    PHY_QUANTITY_symbol_power_dbfs};
    if (m->silent) {
        for (size_t i = 0; i < sizeof all / sizeof *all; i++)
            phy_measure_void(m, all[i], m->silent);
        return;
    }
    measure_power(m);
    measure_flatness(m);
    const struct phy_motion *o = &m->motion;
    double noise = m->noise / (m->centre * m->centre), half = (double)m->burst->n_symbols / 2;
    struct envelope e = {m, fmax(noise / (ripple_max * ripple_max), 1 / m->narrow.per_symbol)};
    if (e.smooth > smooth_max) {
        for (size_t i = 0; i < 5; i++)
            phy_measure_void(m, all[i], weak);
        return;
    }
    double overshoot = 1;
    measure_ramp(&e, o->middle - half * o->stretch, 1, PHY_QUANTITY_ramp_up_s, PHY_QUANTITY_lead_s,
                 &overshoot);
    measure_ramp(&e, o->middle + half * o->stretch, -1, PHY_QUANTITY_ramp_down_s,
                 PHY_QUANTITY_tail_s, &overshoot);
    phy_measure_put(m, PHY_QUANTITY_overshoot_db, 20 * log10(overshoot),
                    20 * log10(1 + sqrt(noise / (2 * e.smooth))));
}
