#include "bench/phy/measure.h"

#include <math.h>
#include <stdlib.h>

#include "bench/phy/iq.h"
#include "bench/phy/measure_parts.h"

// Symbols at the burst's ends that are neither burst nor noise: ramps, a tail symbol.
static const double before_ramp = 2.5, after_ramp = 3.5;
static const double gate_min = 2, gate_max = 60; // symbols of noise on one side
// Noise before and after that differs by so much is not noise.
static const double gates_differ = 2.5;

const struct phy_mask_point phy_mask_default[PHY_MASK_POINTS] = {
    {1, 1, 1, "ASSUMED"},  {2, 1, 1, "ASSUMED"},  {5, 1, 1, "ASSUMED"},
    {10, 1, 1, "ASSUMED"}, {20, 1, 1, "ASSUMED"},
};

static const struct {
    const char *name, *unit;
    int decimals;
    enum phy_measure_group group;
} quantities[] = {
#define PHY_QUANTITY(name, unit, decimals, group) {#name, unit, decimals, PHY_MEASURE_##group},
#include "bench/phy/measure.def"
};

// Variances of polynomials through n phases, orthogonal about the middle.
void phy_measure_bounds(double ebn0_db, size_t n_symbols, double bit_rate, double *f_mid_u_hz,
                        double *drift_u_hz_s)
{
    double gain = pow(10, ebn0_db / 10), n = (double)n_symbols, w = 8 * M_PI * M_PI * gain;
    *f_mid_u_hz = sqrt(12 / (w * n * n * n)) * bit_rate;
    *drift_u_hz_s = sqrt(720 / (w * n * n * n * n * n)) * bit_rate * bit_rate;
}

const char *phy_quantity_name(enum phy_quantity q)
{
    return quantities[q].name;
}

const char *phy_quantity_unit(enum phy_quantity q)
{
    return quantities[q].unit;
}

double phy_quantity_round(enum phy_quantity q, double x)
{
    double parts = pow(10, quantities[q].decimals);
    return round(x * parts) / parts + 0.0; // never a negative zero
}

static double mean_square(const struct phy_lowered *l, double from, double to, double *symbols)
{
    size_t a = phy_lowered_index(l, from), b = phy_lowered_index(l, to);
    double sum = 0;
    for (size_t i = a; i < b; i++)
        sum += (double)(crealf(l->z[i]) * crealf(l->z[i]) + cimagf(l->z[i]) * cimagf(l->z[i]));
    *symbols = b > a ? (double)(b - a) / l->per_symbol : 0;
    return b > a ? sum / (double)(b - a) : 0;
}

void phy_measure_noise(struct phy_measure_state *m)
{
    const struct phy_lowered *l = &m->narrow;
    double n = (double)m->burst->n_symbols, length[2], power[2];
    double edge = 1; // the filter's own beginning and end
    double first = l->origin + edge, last = l->origin + (double)l->n / l->per_symbol - edge;
    power[0] = mean_square(l, fmax(first, -before_ramp - gate_max), -before_ramp, &length[0]);
    power[1] = mean_square(l, n + after_ramp, fmin(last, n + after_ramp + gate_max), &length[1]);
    bool has[2] = {length[0] >= gate_min && power[0] > 0, length[1] >= gate_min && power[1] > 0};
    if (!has[0] && !has[1]) {
        m->silent = "no samples beside the burst to take the noise from";
        return;
    }
    double use = has[0] ? power[0] : power[1], symbols = has[0] ? length[0] : length[1];
    if (has[0] && has[1]) {
        double high = fmax(power[0], power[1]), low = fmin(power[0], power[1]);
        bool differ = high > gates_differ * low;
        if (differ) m->disturbed = "somebody else was heard just before or just after the burst";
        symbols = differ ? length[power[1] < power[0]] : length[0] + length[1];
        use = differ ? low : (power[0] * length[0] + power[1] * length[1]) / symbols;
    }
    m->noise = use / l->noise_width;
    m->noise_u = 1 / sqrt(symbols * l->noise_width);
}

static bool is_clipped(const int16_t *iq, size_t n)
{
    int top = 0;
    for (size_t i = 0; i < 2 * n; i++) {
        int v = iq[i] < 0 ? -iq[i] - 1 : iq[i];
        top = v > top ? v : top;
    }
    return top >= IQ_FULL_SCALE_RX;
}

// Everything but motion, which both clipping and a neighbour leave as it is or make less certain.
static void make_void(struct phy_measure_state *m, const char *why)
{
    for (int q = 0; q < PHY_QUANTITIES; q++)
        if (quantities[q].group != PHY_MEASURE_MOTION) phy_measure_void(m, q, why);
    for (size_t i = 0; i < PHY_MASK_POINTS; i++)
        m->out->mask[i].below_dbc = m->out->mask[i].above_dbc =
            (struct phy_value){.u = -1, .why = why};
}

int phy_measure_check(const struct phy_measure_config *c, size_t n,
                      const struct phy_measure_burst *b, struct err *err)
{
    if (!(c->rate_hz > 0 && b->bit_rate > 0 && c->rate_hz >= 40 * b->bit_rate))
        return err_set(err, ERR_INVALID,
                       "measuring %.0f bit/s at %.0f S/s: expected at least 40 samples a symbol",
                       b->bit_rate, c->rate_hz);
    double end = b->start_sample + (double)b->n_symbols * c->rate_hz / b->bit_rate;
    if (b->n_symbols < 16 || b->n_symbols > PHY_SYMBOLS_MAX)
        return err_set(err, ERR_INVALID, "measuring a burst: expected 16 to %d symbols, got %zu",
                       PHY_SYMBOLS_MAX, b->n_symbols);
    if (!(b->start_sample >= 0 && end <= (double)n))
        return err_set(err, ERR_INVALID,
                       "measuring a burst: expected samples of all of it (%.0f to %.0f), got %zu",
                       b->start_sample, end, n);
    if (!(fabs(b->f_hz) < c->rate_hz / 2))
        return err_set(err, ERR_INVALID,
                       "measuring a burst: expected a carrier inside +-%.0f Hz, got %.0f Hz",
                       c->rate_hz / 2, b->f_hz);
    return ERR_OK;
}

int phy_measure(const struct phy_measure_config *config, const int16_t *iq, size_t n,
                const struct phy_measure_burst *burst, struct phy_measurement *out, struct err *err)
{
    int rc = phy_measure_check(config, n, burst, err);
    if (rc < 0) return rc;
    *out = (struct phy_measurement){0};
    struct phy_measure_state *m = calloc(1, sizeof *m);
    if (!m) return err_set(err, ERR_NOMEM, "no memory for a measurement");
    *m = (struct phy_measure_state){.config = config, .burst = burst, .out = out};
    rc = phy_measure_lower(m, iq, n, err);
    if (rc < 0) goto fail;
    phy_measure_noise(m);
    rc = phy_measure_motion(m, err);
    if (rc < 0) goto fail;
    rc = phy_measure_spectrum(m, err);
    if (rc < 0) goto fail;
    phy_measure_quality(m);
    phy_measure_envelope(m);
    if (m->disturbed) make_void(m, m->disturbed);
    if (is_clipped(iq, n)) make_void(m, "the samples are clipped: lower the receive gain");
fail:
    free(m->wide.z);
    free(m->narrow.z);
    free(m);
    return rc;
}
