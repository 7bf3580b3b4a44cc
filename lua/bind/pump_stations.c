// Further stations of the pump: radios that listen to the same devices and may send, open only
// while a case wants them.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/bind/pump_internal.h"

// The longest that the bench sends against one frame, and room to look for it.
static const double keep_s = 4;

// ---- opening and closing

static void close_station(struct pump_station *s)
{
    air_transmit_free(s->transmit);
    air_ear_free(s->ear);
    iq_ring_deinit(&s->ring);
    radio_close(s->radio);
    *s = (struct pump_station){0};
}

void pump_close_stations(struct pump *p)
{
    for (size_t i = 0; i < p->config.n_stations; i++)
        close_station(&p->stations[i]);
}

static int open_station(struct pump *p, size_t i, bool monitor, struct err *err)
{
    struct pump_station *s = &p->stations[i];
    const struct pump_station_config *c = &p->config.stations[i];
    s->config = c;
    struct radio_config config = c->radio;
    config.wait = true; // a stream that nobody reads while the next radio is opened is of no use
    s->monitor = monitor;
    if (monitor) {
        config.lo_hz = c->downlink_lo_hz;
        config.transmit = false;
    }
    int rc = radio_open(&s->radio, &config, err);
    if (rc < 0) return pump_name_unit(err, "radio", c->radio.uri, c->unit);
    const struct radio_info *info = radio_info(s->radio);
    if (info->rate_hz == p->rate_hz)
        return iq_ring_init(&s->ring, (size_t)(keep_s * p->rate_hz), err);
    return err_set(err, ERR_USAGE, "radio %s: expected the rate of %s, %.0f Hz, it has %.0f Hz",
                   c->unit, p->config.radio_unit, p->rate_hz, info->rate_hz);
}

// After the streams have begun: nothing of what came before belongs to what comes now.
static int begin_station(struct pump *p, struct pump_station *s, struct err *err)
{
    const struct radio_info *info = radio_info(s->radio);
    air_ear_free(s->ear);
    s->ear = NULL;
    s->began = false;
    s->heard.n = 0;
    s->overload_at = -1;
    if (s->monitor) return ERR_OK;
    int rc = pump_open_ear(p, info->rate_hz, info->lo_hz, &s->ear, err);
    if (rc < 0 || !s->config->radio.transmit || s->transmit) return rc;
    return air_transmit_new(&s->transmit, s->radio, &s->config->permit, p->config.armed, err);
}

static int align(struct pump *p, struct err *err)
{
    struct radio *all[STATIONS_MAX] = {p->radio};
    size_t n = 1;
    for (size_t i = 0; i < p->config.n_stations; i++)
        if (p->stations[i].radio) all[n++] = p->stations[i].radio;
    return radio_align(all, n, err);
}

static int use_radios(struct pump *p, unsigned others, unsigned monitors, struct err *err)
{
    unsigned before = pump_radios(p, NULL);
    int rc = pump_jam_stop(p, 0, err);
    if (rc == ERR_OK) rc = pump_steady_stop(p, 0, err);
    if (rc == ERR_OK) rc = pump_silence(p, err);
    for (size_t i = 0; rc == ERR_OK && i < p->config.n_stations; i++) {
        const bool monitor = monitors >> i & 1, wanted = monitor || others >> i & 1;
        struct pump_station *s = &p->stations[i];
        if (s->radio && (!wanted || s->monitor != monitor)) {
            close_station(s);
            before &= ~(1u << i);
        }
        if (!wanted || s->radio) continue;
        rc = pump_alive(p, err); // a real radio takes a second or two
        if (rc == ERR_OK) rc = open_station(p, i, monitor, err);
    }
    if (rc == ERR_OK) rc = align(p, err);
    if (rc == ERR_OK) rc = pump_open_receiver(p, err);
    p->heard.n = 0;
    memset(p->pairs, 0, sizeof p->pairs);
    if (rc == ERR_OK) rc = pump_announce_calibration(p, p->config.radio_unit, p->radio, err);
    pump_queue_clear(&p->frames);
    for (size_t i = 0; rc == ERR_OK && i < p->config.n_stations; i++) {
        if (!p->stations[i].radio) continue;
        rc = begin_station(p, &p->stations[i], err);
        if (rc == ERR_OK && !(before >> i & 1))
            rc = pump_announce_radio(p, p->config.stations[i].unit, p->stations[i].radio, err);
        if (rc == ERR_OK)
            rc =
                pump_announce_calibration(p, p->config.stations[i].unit, p->stations[i].radio, err);
    }
    return rc == ERR_OK ? pump_renew_stations(p, err) : rc;
}

static int check_radios(const struct pump *p, unsigned others, unsigned monitors, struct err *err)
{
    if ((others | monitors) >> p->config.n_stations)
        return err_set(err, ERR_USAGE, "the bench file has no radio %zu", p->config.n_stations + 2);
    for (unsigned i = 0; i < p->config.n_stations; i++) {
        const struct pump_station_config *c = &p->config.stations[i];
        if (!(monitors >> i & 1) || (c->downlink_lo_hz > 0 && !(others >> i & 1))) continue;
        return err_set(err, ERR_USAGE,
                       "%s cannot listen to the bench's downlinks: give it a downlink_lo_hz in the "
                       "bench file, and do not use it as a station meanwhile",
                       c->unit);
    }
    return ERR_OK;
}

int pump_use_radios(struct pump *p, unsigned others, unsigned monitors, struct err *err)
{
    if (p->broken) return pump_refuse(p, err);
    int rc = check_radios(p, others, monitors, err);
    if (rc < 0) return rc;
    unsigned open_monitors, open = pump_radios(p, &open_monitors);
    if (open == (others | monitors) && open_monitors == monitors) return ERR_OK;
    rc = use_radios(p, others, monitors, err);
    return rc < 0 ? pump_fail(p, rc, err) : ERR_OK;
}

unsigned pump_radios(const struct pump *p, unsigned *monitors)
{
    unsigned open = 0, listening = 0;
    for (unsigned i = 0; i < p->config.n_stations; i++) {
        if (p->stations[i].radio) open |= 1u << i;
        if (p->stations[i].radio && p->stations[i].monitor) listening |= 1u << i;
    }
    if (monitors) *monitors = listening;
    return open;
}

// ---- what they hear

static const struct pump_heard_list *heard_by(const struct pump *p, unsigned station)
{
    return station ? &p->stations[station - 1].heard : &p->heard;
}

void pump_note_heard(struct pump *p, unsigned station, const struct air_frame *f,
                     const struct jval *event)
{
    if (f->status != SFX_STATUS_OK) return;
    struct pump_heard_list *list = station ? &p->stations[station - 1].heard : &p->heard;
    list->frames[list->n++ % PUMP_HEARD_MAX] = (struct pump_heard){
        .device_id = f->uplink.device_id,
        .counter = f->uplink.counter,
        .rank = f->rank,
        .start = jval_int(jval_get(event, "start"), 0),
        .end = jval_int(jval_get(event, "end"), 0),
        .f_hz = jval_number(jval_get(event, "f_mid_hz"), 0),
        .power_dbfs = jval_number(jval_get(event, "power_dbfs"), 0),
    };
}

const struct pump_heard *pump_heard(const struct pump *p, unsigned station, size_t i)
{
    if (station > p->config.n_stations) return NULL;
    const struct pump_heard_list *list = heard_by(p, station);
    return i < list->n && i < PUMP_HEARD_MAX ? &list->frames[(list->n - 1 - i) % PUMP_HEARD_MAX]
                                             : NULL;
}

bool pump_scale_offset(const struct pump *p, unsigned station, double *offset_hz)
{
    *offset_hz = 0;
    if (station == 0) return true;
    const int64_t together = llround(PUMP_TOGETHER_S * p->rate_hz);
    const struct pump_heard *a, *b;
    for (size_t i = 0; (a = pump_heard(p, 0, i)); i++)
        for (size_t k = 0; (b = pump_heard(p, station, k)); k++)
            if (a->counter == b->counter && a->rank == b->rank && a->device_id == b->device_id &&
                llabs(a->start - b->start) < together) {
                *offset_hz = b->f_hz - a->f_hz;
                return true;
            }
    return false;
}

static int take_station_frame(struct pump *p, unsigned i, const struct air_frame *f,
                              struct err *err)
{
    struct pump_station *s = &p->stations[i];
    const struct frame_event_context context = {
        .unit = s->config->unit,
        .t0 = s->shift + s->heard_from, // its receiver counts from there
        .rate_hz = p->rate_hz,
        .lo_hz = radio_info(s->radio)->lo_hz,
    };
    return pump_hear(p, i + 1, &context, f, NULL, err);
}

static int step_station(struct pump *p, unsigned i, struct err *err)
{
    struct pump_station *s = &p->stations[i];
    struct iq_block block;
    int rc = radio_read(s->radio, &block, err);
    if (rc < 0) return pump_name_unit(err, "radio", s->config->radio.uri, s->config->unit);
    // All streams began together; from then on each counts for itself.
    if (!s->began) {
        s->shift = p->now - (int64_t)block.n_samples - block.first_sample;
        s->heard_from = block.first_sample;
        iq_ring_jump(&s->ring, block.first_sample);
    }
    int64_t lost = s->began ? block.first_sample - s->next : 0;
    s->began = true;
    s->next = block.first_sample + (int64_t)block.n_samples;
    if (lost != 0 || (block.flags & (IQ_FLAG_OVERFLOW | IQ_FLAG_CLIPPED))) {
        // What a monitor misses makes nothing of the device's unheard: only bursts stay unproven.
        const int64_t gap_at = p->gap_at;
        rc = pump_take_gap(p, s->config->unit, lost, block.flags, &s->overload_at, err);
        if (rc < 0) return rc;
        if (s->monitor) p->gap_at = gap_at;
    }
    if (lost != 0) iq_ring_jump(&s->ring, block.first_sample);
    iq_ring_put(&s->ring, block.iq, block.n_samples);
    if (s->monitor) return ERR_OK;
    rc = air_ear_push(s->ear, block.iq, block.n_samples, err);
    if (rc < 0) return pump_receiver_failed(rc, s->config->unit, err);
    struct air_frame f;
    while (rc == ERR_OK && air_ear_next(s->ear, &f))
        rc = take_station_frame(p, i, &f, err);
    if (rc < 0 || !s->transmit) return rc;
    rc = air_transmit_step(s->transmit, s->next, err);
    return rc < 0 ? pump_name_unit(err, "radio", s->config->radio.uri, s->config->unit) : ERR_OK;
}

int pump_step_stations(struct pump *p, struct err *err)
{
    int rc = ERR_OK;
    for (unsigned i = 0; rc == ERR_OK && i < p->config.n_stations; i++)
        if (p->stations[i].radio) rc = step_station(p, i, err);
    return rc;
}

unsigned pump_delivered(const struct pump *p, uint16_t counter)
{
    return stations_delivered(p->core.stations, p->config.device_id, counter);
}
