#include "bench/phy/gfsk.h"

#include <math.h>

#include "bench/phy/shape.h"

enum { CHUNK = 1024 };

// The frequency is the bits (+-1) through a Gaussian filter; its integral has a closed form, so the
// phase of every sample is exact and owes nothing to the samples before. With
//   S(x) = |x| + r(s |x|) / s,   s = pi bt sqrt(2 / ln 2),
//   r(y) = exp(-y^2) / sqrt(pi) - y erfc(y)
// (the integral of a smoothed sign step at 0), a bit from 0 to 1 turns (S(x) - S(x - 1) + 1) / 2.
//
// r, the corner that the filter rounds, comes out of a table: read between its places it is wrong
// by less than 2e-7 of a bit, where a sample's last place is 1e-5.
enum { CORNER_END = 5, CORNER_STEPS = 1024 }; // where it is below 1e-12; places in one unit of y

struct pulse {
    double s;
    int reach; // bits beyond which a step counts as sharp
    double corner[CORNER_END * CORNER_STEPS + 1];
};

static void pulse_init(struct pulse *p, double bt)
{
    p->s = M_PI * bt * sqrt(2 / M_LN2);
    p->reach = (int)ceil(CORNER_END / p->s) + 1;
    for (int i = 0; i <= CORNER_END * CORNER_STEPS; i++) {
        double y = (double)i / CORNER_STEPS;
        p->corner[i] = (exp(-y * y) / sqrt(M_PI) - y * erfc(y)) / p->s;
    }
}

static double step_integral(const struct pulse *p, double x)
{
    double far = fabs(x), place = p->s * far * CORNER_STEPS;
    if (place >= CORNER_END * CORNER_STEPS) return far;
    int i = (int)place;
    return far + p->corner[i] + (place - i) * (p->corner[i + 1] - p->corner[i]);
}

// Bits with the ramps' tones before and behind them.
static int bit_sign(const uint8_t *bits, size_t n, long i)
{
    if (i < 0) i = 0;
    if (i >= (long)n) i = (long)n - 1;
    return bits[i / 8] >> (7 - i % 8) & 1 ? 1 : -1;
}

// The integral of the filtered bits up to a time that only grows: bits before `done` are over and
// summed up in `whole`.
struct turns {
    const uint8_t *bits;
    size_t n;
    struct pulse pulse;
    long done;
    double whole;
};

static double turns_at(struct turns *t, double u)
{
    long now = (long)floor(u);
    for (; t->done < now - t->pulse.reach; t->done++)
        t->whole += bit_sign(t->bits, t->n, t->done);
    double sum = t->whole;
    double before = step_integral(&t->pulse, u - (double)t->done);
    for (long i = t->done; i <= now + t->pulse.reach; i++) {
        double behind = step_integral(&t->pulse, u - (double)(i + 1));
        sum += bit_sign(t->bits, t->n, i) * (before - behind + 1) / 2;
        before = behind;
    }
    return sum;
}

static int check(const struct phy_gfsk_config *c, size_t n_bits, struct err *err)
{
    if (!(c->rate_hz > 0 && c->bit_rate > 0 && c->rate_hz >= 4 * c->bit_rate))
        return err_set(err, ERR_INVALID,
                       "GFSK burst: expected at least 4 samples a bit, got %.10g S/s for %g bit/s",
                       c->rate_hz, c->bit_rate);
    if (!(c->bt >= 0.1 && c->bt <= 10))
        return err_set(err, ERR_INVALID,
                       "GFSK burst: expected a filter with BT from 0.1 to 10, got %g", c->bt);
    if (!(c->deviation_hz > 0 &&
          fabs(c->offset_hz) + c->deviation_hz + c->bit_rate <= c->rate_hz / 2))
        return err_set(err, ERR_INVALID,
                       "GFSK burst: a carrier at %+.0f Hz with %.0f Hz of deviation does not fit "
                       "into samples of %.0f Hz; move the transmitter's centre",
                       c->offset_hz, c->deviation_hz, c->rate_hz);
    if (!(c->amplitude > 0 && c->amplitude <= 1))
        return err_set(err, ERR_INVALID,
                       "GFSK burst: expected an amplitude above 0, up to 1, got %g", c->amplitude);
    if (!(c->ramp_bits >= 0 && c->ramp_bits <= 100))
        return err_set(err, ERR_INVALID, "GFSK burst: expected ramps of 0 to 100 bits, got %g",
                       c->ramp_bits);
    if (n_bits == 0 || n_bits > 1 << 16)
        return err_set(err, ERR_INVALID, "GFSK burst: expected 1 to 65536 bits, got %zu", n_bits);
    return ERR_OK;
}

size_t phy_gfsk_samples(const struct phy_gfsk_config *config, size_t n_bits)
{
    return (size_t)ceil(((double)n_bits + 2 * config->ramp_bits) / config->bit_rate *
                        config->rate_hz);
}

double phy_gfsk_lead_s(const struct phy_gfsk_config *config)
{
    return config->ramp_bits / config->bit_rate;
}

int phy_gfsk_modulate(const struct phy_gfsk_config *c, const uint8_t *bits_packed, size_t n_bits,
                      struct bytes *out_iq, struct err *err)
{
    int rc = check(c, n_bits, err);
    if (rc < 0) return rc;
    struct turns turns = {.bits = bits_packed, .n = n_bits};
    pulse_init(&turns.pulse, c->bt);
    turns.done = -(long)ceil(c->ramp_bits) - 2 * turns.pulse.reach;
    double end = (double)n_bits + 2 * c->ramp_bits;
    double index = c->deviation_hz / c->bit_rate; // turns that one bit makes
    size_t n = phy_gfsk_samples(c, n_bits);
    int16_t iq[2 * CHUNK];
    for (size_t k = 0; k < n;) {
        size_t here = 0;
        for (; here < CHUNK && k < n; here++, k++) {
            double bit = (double)k * c->bit_rate / c->rate_hz; // since the burst's start
            double turn = index * turns_at(&turns, bit - c->ramp_bits) +
                          c->offset_hz * (double)k / c->rate_hz;
            double a = c->amplitude * phy_shape_envelope(bit, end, c->ramp_bits);
            float angle = (float)(2 * M_PI * (turn - floor(turn)));
            phy_shape_put(iq + 2 * here, a * cosf(angle) + I * (a * sinf(angle)));
        }
        rc = bytes_append(out_iq, iq, 2 * here * sizeof *iq, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}
