// A frame that was heard, measured and drawn in the samples that the first radio still keeps of it.
#include <stdio.h>
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

// The samples of a frame and beside it that are there: new, *from … *to - 1 of the stream.
// ERR_NOTFOUND: not all of the frame is.
static int samples_of(const struct pump *p, const struct air_measure_frame *f, int64_t *from,
                      int64_t *to, int16_t **out, struct err *err)
{
    air_measure_span(f, p->rate_hz, from, to);
    if (*from < iq_ring_oldest(&p->ring)) *from = iq_ring_oldest(&p->ring);
    if (*to > p->ring.end) *to = p->ring.end;
    if (!iq_ring_has(&p->ring, *from, *to) || f->start_sample < (double)*from)
        return err_set(err, ERR_NOTFOUND,
                       "the frame's samples are gone: the last %.0f s are kept; measure it sooner",
                       p->config.keep_s);
    *out = malloc(2 * (size_t)(*to - *from) * sizeof **out);
    if (!*out) return err_set(err, ERR_NOMEM, "measurement: out of memory");
    iq_ring_copy(&p->ring, *from, *to, *out);
    return ERR_OK;
}

// ---- pictures

static bool is_pictured(const struct pump *p, int64_t start)
{
    for (size_t i = 0; i < p->n_pictured; i++)
        if (p->pictured[i] == start) return true;
    return false;
}

static int hand_over(struct pump *p, int64_t start, const char *kind, const char *title,
                     const struct bytes *png, struct err *err)
{
    char path[64], note[120];
    if (png->len == 0) return ERR_OK;
    snprintf(path, sizeof path, "frames/%lld-%s.png", (long long)start, kind);
    snprintf(note, sizeof note, "%s of %s", kind, title);
    return pump_evidence(p, path, "image/png", note, png->data, png->len, err);
}

// A frame that cannot be drawn is no failure of the bench: its samples or its figures remain.
static int draw(struct pump *p, const struct jval *event, const struct air_measure_frame *f,
                const int16_t *iq, int64_t from, size_t n, struct err *err)
{
    const int64_t start = jval_int(jval_get(event, "start"), 0);
    if (is_pictured(p, start) || p->n_pictured == PUMP_PICTURED_MAX) return ERR_OK;
    char title[80];
    snprintf(title, sizeof title, "%s, counter %d, rank %u, class %s",
             jval_text(jval_get(event, "device_id"), "?"),
             (int)jval_int(jval_get(event, "counter"), -1), f->rank, sfx_class_name(f->class));
    const struct phy_measure_config config = config_of(p);
    const struct phy_picture_about about = {
        .title = title,
        .f_hz = jval_number(jval_get(event, "f_hz"), 0),
        .start_s = (double)start / p->rate_hz,
    };
    struct bytes spectrogram, phase;
    struct err why = {0};
    bytes_init(&spectrogram, PHY_PICTURE_SIZE_MAX);
    bytes_init(&phase, PHY_PICTURE_SIZE_MAX);
    int rc = air_measure_draw(&config, f, &about, iq, from, n, &spectrogram, &phase, &why);
    if (rc == ERR_NOMEM) {
        rc = err_set(err, rc, "%s", why.text);
    } else if (rc == ERR_OK) {
        p->pictured[p->n_pictured++] = start;
        rc = hand_over(p, start, "spectrogram", title, &spectrogram, err);
        if (rc == ERR_OK) rc = hand_over(p, start, "phase", title, &phase, err);
    } else {
        rc = ERR_OK;
    }
    bytes_deinit(&spectrogram);
    bytes_deinit(&phase);
    return rc;
}

int pump_draw(struct pump *p, const struct jval *frame, struct err *err)
{
    uint8_t packet[SFX_PACKET_MAX];
    struct air_measure_frame f;
    struct err why = {0};
    int16_t *iq = NULL;
    int64_t from, to;
    if (frame_of(p, frame, packet, &f, &why) < 0) return ERR_OK; // nothing is known of its bits
    int rc = samples_of(p, &f, &from, &to, &iq, &why);
    if (rc == ERR_NOMEM) return err_set(err, rc, "%s", why.text);
    if (rc == ERR_OK) rc = draw(p, frame, &f, iq, from, (size_t)(to - from), err);
    free(iq);
    return rc == ERR_NOTFOUND ? ERR_OK : rc;
}

// ---- figures

int pump_measure(struct pump *p, const struct jval *frame, struct jval **out, struct err *err)
{
    uint8_t packet[SFX_PACKET_MAX];
    struct air_measure_frame f;
    *out = NULL;
    int rc = frame_of(p, frame, packet, &f, err);
    if (rc < 0) return rc;
    const struct phy_measure_config config = config_of(p);
    int64_t from, to;
    int16_t *iq = NULL;
    air_measure_span(&f, p->rate_hz, &from, &to);
    rc = pump_wait(p, to + p->config.t0, err); // what follows the frame is measured, too
    if (rc == ERR_OK) rc = samples_of(p, &f, &from, &to, &iq, err);
    if (rc < 0) return rc;
    struct phy_measurement m;
    struct err why = {0};
    rc = air_measure(&config, &f, iq, from, (size_t)(to - from), &m, &why);
    if (rc < 0)
        rc = err_set(err, rc == ERR_NOMEM ? rc : ERR_NOTFOUND, "%s", why.text);
    else
        rc = draw(p, frame, &f, iq, from, (size_t)(to - from), err);
    free(iq);
    if (rc < 0) return rc;
    // Relative to the centre and to the stream's beginning there, absolute here.
    m.q[PHY_QUANTITY_f_mid_hz].value += p->lo_hz;
    m.q[PHY_QUANTITY_t_mid_s].value += (double)p->config.t0 / p->rate_hz;
    *out = air_measure_json(&m, err);
    return *out ? ERR_OK : ERR_FORMAT;
}
