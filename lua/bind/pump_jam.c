// The pump's jammer: what the first radio hears decides when another one (or itself) interferes
// with a running frame, and the first radio's samples say how strong it was there.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/air/jam_send.h"
#include "bench/phy/jam_meter.h"
#include "lua/bind/pump_internal.h"

static const double tail_s = 0.25;      // the jammer outlasts its frame: its power alone
static const double pause_s = 2.5;      // more than between two frames of a message
static const double above_db = 15;      // a frame, over the noise in 125 Hz
static const double half_band_hz = 300; // in which the frame is measured
static const double edge_s = 0.04;      // the frame's start is known to 20 ms
static const double ramp_s = 0.01;      // the jammer's edges, and a little
static const double useful_s = 0.3;     // of a frame must be jammed at least

static const double fix_most_db = 12; // what levels and losses may be wrong by

// ---- who sends

struct air_transmit *pump_transmitter(const struct pump *p, unsigned station)
{
    if (station == 0) return p->transmit;
    return station <= p->config.n_stations ? p->stations[station - 1].transmit : NULL;
}

int64_t pump_station_shift(const struct pump *p, unsigned station)
{
    return station ? p->stations[station - 1].shift : p->config.t0;
}

static int64_t samples(const struct pump *p, double s)
{
    return llround(s * p->rate_hz);
}

// What lies between the jammer and the receiver whose J/S is asked for: the first radio; when that
// one is the jammer, whichever hears it least.
int pump_jam_loss(const struct pump *p, unsigned by, double *loss_db, struct err *err)
{
    const struct air_permit *permit = pump_permit(p, by);
    double most = -1;
    for (size_t i = 0; i < permit->n_paths; i++)
        for (unsigned k = 0; k <= p->config.n_stations; k++) {
            bool there = strcmp(permit->paths[i].to, pump_station_unit(p, k)) == 0;
            if (there && k != by && (by == 0 || k == 0))
                most = fmax(most, permit->paths[i].attenuation_db);
        }
    *loss_db = most;
    if (most >= 0) return ERR_OK;
    return err_set(err, ERR_USAGE,
                   "%s: the bench file does not say how it reaches %s; add rf = { { from = \"%s\", "
                   "to = …, kind = …, attenuation_db = … } }",
                   pump_station_unit(p, by), by ? pump_station_unit(p, 0) : "another station",
                   pump_station_unit(p, by));
}

// ---- beginning and end

static int check_jammer(const struct pump *p, const struct pump_jam_request *r, struct err *err)
{
    if (r->by > p->config.n_stations || !pump_transmitter(p, r->by))
        return err_set(err, ERR_UNSUPPORTED,
                       "%s cannot jam: it is not open, or the bench file does not let it send; say "
                       "radio.jam or radio.rx3 in the case's needs, and transmit = true in the "
                       "bench file",
                       r->by <= p->config.n_stations ? pump_station_unit(p, r->by) : "that radio");
    if (p->jam)
        return err_set(err, ERR_INVALID, "%s jams already; end that first",
                       pump_station_unit(p, p->jam_request.by));
    int rc = phy_jam_wave_check(&r->wave, err);
    if (rc < 0) return rc;
    const struct pump_heard *last = pump_heard(p, 0, 0);
    double offset_hz = 0;
    if (!last)
        return err_set(err, ERR_INVALID,
                       "how long a frame lasts is not known yet: let a message go unjammed first");
    if (!pump_scale_offset(p, r->by, &offset_hz))
        return err_set(err, ERR_NOTFOUND,
                       "%s has heard no frame that %s heard, so its frequency scale is not known; "
                       "check its cable, its gain and its path to the device",
                       pump_station_unit(p, r->by), pump_station_unit(p, 0));
    const struct air_burst burst = {.freq_hz = last->f_hz + offset_hz,
                                    .bandwidth_hz = phy_jam_wave_bandwidth_hz(&r->wave),
                                    .level_dbm = -60,
                                    .purpose = AIR_INTERFERENCE};
    return air_transmit_check(pump_transmitter(p, r->by), &burst, err);
}

int pump_jam_start(struct pump *p, const struct pump_jam_request *request, unsigned *id,
                   struct err *err)
{
    if (p->broken) return pump_refuse(p, err);
    struct pump_jam_request r = *request;
    r.wave.bit_rate = p->config.bit_rate_600 ? 600 : 100;
    int rc = check_jammer(p, &r, err);
    if (rc < 0) return rc;
    rc = pump_jam_loss(p, request->by, &p->jam_loss_db, err);
    if (rc < 0) return rc;
    const struct pump_heard *last = pump_heard(p, 0, 0);
    const struct air_jam_config config = {
        .rate_hz = p->rate_hz,
        .low_hz = p->config.low_hz - p->lo_hz,
        .high_hz = p->config.high_hz - p->lo_hz,
        .ranks = request->ranks,
        .frame_s = (double)(last->end - last->start) / p->rate_hz,
        .tail_s = tail_s,
        .pause_s = pause_s,
        .above_db = above_db,
    };
    rc = air_jam_new(&p->jam, &config, err);
    if (rc < 0) return rc;
    p->jam_request = r;
    p->n_jams = 0;
    *id = ++p->jam_id;
    return ERR_OK;
}

// A burst that left. `start` and `end` are its own.
static int emit_jam(struct pump *p, struct pump_jam *j, struct err *err)
{
    j->done = true;
    double onset_s = (double)(j->onset - j->start) / p->rate_hz;
    struct jval *event = jval_make(
        err, "{s:s, s:s, s:s, s:i, s:I, s:I, s:f, s:f, s:f}", "type", "jam", "unit",
        pump_station_unit(p, p->jam_request.by), "shape",
        phy_jam_shape_name(p->jam_request.wave.shape), "rank", (int)j->rank, "start",
        (long long)j->onset, "end", (long long)j->end, "onset_s", round(onset_s * 1024) / 1024,
        "f_hz", round(j->f_hz * 64) / 64, "level_dbm", round(j->level_dbm * 64) / 64);
    int rc = event ? ERR_OK : ERR_FORMAT;
    if (rc == ERR_OK && j->measured)
        rc = jval_set(event, "js_db", jval_make(err, "f", round(j->js_db * 64) / 64 + 0.0), err);
    if (rc == ERR_OK && j->measured)
        rc = jval_set(event, "u_db", jval_make(err, "f", round(j->u_db * 1024) / 1024), err);
    if (rc == ERR_OK && j->why[0]) rc = jval_set(event, "why", jval_make(err, "s", j->why), err);
    if (rc == ERR_OK) return pump_emit(p, event, err);
    jval_free(event);
    return rc;
}

static int emit_refused(struct pump *p, struct pump_jam *j, struct err *err)
{
    j->done = true;
    char text[sizeof j->why + 80];
    snprintf(text, sizeof text, "rank %u was not jammed by %s: %s", j->rank,
             pump_station_unit(p, p->jam_request.by), j->why);
    return pump_emit(p, jval_make(err, "{s:s, s:s}", "type", "note", "text", text), err);
}

int pump_jam_stop(struct pump *p, unsigned id, struct err *err)
{
    if (!p->jam || (id != 0 && id != p->jam_id)) return ERR_OK;
    air_jam_free(p->jam);
    p->jam = NULL;
    if (p->broken) return ERR_OK; // what sends is closed with the pump
    struct air_transmit *t = pump_transmitter(p, p->jam_request.by);
    int rc = t && air_transmit_busy(t) ? air_transmit_stop(t, err) : ERR_OK;
    pump_steady_resume(p, p->jam_request.by);
    for (size_t i = 0; rc == ERR_OK && i < p->n_jams; i++) {
        struct pump_jam *j = &p->jams[i];
        if (j->done) continue;
        snprintf(j->why, sizeof j->why, "it was ended before its time");
        j->end = p->now < j->onset ? j->onset : p->now;
        rc = emit_jam(p, j, err);
    }
    return rc;
}

// ---- a frame is jammed

static int carry_out(struct pump *p, const struct air_jam_order *o, struct err *err)
{
    const unsigned by = p->jam_request.by;
    struct air_transmit *t = pump_transmitter(p, by);
    if (p->n_jams == PUMP_JAMS_MAX) return ERR_OK; // the suite sees that there are too many
    struct pump_burst *b = &p->jam_bursts[p->n_jams];
    struct pump_jam *j = &p->jams[p->n_jams++];
    double offset_hz = 0;
    (void)pump_scale_offset(p, by, &offset_hz); // known since pump_jam_start
    int64_t at = air_transmit_earliest(t);
    *j = (struct pump_jam){
        .rank = o->rank,
        .start = o->heard + p->config.t0,
        .onset = at + pump_station_shift(p, by),
        .end = o->until + p->config.t0,
        .f_hz = p->lo_hz + o->f_hz,
        .level_dbm = o->dbfs - PUMP_NOMINAL_DB - radio_info(p->radio)->gain_db +
                     p->jam_request.js_db + p->jam_loss_db + p->jam_fix_db[by],
    };
    int64_t frame_end = j->end - samples(p, tail_s);
    if (frame_end - j->onset < samples(p, useful_s)) {
        snprintf(j->why, sizeof j->why, "it would have begun %.2f s after the frame, too late",
                 (double)(j->onset - j->start) / p->rate_hz);
        return emit_refused(p, j, err);
    }
    struct err why = {0};
    const struct pump_heard *last = pump_heard(p, 0, 0); // there, since pump_jam_start
    const double frame_s = (double)(last->end - last->start) / p->rate_hz;
    *b = (struct pump_burst){.by = by,
                             .start = j->onset,
                             .n = (size_t)(j->end - j->onset),
                             .f_hz = j->f_hz,
                             .level_dbm = j->level_dbm - p->jam_fix_db[by],
                             .bandwidth_hz = phy_jam_wave_bandwidth_hz(&p->jam_request.wave),
                             .jam = true,
                             .wave = p->jam_request.wave};
    air_jam_flood(frame_s * b->wave.bit_rate, o->rank, b->flood);
    b->wave.bits = b->flood;
    b->wave.n_bits = AIR_FLOOD_BITS;
    b->wave.seed = (uint64_t)p->jam_id * PUMP_JAMS_MAX + p->n_jams; // no two alike
    int rc = air_jam_send(t, &b->wave, j->f_hz + offset_hz, j->level_dbm, at, b->n, &why);
    if (rc == ERR_OK) return ERR_OK;
    b->n = 0;
    if (rc == ERR_GONE || rc == ERR_IO) return err_set(err, rc, "%s", why.text);
    snprintf(j->why, sizeof j->why, "%s", why.text);
    return emit_refused(p, j, err);
}

// In whose samples J/S is measured: the first radio's, and those of the station that hears that one
// least when it jams itself. False: nobody hears it.
static bool find_judge(const struct pump *p, unsigned by, unsigned *station)
{
    double most = -1;
    *station = 0;
    for (unsigned k = 1; by == 0 && k <= p->config.n_stations; k++) {
        const struct air_path *path = pump_path(p, by, k);
        if (!p->stations[k - 1].ear || !path || path->attenuation_db <= most) continue;
        most = path->attenuation_db;
        *station = k;
    }
    return by != 0 || most >= 0;
}

// The frame alone before the jammer, the jammer alone behind the frame, neither before both.
static int measure(struct pump *p, struct pump_jam *j, struct err *err)
{
    unsigned judge;
    double scale_hz = 0;
    if (!find_judge(p, p->jam_request.by, &judge)) return ERR_OK;
    (void)pump_scale_offset(p, judge, &scale_hz);
    const struct iq_ring *ring = pump_station_ring(p, judge);
    const int64_t shift = pump_station_shift(p, judge);
    const double centre_hz = radio_info(pump_station_radio(p, judge))->lo_hz;
    const int64_t start = j->start - shift, end = j->end - shift;
    const int64_t onset = j->onset - shift, frame_end = end - samples(p, tail_s);
    const int64_t edge = samples(p, edge_s), ramp = samples(p, ramp_s);
    const struct phy_jam_gates gates = {
        .rate_hz = p->rate_hz,
        .f_hz = j->f_hz + scale_hz - centre_hz,
        .signal_half_hz = half_band_hz,
        .signal = {start + edge, (size_t)(onset - ramp - start - edge)},
        .jammer = {frame_end + edge, (size_t)(end - ramp - frame_end - edge)},
        .noise = {start - 4 * edge, (size_t)(3 * edge)},
    };
    const int64_t from = gates.noise.first;
    if (!iq_ring_has(ring, from, end)) {
        snprintf(j->why, sizeof j->why, "the samples to measure it in are gone");
        return ERR_OK;
    }
    const size_t n = (size_t)(end - from);
    int16_t *iq = malloc(2 * n * sizeof *iq);
    if (!iq) return err_set(err, ERR_NOMEM, "jammer: out of memory");
    iq_ring_copy(ring, from, end, iq);
    struct phy_js js;
    struct err why = {0};
    int rc = phy_jam_js(&p->jam_request.wave, &gates, iq, from, n, &js, &why);
    free(iq);
    if (rc < 0) {
        snprintf(j->why, sizeof j->why, "%s", why.text);
        return ERR_OK;
    }
    j->measured = true;
    j->js_db = js.js_db;
    j->u_db = js.u_db;
    if (judge)
        return ERR_OK; // its level was asked for at the first radio's own measure of the frame
    // Real levels are known to 3 dB or so: the next one is put right by what this one was wrong.
    double *fix_db = &p->jam_fix_db[p->jam_request.by];
    const double wrong_db = p->jam_request.js_db - js.js_db;
    *fix_db += fabs(wrong_db) > 1 ? wrong_db : wrong_db / 4; // the rest is the frame's own
    *fix_db = fmin(fmax(*fix_db, -fix_most_db), fix_most_db);
    return ERR_OK;
}

int pump_step_jam(struct pump *p, const struct iq_block *block, struct err *err)
{
    if (!p->jam) return ERR_OK;
    air_jam_push(p->jam, block->first_sample, block->iq, block->n_samples);
    struct air_jam_order order;
    int rc = ERR_OK;
    while (rc == ERR_OK && air_jam_next(p->jam, &order))
        rc = carry_out(p, &order, err);
    for (size_t i = 0; rc == ERR_OK && i < p->n_jams; i++) {
        struct pump_jam *j = &p->jams[i];
        const struct pump_burst *b = &p->jam_bursts[i];
        if (j->done || p->now < j->end || !pump_echo_due(p, b)) continue;
        char why[sizeof j->why];
        rc = pump_echo_check(p, b, &j->heard, why, sizeof why, err);
        if (rc == ERR_OK) rc = measure(p, j, err);
        if (*why) snprintf(j->why, sizeof j->why, "%s", why);
        if (rc == ERR_OK) rc = emit_jam(p, j, err);
    }
    return rc;
}

void pump_jam_heard(struct pump *p, const struct air_frame *f)
{
    if (!p->jam || f->status != SFX_STATUS_OK) return;
    struct air_frame here = *f;
    here.end_sample += p->heard_from - p->config.t0;
    air_jam_received(p->jam, &here);
}

size_t pump_jams(const struct pump *p, const struct pump_jam **out)
{
    *out = p->jams;
    return p->n_jams;
}

unsigned pump_jam_rank(const struct pump *p, const struct pump_jam *jam)
{
    const struct pump_heard *f;
    for (size_t i = 0; (f = pump_heard(p, p->jam_request.by, i)); i++)
        if (llabs(f->start - jam->start) < samples(p, PUMP_TOGETHER_S)) return f->rank;
    return 0;
}
