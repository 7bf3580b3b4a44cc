// Occupied bandwidth, power at offsets, and whether somebody else is in the picture: one transform
// over the whole burst with its ramps, less the noise beside it.
#include <math.h>
#include <stdlib.h>

#include "bench/phy/fft.h"
#include "bench/phy/measure_parts.h"

// Symbols before and after the burst that belong to it: a tail symbol and its ramp.
static const double ends = 3;
static const double outside_part = 0.005; // of the power, beyond the occupied band on either side
// A keyed carrier's spectrum is as high on its left as on its right; a neighbour's is not.
static const double uneven = 4, above_noise = 3, neighbour_from = 2.5; // power ratios, bit rates

struct spectrum {
    double *power; // of each bin, noise included, in words^2
    size_t n;      // bins, lowest frequency first
    double bin;    // bit rates
    double noise;  // of one bin
    double looks;  // independent values in a band of one bit rate
};

static void spectrum_deinit(struct spectrum *s)
{
    free(s->power);
}

static int take_spectrum(const struct phy_measure_state *m, struct spectrum *s, struct err *err)
{
    const struct phy_lowered *l = &m->wide;
    const struct phy_motion *o = &m->motion;
    double half = (double)m->burst->n_symbols / 2 * o->stretch + ends;
    size_t from = phy_lowered_index(l, o->middle - half);
    size_t to = phy_lowered_index(l, o->middle + half), len = phy_fft_good_size(to - from);
    struct phy_fft *fft = NULL;
    int rc = phy_fft_new(&fft, len, PHY_FFT_FORWARD, err);
    if (rc < 0) return rc;
    // about the carrier as it was found, drift included
    for (size_t i = 0; i < len; i++) {
        double x = l->origin + (double)(from + i) / l->per_symbol - o->middle;
        double a = (o->turn + o->bend * x) * x;
        float complex turn = CMPLXF((float)cos(a), -(float)sin(a));
        phy_fft_in(fft)[i] = from + i < to ? l->z[from + i] * turn : 0;
    }
    phy_fft_run(fft);
    const float complex *out = phy_fft_out(fft);
    double taken = (double)(to - from), scale = 1 / (taken * (double)len);
    size_t side = (size_t)(l->pass * (double)len / l->per_symbol);
    *s = (struct spectrum){.n = 2 * side + 1,
                           .bin = l->per_symbol / (double)len,
                           .noise = m->noise * l->per_symbol / (double)len,
                           .looks = taken / l->per_symbol,
                           .power = malloc((2 * side + 1) * sizeof *s->power)};
    if (!s->power) rc = err_set(err, ERR_NOMEM, "no memory for %zu bins", s->n);
    for (size_t i = 0; i < s->n && rc == ERR_OK; i++) {
        float complex v = out[(i + len - side) % len];
        s->power[i] = (double)(crealf(v) * crealf(v) + cimagf(v) * cimagf(v)) * scale;
    }
    phy_fft_free(fft);
    return rc;
}

static double band(const struct spectrum *s, double middle, double width)
{
    double zero = (double)(s->n / 2), sum = 0;
    double from = zero + (middle - width / 2) / s->bin, to = zero + (middle + width / 2) / s->bin;
    for (size_t i = (size_t)fmax(0, ceil(from)); i < s->n && (double)i < to; i++)
        sum += s->power[i];
    return sum;
}

static const char *find_neighbour(const struct spectrum *s, double pass)
{
    double noise = s->noise / s->bin; // in one bit rate
    for (double at = neighbour_from; at + 0.5 <= pass; at += 1) {
        double below = band(s, -at, 1), above = band(s, at, 1);
        double high = fmax(below, above), low = fmin(below, above);
        if (high > above_noise * noise && high > uneven * low)
            return "somebody else was heard beside the burst at the same time";
    }
    return NULL;
}

// Where, from one end inwards, so much power has been passed; in bit rates from the carrier.
static double pass_power(const struct spectrum *s, int way, double power)
{
    double sum = 0;
    for (size_t i = 0; i < s->n; i++) {
        double bin = s->power[way > 0 ? i : s->n - 1 - i] - s->noise;
        if (sum + bin >= power) {
            double part = bin > 0 ? (power - sum) / bin : 0;
            return ((double)s->n / 2 - (double)i - fmax(0, fmin(1, part))) * s->bin;
        }
        sum += bin;
    }
    return 0;
}

static void measure_occupied(struct phy_measure_state *m, const struct spectrum *s, double total)
{
    double width = (double)s->n * s->bin, noise = s->noise * (double)s->n / 2; // of one half
    double u_power = noise * hypot(1 / sqrt(s->looks * width / 2), m->noise_u);
    double edge = outside_part * total;
    if (u_power > edge / 2) {
        phy_measure_void(m, PHY_QUANTITY_occupied_hz,
                         "too weak: noise hides the outermost percent of the power");
        return;
    }
    double found = pass_power(s, 1, edge) + pass_power(s, -1, edge);
    double less = pass_power(s, 1, edge + u_power) + pass_power(s, -1, edge + u_power);
    double more = pass_power(s, 1, edge - u_power) + pass_power(s, -1, edge - u_power);
    double u = hypot((more - less) / 2, s->bin) / sqrt(2);
    phy_measure_put(m, PHY_QUANTITY_occupied_hz, found * m->burst->bit_rate,
                    u * m->burst->bit_rate);
}

static struct phy_value measure_offset(const struct phy_measure_state *m, const struct spectrum *s,
                                       double total, double at, double width)
{
    if (fabs(at) + width / 2 > m->wide.pass)
        return (struct phy_value){.u = -1, .why = "outside of what the samples cover"};
    double noise = s->noise * width / s->bin, power = band(s, at, width), rest = power - noise;
    double looks = fmax(1, s->looks * width);
    double u_power = hypot(power / sqrt(looks), noise * m->noise_u);
    if (!(rest > 2 * u_power))
        return (struct phy_value){.value = 10 * log10((fmax(rest, 0) + 2 * u_power) / total),
                                  .u = -1,
                                  .why = "below the noise"};
    return (struct phy_value){.value = 10 * log10(rest / total),
                              .u = 10 / M_LN10 *
                                   hypot(noise / rest / sqrt(looks), noise / rest * m->noise_u)};
}

int phy_measure_spectrum(struct phy_measure_state *m, struct err *err)
{
    const struct phy_mask_point *points = m->config->mask ? m->config->mask : phy_mask_default;
    struct spectrum s = {0};
    double total = 0;
    if (!m->silent) {
        int rc = take_spectrum(m, &s, err);
        if (rc < 0) return rc;
        if (!m->disturbed) m->disturbed = find_neighbour(&s, m->wide.pass);
        for (size_t i = 0; i < s.n; i++)
            total += s.power[i] - s.noise;
    }
    const char *why = m->silent ? m->silent : total > 0 ? NULL : "below the noise";
    for (size_t i = 0; i < PHY_MASK_POINTS; i++) {
        struct phy_mask_value *v = &m->out->mask[i];
        const struct phy_value none = {.u = -1, .why = why};
        v->point = points[i];
        v->below_dbc =
            why ? none : measure_offset(m, &s, total, -points[i].offset, points[i].width);
        v->above_dbc = why ? none : measure_offset(m, &s, total, points[i].offset, points[i].width);
    }
    if (why)
        phy_measure_void(m, PHY_QUANTITY_occupied_hz, why);
    else
        measure_occupied(m, &s, total);
    spectrum_deinit(&s);
    return ERR_OK;
}
