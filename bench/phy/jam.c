#include "bench/phy/jam.h"

#include <math.h>

#include "bench/phy/shape.h"

enum { CHUNK = 1024 };

static int check(const struct phy_jam_config *c, size_t n, struct err *err)
{
    if (!(c->rate_hz > 0 && fabs(c->offset_hz) <= c->rate_hz / 2))
        return err_set(err, ERR_INVALID,
                       "jammer: a carrier at %+.0f Hz does not fit into samples of %.0f Hz; move "
                       "the transmitter's centre",
                       c->offset_hz, c->rate_hz);
    if (!(c->amplitude > 0 && c->amplitude <= 1))
        return err_set(err, ERR_INVALID, "jammer: expected an amplitude above 0, up to 1, got %g",
                       c->amplitude);
    if (!(c->ramp_s >= 0 && 2 * c->ramp_s * c->rate_hz <= (double)n))
        return err_set(err, ERR_INVALID,
                       "jammer: expected ramps that fit into its %zu samples, got %g s each", n,
                       c->ramp_s);
    return ERR_OK;
}

int phy_jam_cw(const struct phy_jam_config *c, size_t n, struct bytes *out_iq, struct err *err)
{
    int rc = check(c, n, err);
    if (rc < 0) return rc;
    int16_t iq[2 * CHUNK];
    for (size_t k = 0; k < n;) {
        size_t here = 0;
        for (; here < CHUNK && k < n; here++, k++) {
            double turn = c->offset_hz / c->rate_hz * (double)k;
            double a = c->amplitude *
                       phy_shape_envelope((double)k, (double)(n - 1), c->ramp_s * c->rate_hz);
            phy_shape_put(iq + 2 * here, a * cexp(2 * M_PI * I * (turn - floor(turn))));
        }
        rc = bytes_append(out_iq, iq, 2 * here * sizeof *iq, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}
