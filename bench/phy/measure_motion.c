// Timing, rate, phase, frequency and drift of a burst whose symbols are known.
//
// A coarse search over timing and rate, and then least squares in turns: a parabola through the
// symbols' phases, and a straight line through the times of the changes of phase, each of which is
// compared with the slope of a half-sine of the width that fits them all. With the symbols known,
// both are maximum likelihood but for the pulse's exact shape, whose symmetry alone matters.
// Uncertainties come from what the fits leave over, so they hold the device's own jitter, too.
#include <math.h>
#include <stdbool.h>

#include "bench/phy/measure_parts.h"

enum { ROUNDS = 5, WIDTHS = 64 };

static const double rate_error_max = 0.006, rate_error_step = 0.001;
static const double shift_max = 0.5, shift_step = 1.0 / 16;
// Of the energy in the samples, what must be found along the known symbols.
static const double coherence_min = 0.5;

static double begin_of(const struct phy_motion *o, double k, size_t n)
{
    return o->middle + (k - (double)n / 2) * o->stretch;
}

// Timing and rate in big steps: where the known symbols add up to most.
static void search(const struct phy_measure_state *m, struct phy_motion *o)
{
    const struct phy_measure_burst *b = m->burst;
    double nominal = (double)b->n_symbols / 2, best = -1;
    struct phy_motion found = *o;
    int rates = (int)lround(rate_error_max / rate_error_step);
    int shifts = (int)lround(shift_max / shift_step);
    for (int r = -rates; r <= rates; r++)
        for (int s = -shifts; s <= shifts; s++) {
            struct phy_motion at = *o;
            at.middle = nominal + s * shift_step;
            at.stretch = 1 + r * rate_error_step;
            float complex sum = 0;
            for (size_t k = 0; k < b->n_symbols; k++) {
                double t = begin_of(&at, (double)k + 0.5, b->n_symbols);
                sum += b->sign[k] * phy_lowered_mean(&m->narrow, t - 0.5, t + 0.5);
            }
            double p = (double)cabsf(sum);
            if (p > best) {
                best = p;
                found = at;
            }
        }
    *o = found;
}

static float complex derotate(const struct phy_motion *o, double x)
{
    double a = o->phase + (o->turn + o->bend * x) * x;
    return CMPLXF((float)cos(a), -(float)sin(a));
}

// Solves the 3 x 3 normal equations of a parabola; a[][] is symmetric and positive.
static void solve(double a[3][3], const double rhs[3], double x[3], double inverse[3])
{
    double c[3][3], det = 0;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            int p = (i + 1) % 3, q = (i + 2) % 3, r = (j + 1) % 3, s = (j + 2) % 3;
            c[i][j] = a[p][r] * a[q][s] - a[p][s] * a[q][r];
        }
    for (int j = 0; j < 3; j++)
        det += a[0][j] * c[0][j];
    for (int i = 0; i < 3; i++) {
        x[i] = 0;
        for (int j = 0; j < 3; j++)
            x[i] += c[i][j] * rhs[j] / det;
        inverse[i] = c[i][i] / det;
    }
}

// One step of a parabola through the symbols' phases.
static void fit_phase(const struct phy_measure_state *m, struct phy_motion *o)
{
    const struct phy_measure_burst *b = m->burst;
    size_t n = b->n_symbols;
    double a[3][3] = {{0}}, rhs[3] = {0}, step[3], inverse[3], sum = 0, left = 0;
    for (size_t k = 0; k < n; k++) {
        double t = begin_of(o, (double)k, n), x = (double)k + 0.5 - (double)n / 2;
        float complex mean = phy_lowered_mean(&m->narrow, t, t + o->stretch);
        o->symbol[k] = b->sign[k] * mean * derotate(o, x * o->stretch);
        sum += (double)crealf(o->symbol[k]);
    }
    o->amplitude = sum / (double)n;
    for (size_t k = 0; k < n; k++) {
        double x = ((double)k + 0.5 - (double)n / 2) * o->stretch, power[3] = {1, x, x * x};
        for (int i = 0; i < 3; i++) {
            rhs[i] += power[i] * (double)cimagf(o->symbol[k]) / o->amplitude;
            for (int j = 0; j < 3; j++)
                a[i][j] += power[i] * power[j];
        }
    }
    solve(a, rhs, step, inverse);
    for (size_t k = 0; k < n; k++) {
        double x = ((double)k + 0.5 - (double)n / 2) * o->stretch;
        double rest =
            (double)cimagf(o->symbol[k]) / o->amplitude - step[0] - (step[1] + step[2] * x) * x;
        left += rest * rest;
    }
    left = sqrt(left / (double)(n - 3));
    o->phase += step[0];
    o->turn += step[1];
    o->bend += step[2];
    o->turn_u = left * sqrt(inverse[1]);
    o->bend_u = left * sqrt(inverse[2]);
}

static bool is_flip(const struct phy_measure_burst *b, size_t k)
{
    return k > 0 && k < b->n_symbols && b->sign[k] * b->sign[k - 1] < 0;
}

// The half-sine from -1 to 1 around 0, and its slope.
static double half_sine(double x, double width, double *slope)
{
    double at = M_PI * x / width;
    *slope = fabs(x) < width / 2 ? M_PI / width * cos(at) : 0;
    return fabs(x) < width / 2 ? sin(at) : x < 0 ? -1 : 1;
}

// Of one change of phase, along the sign after it.
struct flip_sums {
    double along, across; // sample x slope, slope^2
    double shape, energy; // sample x model, model^2
};

static struct flip_sums sum_flip(const struct phy_measure_state *m, const struct phy_motion *o,
                                 size_t k, double width)
{
    const struct phy_lowered *l = &m->narrow;
    struct flip_sums s = {0};
    double at = begin_of(o, (double)k, m->burst->n_symbols);
    size_t to = phy_lowered_index(l, at + 0.5 * o->stretch);
    for (size_t i = phy_lowered_index(l, at - 0.5 * o->stretch); i < to; i++) {
        double x = l->origin + (double)i / l->per_symbol - at, slope;
        double model = half_sine(x, width, &slope);
        float complex turned = l->z[i] * derotate(o, x + at - o->middle);
        double v = (double)(m->burst->sign[k] * crealf(turned));
        s.along += v * slope;
        s.across += slope * slope;
        s.shape += v * model;
        s.energy += model * model;
    }
    return s;
}

// The width of the half-sine that explains most of all changes of phase.
static void fit_width(const struct phy_measure_state *m, struct phy_motion *o)
{
    const struct phy_lowered *l = &m->narrow;
    size_t n = m->burst->n_symbols;
    // the mean change of phase first, so that only one of them is fitted
    enum { BINS = 128 };
    double mean[BINS] = {0}, best = -1, gain[WIDTHS];
    size_t count[BINS] = {0};
    int at_best = 0;
    for (size_t k = 1; k < n; k++) {
        if (!is_flip(m->burst, k)) continue;
        double at = begin_of(o, (double)k, n);
        size_t to = phy_lowered_index(l, at + 0.5);
        for (size_t i = phy_lowered_index(l, at - 0.5); i < to; i++) {
            double x = l->origin + (double)i / l->per_symbol - at;
            int bin = (int)floor((x + 0.5) * BINS);
            if (bin < 0 || bin >= BINS) continue;
            mean[bin] +=
                (double)(m->burst->sign[k] * crealf(l->z[i] * derotate(o, x + at - o->middle)));
            count[bin]++;
        }
    }
    for (int w = 0; w < WIDTHS; w++) {
        double along = 0, energy = 0, slope;
        for (int i = 0; i < BINS; i++) {
            double model = half_sine((i + 0.5) / BINS - 0.5, (w + 1.0) / WIDTHS, &slope);
            along += mean[i] * model;
            energy += (double)count[i] * model * model;
        }
        gain[w] = along * along / energy;
        if (gain[w] > best) {
            best = gain[w];
            at_best = w;
        }
    }
    double offset = 0;
    if (at_best > 0 && at_best < WIDTHS - 1) {
        double bend = gain[at_best - 1] - 2 * best + gain[at_best + 1];
        if (bend < 0) offset = 0.5 * (gain[at_best - 1] - gain[at_best + 1]) / bend;
    }
    o->transition = (at_best + 1 + offset) / WIDTHS;
    o->transition_u = 0.5 / WIDTHS;
}

// One step of a straight line through the times of the changes of phase. `width` may be larger than
// the transition's: less exact, but it reaches further.
static bool fit_times(const struct phy_measure_state *m, struct phy_motion *o, double width)
{
    const struct phy_measure_burst *b = m->burst;
    size_t n = b->n_symbols, flips = 0;
    double shift[PHY_SYMBOLS_MAX], shape = 0, energy = 0;
    double sx = 0, sxx = 0, st = 0, sxt = 0, left = 0;
    for (size_t k = 1; k < n; k++) {
        if (!is_flip(b, k)) continue;
        struct flip_sums s = sum_flip(m, o, k, width);
        shape += s.shape;
        energy += s.energy;
        // model(x - shift) = model - slope x shift, and model and slope are orthogonal
        shift[k] = s.across > 0 ? -s.along / s.across : 0;
    }
    double amplitude = energy > 0 ? shape / energy : 0;
    if (!(amplitude > 0)) return false;
    for (size_t k = 1; k < n; k++) {
        if (!is_flip(b, k)) continue;
        double x = (double)k - (double)n / 2;
        shift[k] /= amplitude;
        flips++;
        sx += x;
        sxx += x * x;
        st += shift[k];
        sxt += x * shift[k];
    }
    double det = (double)flips * sxx - sx * sx;
    if (flips < 8 || !(det > 0)) return false;
    double offset = (sxx * st - sx * sxt) / det, tilt = ((double)flips * sxt - sx * st) / det;
    for (size_t k = 1; k < n; k++) {
        if (!is_flip(b, k)) continue;
        double rest = shift[k] - offset - tilt * ((double)k - (double)n / 2);
        left += rest * rest;
    }
    left = sqrt(left / (double)(flips - 2));
    o->middle += offset;
    o->stretch += tilt;
    o->middle_u = left * sqrt(sxx / det);
    o->stretch_u = left * sqrt((double)flips / det);
    return true;
}

static void report(struct phy_measure_state *m)
{
    const struct phy_motion *o = &m->motion;
    const struct phy_measure_burst *b = m->burst;
    double rate = b->bit_rate, middle_s = o->middle / rate, radian = rate / (2 * M_PI);
    phy_measure_put(m, PHY_QUANTITY_t_mid_s, b->start_sample / m->config->rate_hz + middle_s,
                    o->middle_u / rate);
    phy_measure_put(m, PHY_QUANTITY_f_mid_hz, b->f_hz + b->drift_hz_s * middle_s + o->turn * radian,
                    o->turn_u * radian);
    phy_measure_put(m, PHY_QUANTITY_drift_hz_s, b->drift_hz_s + 2 * o->bend * radian * rate,
                    2 * o->bend_u * radian * rate);
    phy_measure_put(m, PHY_QUANTITY_bit_rate, rate / o->stretch, rate * o->stretch_u);
    phy_measure_put(m, PHY_QUANTITY_bit_rate_error_ppm, 1e6 * (1 / o->stretch - 1),
                    1e6 * o->stretch_u);
}

int phy_measure_motion(struct phy_measure_state *m, struct err *err)
{
    struct phy_motion *o = &m->motion;
    size_t n = m->burst->n_symbols;
    *o = (struct phy_motion){.middle = (double)n / 2, .stretch = 1};
    search(m, o);
    float complex sum = 0;
    double energy = 0;
    for (size_t k = 0; k < n; k++) {
        double t = begin_of(o, (double)k, n);
        float complex mean = phy_lowered_mean(&m->narrow, t, t + o->stretch);
        sum += m->burst->sign[k] * mean;
        energy += (double)(crealf(mean) * crealf(mean) + cimagf(mean) * cimagf(mean));
    }
    if (!((double)cabsf(sum) > coherence_min * sqrt(energy * (double)n)))
        return err_set(err, ERR_CHECK,
                       "measuring a burst of %zu symbols: expected %.0f %% of its amplitude along "
                       "its symbols, found %.0f %%; frequency, start or bits are another burst's",
                       n, 100 * coherence_min,
                       100 * (double)cabsf(sum) / fmax(sqrt(energy * (double)n), 1e-9));
    o->phase = (double)cargf(sum);
    for (int round = 0; round < ROUNDS; round++) {
        fit_phase(m, o);
        fit_width(m, o);
        double reach = 0.5 / (1 << round);
        if (!fit_times(m, o, fmax(o->transition, fmax(reach, 2.0 / WIDTHS))))
            return err_set(err, ERR_CHECK,
                           "measuring a burst of %zu symbols: expected at least 8 changes of phase "
                           "to find its timing by",
                           n);
    }
    fit_phase(m, o);
    for (size_t i = 0; i < m->narrow.n; i++) {
        double t = m->narrow.origin + (double)i / m->narrow.per_symbol;
        m->narrow.z[i] *= derotate(o, t - o->middle);
    }
    report(m);
    return ERR_OK;
}
