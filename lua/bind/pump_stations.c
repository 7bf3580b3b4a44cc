// Further stations of the pump: radios that listen to the same devices, and the core network that
// makes one message of what all of them hear.
#include <stdio.h>
#include <stdlib.h>

#include "lua/bind/frame_event.h"
#include "lua/bind/pump_internal.h"

static int open_station(struct pump *p, size_t i, struct err *err)
{
    struct pump_station *s = &p->stations[i];
    const struct pump_station_config *c = &p->config.stations[i];
    s->config = c;
    int rc = radio_open(&s->radio, &c->radio, err);
    if (rc < 0) return pump_name_unit(err, "radio", c->radio.uri, c->unit);
    const struct radio_info *info = radio_info(s->radio);
    if (info->rate_hz != p->rate_hz)
        return err_set(err, ERR_USAGE, "radio %s: expected the rate of %s, %.0f Hz, it has %.0f Hz",
                       c->unit, p->config.radio_unit, p->rate_hz, info->rate_hz);
    const struct air_receiver_config config = {
        .rate_hz = info->rate_hz,
        .low_hz = p->config.low_hz - info->lo_hz,
        .high_hz = p->config.high_hz - info->lo_hz,
        .bit_rate_100 = true,
    };
    return air_receiver_new(&s->receiver, &config, err);
}

int pump_open_stations(struct pump *p, struct err *err)
{
    if (p->config.n_stations == 0) return ERR_OK;
    struct radio *all[STATIONS_MAX] = {p->radio};
    for (size_t i = 0; i < p->config.n_stations; i++) {
        int rc = open_station(p, i, err);
        if (rc < 0) return rc;
        all[i + 1] = p->stations[i].radio;
    }
    int rc = radio_align(all, p->config.n_stations + 1, err);
    if (rc < 0) return rc;
    rc = pump_open_judge(p, &p->core_judge, err);
    if (rc < 0) return rc;
    return stations_new(&p->core, p->core_judge, (unsigned)p->config.n_stations + 1, err);
}

void pump_close_stations(struct pump *p)
{
    for (size_t i = 0; i < p->config.n_stations; i++) {
        air_receiver_free(p->stations[i].receiver);
        radio_close(p->stations[i].radio);
    }
    stations_free(p->core);
    judge_free(p->core_judge);
}

int pump_announce_stations(struct pump *p, struct err *err)
{
    int rc = ERR_OK;
    for (size_t k = 0; rc == ERR_OK && k < p->config.n_stations; k++) {
        const struct radio_info *i = radio_info(p->stations[k].radio);
        rc = pump_emit(p,
                       jval_make(err, "{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:f, s:f, s:f, s:f, s:f}}",
                                 "type", "instrument", "unit", p->stations[k].config->unit, "kind",
                                 "radio", "serial", i->serial, "model", i->model, "firmware",
                                 i->firmware, "settings", "rate_hz", i->rate_hz, "lo_hz", i->lo_hz,
                                 "gain_db", i->gain_db, "band_low_hz", p->config.low_hz,
                                 "band_high_hz", p->config.high_hz),
                       err);
    }
    return rc;
}

int pump_hear(struct pump *p, unsigned station, const struct air_frame *f, const struct jval *event,
              struct err *err)
{
    if (!p->core) return ERR_OK;
    const struct station_frame frame = {
        .station = station,
        .rank = f->rank,
        .up = &f->uplink,
        .status = f->status,
        .start_s = (double)jval_int(jval_get(event, "start"), 0) / p->rate_hz,
        .end_s = (double)jval_int(jval_get(event, "end"), 0) / p->rate_hz,
        .f_hz = jval_number(jval_get(event, "f_mid_hz"), 0),
        .power_dbfs = jval_number(jval_get(event, "power_dbfs"), 0),
    };
    struct station_event heard;
    return stations_hear(p->core, &frame, &heard, err);
}

static int take_station_frame(struct pump *p, unsigned i, const struct air_frame *f,
                              struct err *err)
{
    struct pump_station *s = &p->stations[i];
    const struct frame_event_context context = {
        .unit = s->config->unit,
        .t0 = s->shift,
        .rate_hz = p->rate_hz,
        .lo_hz = radio_info(s->radio)->lo_hz,
        .judge = p->judge,
    };
    struct jval *event = frame_event(&context, f, err);
    if (!event) return ERR_FORMAT;
    if (f->status == SFX_STATUS_OK) s->frames++;
    int rc = pump_hear(p, i + 1, f, event, err);
    if (rc < 0) {
        jval_free(event);
        return rc;
    }
    return pump_emit(p, event, err);
}

static int step_station(struct pump *p, unsigned i, struct err *err)
{
    struct pump_station *s = &p->stations[i];
    struct iq_block block;
    int rc = radio_read(s->radio, &block, err);
    if (rc < 0) return pump_name_unit(err, "radio", s->config->radio.uri, s->config->unit);
    // Both streams began together; from then on each counts for itself.
    if (!s->began) s->shift = p->now - (int64_t)block.n_samples - block.first_sample;
    bool lost = s->began && block.first_sample != s->next;
    s->began = true;
    s->next = block.first_sample + (int64_t)block.n_samples;
    if (lost || (block.flags & IQ_FLAG_OVERFLOW)) {
        p->gap_at = p->now;
        snprintf(p->gap_text, sizeof p->gap_text, "%s lost samples at %.3f s", s->config->unit,
                 (double)p->now / p->rate_hz);
        rc = pump_emit(p,
                       jval_make(err, "{s:s, s:s, s:s}", "type", "gap", "unit", s->config->unit,
                                 "reason", p->gap_text),
                       err);
        if (rc < 0) return rc;
    }
    rc = air_receiver_push(s->receiver, block.iq, block.n_samples, err);
    struct air_frame f;
    while (rc == ERR_OK && air_receiver_next(s->receiver, &f))
        rc = take_station_frame(p, i, &f, err);
    return rc;
}

int pump_step_stations(struct pump *p, struct err *err)
{
    int rc = ERR_OK;
    for (unsigned i = 0; rc == ERR_OK && i < p->config.n_stations; i++)
        rc = step_station(p, i, err);
    return rc;
}

unsigned pump_stations(const struct pump *p)
{
    return 1 + (unsigned)p->config.n_stations;
}

int pump_blind(struct pump *p, unsigned station, bool blind, struct err *err)
{
    if (!p->core) return err_set(err, ERR_UNSUPPORTED, "the bench has one station only");
    return stations_blind(p->core, station, blind, err);
}

bool pump_station_proven(const struct pump *p, unsigned station)
{
    if (station == 0) return p->air_proven;
    return station <= p->config.n_stations && p->stations[station - 1].frames > 0;
}

unsigned pump_delivered(const struct pump *p, uint16_t counter)
{
    return p->core ? stations_delivered(p->core, p->config.device_id, counter) : 0;
}
