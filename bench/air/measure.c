#include "bench/air/measure.h"

#include <math.h>
#include <string.h>

struct air_measure_frame air_measure_frame(const struct air_frame *f)
{
    return (struct air_measure_frame){.class = f->class,
                                      .rank = f->rank,
                                      .packet = f->packet,
                                      .start_sample = f->burst.start_sample,
                                      .f_hz = f->burst.f_hz,
                                      .drift_hz_s = f->burst.drift_hz_s,
                                      .bit_rate = f->burst.bit_rate};
}

static size_t symbols_of(const struct air_measure_frame *f)
{
    return PHY_HEAD_SYMBOLS + sfx_body_bits(f->class);
}

void air_measure_span(const struct air_measure_frame *f, double rate_hz, int64_t *from, int64_t *to)
{
    double symbol = rate_hz / f->bit_rate;
    *from = (int64_t)floor(f->start_sample - PHY_MEASURE_SIDE * symbol);
    *to = (int64_t)ceil(f->start_sample + ((double)symbols_of(f) + PHY_MEASURE_SIDE) * symbol);
    if (*from < 0) *from = 0;
}

// The frame with the bits that it had on the air, in samples whose first has index `first`.
static void burst_of(const struct air_measure_frame *f, int64_t first,
                     struct phy_measure_burst *burst)
{
    *burst = (struct phy_measure_burst){.start_sample = f->start_sample - (double)first,
                                        .f_hz = f->f_hz,
                                        .drift_hz_s = f->drift_hz_s,
                                        .bit_rate = f->bit_rate,
                                        .n_symbols = symbols_of(f)};
    uint8_t bits[SFX_FRAME_MAX];
    (void)sfx_uplink_frame(f->class, f->rank, f->packet, sfx_body_bits(f->class) / 8, bits);
    burst->sign[0] = 1;
    for (size_t k = 1; k < burst->n_symbols; k++) {
        bool bit = bits[(k - 1) / 8] >> (7 - (k - 1) % 8) & 1;
        burst->sign[k] = bit ? burst->sign[k - 1] : -burst->sign[k - 1];
    }
}

int air_measure(const struct phy_measure_config *config, const struct air_measure_frame *f,
                const int16_t *iq, int64_t first, size_t n, struct phy_measurement *out,
                struct err *err)
{
    struct phy_measure_burst burst;
    burst_of(f, first, &burst);
    int rc = phy_measure(config, iq, n, &burst, out, err);
    if (rc == ERR_OK && !out->q[PHY_QUANTITY_t_mid_s].why)
        out->q[PHY_QUANTITY_t_mid_s].value += (double)first / config->rate_hz;
    return rc;
}

int air_measure_draw(const struct phy_measure_config *config, const struct air_measure_frame *f,
                     const struct phy_picture_about *about, const int16_t *iq, int64_t first,
                     size_t n, struct bytes *spectrogram, struct bytes *phase, struct err *err)
{
    struct phy_measure_burst burst;
    burst_of(f, first, &burst);
    return phy_picture(config, iq, n, &burst, about, spectrogram, phase, err);
}

// `q` says how it is rounded.
static struct jval *value_json(enum phy_quantity q, const struct phy_value *v, const char *unit,
                               struct err *err)
{
    if (v->why && v->value != 0) // below the noise: what it is at most
        return jval_make(err, "{s:s, s:f, s:s}", "void", v->why, "at_most",
                         phy_quantity_round(q, v->value), "unit", unit);
    if (v->why) return jval_make(err, "{s:s, s:s}", "void", v->why, "unit", unit);
    if (!(v->u >= 0))
        return jval_make(err, "{s:f, s:s}", "value", phy_quantity_round(q, v->value), "unit", unit);
    return jval_make(err, "{s:f, s:f, s:s}", "value", phy_quantity_round(q, v->value), "u",
                     phy_quantity_round(q, v->u), "unit", unit);
}

static struct jval *mask_json(const struct phy_mask_value *v, struct err *err)
{
    const enum phy_quantity like = PHY_QUANTITY_overshoot_db; // hundredths of a decibel
    struct jval *j = jval_make(err, "{s:f, s:f, s:s}", "offset_bit_rates", v->point.offset,
                               "width_bit_rates", v->point.width, "mark", v->point.mark);
    int rc = j ? ERR_OK : ERR_FORMAT;
    if (rc == ERR_OK) rc = jval_set(j, "below", value_json(like, &v->below_dbc, "dBc", err), err);
    if (rc == ERR_OK) rc = jval_set(j, "above", value_json(like, &v->above_dbc, "dBc", err), err);
    if (rc == ERR_OK && v->point.limit_dbc <= 0)
        rc = jval_set(j, "limit_dbc", jval_make(err, "f", v->point.limit_dbc), err);
    if (rc == ERR_OK) return j;
    jval_free(j);
    return NULL;
}

struct jval *air_measure_json(const struct phy_measurement *m, struct err *err)
{
    struct jval *j = jval_make(err, "{s:[]}", "mask");
    int rc = j ? ERR_OK : ERR_FORMAT;
    for (enum phy_quantity q = 0; q < PHY_QUANTITIES && rc == ERR_OK; q++)
        rc = jval_set(j, phy_quantity_name(q), value_json(q, &m->q[q], phy_quantity_unit(q), err),
                      err);
    for (size_t i = 0; i < PHY_MASK_POINTS && rc == ERR_OK; i++)
        rc = jval_append(jval_get(j, "mask"), mask_json(&m->mask[i], err), err);
    if (rc == ERR_OK) return j;
    jval_free(j);
    return NULL;
}
