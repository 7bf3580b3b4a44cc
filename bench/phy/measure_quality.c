// Phase error, phase steps, error vector and shape of the symbols. The noise's part is known from
// beside the burst and is taken out of the mean squares.
#include <math.h>

#include "bench/phy/measure_parts.h"

static const double degrees = 180 / M_PI;
// A peak that many standard deviations high is the noise's own, in some 200 symbols.
static const double noise_peak = 4.5;
static const double angle_noise_max = 0.01; // variance; 17 dB

// Root of (mean square - noise), with its uncertainty: of the mean over n values, and of the noise.
static void put_rms(struct phy_measure_state *m, enum phy_quantity q, double square, double noise,
                    double values, double scale)
{
    double rest = square - noise;
    double u2 = 2 * square * square / values + pow(noise * m->noise_u, 2);
    double value = sqrt(fmax(rest, 0));
    // near zero the root's slope is no help: what may hide below the noise
    double u = fmin(sqrt(u2) / (2 * fmax(value, 1e-12)), pow(u2, 0.25));
    phy_measure_put(m, q, value * scale, u * scale);
}

// Variance of a mean over `width` symbols: what the low-pass left of the noise.
static double noise_of(const struct phy_measure_state *m, double width)
{
    double pass = m->narrow.noise_width / 2;
    return m->noise / width * (1 - 1 / (M_PI * M_PI * pass * width));
}

static void measure_phase(struct phy_measure_state *m)
{
    const struct phy_motion *o = &m->motion;
    size_t n = m->burst->n_symbols;
    double square = 0, peak = 0;
    double noise = noise_of(m, 1) / 2 / (o->amplitude * o->amplitude), sigma = sqrt(noise);
    for (size_t k = 0; k < n; k++) {
        // the angle, or in much noise its sine: that one's noise is known without an excess
        double error = noise < angle_noise_max ? (double)cargf(o->symbol[k])
                                               : (double)cimagf(o->symbol[k]) / o->amplitude;
        square += error * error;
        peak = fmax(peak, fabs(error));
    }
    // three of the values went into the fit
    put_rms(m, PHY_QUANTITY_phase_error_rms_deg, square / (double)(n - 3), noise, (double)(n - 3),
            degrees);
    if (peak < noise_peak * sigma)
        phy_measure_void(m, PHY_QUANTITY_phase_error_peak_deg,
                         "no higher than noise alone makes it: more Eb/N0 is needed");
    else
        phy_measure_put(m, PHY_QUANTITY_phase_error_peak_deg, peak * degrees, sigma * degrees);
}

// The change at a bit 0 shows in two ways: as the angle between the two states, when the device
// goes back and forth, and as a turn at each change, when it goes round. The worse one counts.
static void measure_steps(struct phy_measure_state *m)
{
    const struct phy_measure_burst *b = m->burst;
    const struct phy_motion *o = &m->motion;
    double complex state[2] = {0, 0}, change[2] = {0, 0}; // change[1]: at bits 0
    size_t count[2] = {0, 0};
    for (size_t k = 0; k < b->n_symbols; k++) {
        state[b->sign[k] < 0] += (double complex)o->symbol[k];
        if (k == 0) continue;
        size_t flip = b->sign[k] * b->sign[k - 1] < 0;
        change[flip] += (double complex)(o->symbol[k] * conjf(o->symbol[k - 1]));
        count[flip]++;
    }
    double sigma = sqrt(m->noise) / o->amplitude; // of a difference of two phases
    double hold = count[0] ? carg(change[0]) : 0, turn = count[1] ? carg(change[1]) - hold : 0;
    double apart = fabs(carg(state[0] * conj(state[1])));
    double error = fmax(fabs(remainder(turn, 2 * M_PI)), apart); // signs are taken out already
    phy_measure_put(m, PHY_QUANTITY_phase_step_deg, 180 - error * degrees,
                    sigma / sqrt(fmax(1, (double)count[1])) * degrees);
    if (count[0])
        phy_measure_put(m, PHY_QUANTITY_phase_hold_deg, hold * degrees,
                        sigma / sqrt((double)count[0]) * degrees);
    else
        phy_measure_void(m, PHY_QUANTITY_phase_hold_deg, "the burst has no bit 1");
}

// Mid-symbol, where no transition reaches and the filter has settled after it: in the middle half,
// or a quarter if they are slow.
static void measure_vector(struct phy_measure_state *m)
{
    const struct phy_motion *o = &m->motion;
    size_t n = m->burst->n_symbols;
    double sum = 0, square = 0;
    const double settled = 0.06, room = (1 - m->motion.transition) / 2 - settled;
    const double half = fmax(0.125, fmin(0.25, room));
    float complex centre[PHY_SYMBOLS_MAX];
    for (size_t k = 0; k < n; k++) {
        double t = o->middle + ((double)k + 0.5 - (double)n / 2) * o->stretch;
        centre[k] = m->burst->sign[k] * phy_lowered_mean(&m->narrow, t - half, t + half);
        sum += (double)crealf(centre[k]);
    }
    m->centre = sum / (double)n;
    for (size_t k = 0; k < n; k++) {
        float complex e = centre[k] / (float)m->centre - 1;
        square += (double)(crealf(e) * crealf(e) + cimagf(e) * cimagf(e));
    }
    put_rms(m, PHY_QUANTITY_evm_percent, square / ((double)n - 2),
            noise_of(m, 2 * half) / (m->centre * m->centre), 2 * (double)n, 100);
}

void phy_measure_quality(struct phy_measure_state *m)
{
    phy_measure_put(m, PHY_QUANTITY_transition_symbols, m->motion.transition,
                    m->motion.transition_u);
    measure_vector(m);
    if (m->silent) {
        phy_measure_void(m, PHY_QUANTITY_phase_error_rms_deg, m->silent);
        phy_measure_void(m, PHY_QUANTITY_phase_error_peak_deg, m->silent);
        phy_measure_void(m, PHY_QUANTITY_evm_percent, m->silent);
    } else {
        measure_phase(m);
    }
    measure_steps(m);
}
