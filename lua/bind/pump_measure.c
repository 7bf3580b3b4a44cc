// A frame that was heard, measured in the samples that the first radio still keeps of it.
#include <stdlib.h>
#include <string.h>

#include "bench/air/measure.h"
#include "bench/base/bytes.h"
#include "lua/bind/pump_internal.h"

static int find_class(const char *name)
{
    for (int class = 0; class < SFX_CLASSES; class ++)
        if (strcmp(name, sfx_class_name(class)) == 0) return class;
    return -1;
}

// What an `uplink` event says of where the frame lies; its packet into `packet`.
static int frame_of(const struct pump *p, const struct jval *event, uint8_t packet[SFX_PACKET_MAX],
                    struct air_measure_frame *out, struct err *err)
{
    const int class = find_class(jval_text(jval_get(event, "class"), ""));
    const int64_t rank = jval_int(jval_get(event, "rank"), 0);
    const int len =
        hex_decode(jval_text(jval_get(event, "packet_hex"), ""), packet, SFX_PACKET_MAX, NULL);
    const bool is_read = strcmp(jval_text(jval_get(event, "status"), ""), "ok") == 0;
    if (!is_read || class < 0 || rank < 1 || rank > SFX_RANKS || len < 0 ||
        (size_t)len * 8 != sfx_body_bits(class))
        return err_set(err, ERR_NOTFOUND,
                       "the frame does not decode, so its bits are not known, and nothing can be "
                       "measured against them");
    const bool own =
        strcmp(jval_text(jval_get(event, "unit"), p->config.radio_unit), p->config.radio_unit) == 0;
    if (!own)
        return err_set(err, ERR_NOTFOUND,
                       "the frame was heard by %s; the samples of %s alone are measured",
                       jval_text(jval_get(event, "unit"), ""), p->config.radio_unit);
    *out = (struct air_measure_frame){
        .class = (enum sfx_class) class,
        .rank = (unsigned)rank,
        .packet = packet,
        .start_sample = jval_number(jval_get(event, "start"), 0) - (double)p->config.t0,
        .f_hz = jval_number(jval_get(event, "f_hz"), 0) - p->lo_hz,
        .drift_hz_s = jval_number(jval_get(event, "drift_hz_s"), 0),
        .bit_rate = jval_number(jval_get(event, "bit_rate"), 100),
    };
    return ERR_OK;
}

static struct phy_measure_config config_of(const struct pump *p)
{
    const struct pump_calibration *c = &p->config.calibration;
    return (struct phy_measure_config){
        .rate_hz = p->rate_hz,
        .calibrated = c->known,
        // More gain, and less is full scale.
        .full_scale_dbm = c->full_scale_dbm - (radio_info(p->radio)->gain_db - c->gain_db),
        .full_scale_u_db = c->u_db,
    };
}

int pump_measure(struct pump *p, const struct jval *frame, struct jval **out, struct err *err)
{
    uint8_t packet[SFX_PACKET_MAX];
    struct air_measure_frame f;
    *out = NULL;
    int rc = frame_of(p, frame, packet, &f, err);
    if (rc < 0) return rc;
    const struct phy_measure_config config = config_of(p);
    int64_t from, to;
    air_measure_span(&f, p->rate_hz, &from, &to);
    rc = pump_wait(p, to + p->config.t0, err); // what follows the frame is measured, too
    if (rc < 0) return rc;
    if (from < iq_ring_oldest(&p->ring)) from = iq_ring_oldest(&p->ring);
    if (!iq_ring_has(&p->ring, from, to) || f.start_sample < (double)from)
        return err_set(err, ERR_NOTFOUND,
                       "the frame's samples are gone: the last %.0f s are kept; measure it sooner",
                       p->config.keep_s);
    int16_t *iq = malloc(2 * (size_t)(to - from) * sizeof *iq);
    if (!iq) return err_set(err, ERR_NOMEM, "measurement: out of memory");
    iq_ring_copy(&p->ring, from, to, iq);
    struct phy_measurement m;
    struct err why = {0};
    rc = air_measure(&config, &f, iq, from, (size_t)(to - from), &m, &why);
    free(iq);
    if (rc < 0) return err_set(err, rc == ERR_NOMEM ? rc : ERR_NOTFOUND, "%s", why.text);
    // Relative to the centre and to the stream's beginning there, absolute here.
    m.q[PHY_QUANTITY_f_mid_hz].value += p->lo_hz;
    m.q[PHY_QUANTITY_t_mid_s].value += (double)p->config.t0 / p->rate_hz;
    *out = air_measure_json(&m, err);
    return *out ? ERR_OK : ERR_FORMAT;
}
