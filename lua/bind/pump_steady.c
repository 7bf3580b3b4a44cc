// Jammers that need no frame: from their start until they are stopped they send piece after piece
// without a gap, several at once, on one transmitter or on several. No piece is handed over longer
// before its time than the radio needs, so that whatever ends the pump ends them, too.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lua/bind/pump_internal.h"

static const double piece_s = 0.5;
static const double ahead_s = 0.35; // what is handed over beyond the earliest possible sample
static const double wide_hz =
    10000; // of wider ones a tenth of a second of each piece is looked for
static const double wide_s = 0.1;
static const double room_db = 6; // for others on the same transmitter

static int64_t samples(const struct pump *p, double s)
{
    return llround(s * p->rate_hz);
}

// ---- beginning and end

static int check(struct pump *p, const struct pump_steady_request *r, struct err *err)
{
    struct air_transmit *t = pump_transmitter(p, r->by);
    if (!t)
        return err_set(err, ERR_UNSUPPORTED,
                       "%s cannot jam: it is not open, or the bench file does not let it send; say "
                       "radio.jam, radio.rx3 or radio.tx in the case's needs, and transmit = true "
                       "in the bench file",
                       r->by <= p->config.n_stations ? pump_station_unit(p, r->by) : "that radio");
    int rc = phy_jam_wave_check(&r->wave, err);
    if (rc < 0) return rc;
    const struct air_burst burst = {.freq_hz = r->f_hz,
                                    .bandwidth_hz = phy_jam_wave_bandwidth_hz(&r->wave),
                                    .level_dbm = isfinite(r->level_dbm) ? r->level_dbm : -60,
                                    .purpose = AIR_INTERFERENCE};
    return air_transmit_check(t, &burst, err);
}

// How strong it must leave to be js_db above the last frame that the first radio heard.
static int find_level(struct pump *p, struct pump_steady *s, struct err *err)
{
    const struct pump_heard *last = pump_heard(p, 0, 0);
    s->s_dbfs = last ? last->power_dbfs : NAN;
    s->level_dbm = s->request.level_dbm;
    if (isfinite(s->level_dbm)) return ERR_OK;
    double loss_db;
    int rc = pump_jam_loss(p, s->request.by, &loss_db, err);
    if (rc < 0) return rc;
    if (!last)
        return err_set(err, ERR_INVALID,
                       "how strong a frame arrives is not known yet: let a message go unjammed "
                       "first, or say level_dbm");
    s->level_dbm =
        s->s_dbfs - PUMP_NOMINAL_DB - radio_info(p->radio)->gain_db + s->request.js_db + loss_db;
    return ERR_OK;
}

int pump_steady_start(struct pump *p, const struct pump_steady_request *request, unsigned *id,
                      struct err *err)
{
    if (p->broken) return pump_refuse(p, err);
    struct pump_steady *s = NULL;
    for (size_t i = 0; i < PUMP_STEADY_MAX && !s; i++)
        if (!p->steady[i].id) s = &p->steady[i];
    if (!s)
        return err_set(err, ERR_LIMIT, "expected at most %d jammers at once; end one first",
                       PUMP_STEADY_MAX);
    int rc = check(p, request, err);
    if (rc < 0) return rc;
    *s = (struct pump_steady){.request = *request};
    s->request.wave.bit_rate = p->config.bit_rate_600 ? 600 : 100;
    rc = find_level(p, s, err);
    if (rc < 0) return rc;
    air_jam_flood(SFX_FRAME_MAX * 8, 1, s->flood);
    *id = s->id = ++p->jam_id;
    return ERR_OK;
}

static int tell(struct pump *p, const struct pump_steady *s, int64_t end, struct err *err)
{
    struct jval *event = jval_make(
        err, "{s:s, s:s, s:s, s:b, s:I, s:I, s:f, s:f}", "type", "jam", "unit",
        pump_station_unit(p, s->request.by), "shape", phy_jam_shape_name(s->request.wave.shape),
        "steady", 1, "start", (long long)s->start, "end", (long long)end, "f_hz",
        round(s->request.f_hz * 64) / 64, "level_dbm", round(s->level_dbm * 64) / 64);
    int rc = event ? ERR_OK : ERR_FORMAT;
    if (rc == ERR_OK && s->n_heard && isfinite(s->s_dbfs)) {
        const double js_db = s->sum_dbfs / s->n_heard - s->s_dbfs;
        const double mean = s->sum_dbfs / s->n_heard;
        const double spread = sqrt(fmax(0, s->sum_squares / s->n_heard - mean * mean));
        rc = jval_set(event, "js_db", jval_make(err, "f", round(js_db * 64) / 64 + 0.0), err);
        if (rc == ERR_OK)
            rc = jval_set(event, "u_db", jval_make(err, "f", ceil(spread * 1024) / 1024), err);
    }
    if (rc == ERR_OK && s->why[0]) rc = jval_set(event, "why", jval_make(err, "s", s->why), err);
    if (rc == ERR_OK) return pump_emit(p, event, err);
    jval_free(event);
    return rc;
}

void pump_steady_resume(struct pump *p, unsigned by)
{
    for (size_t i = 0; i < PUMP_STEADY_MAX; i++)
        if (p->steady[i].id && p->steady[i].request.by == by) {
            p->steady[i].next = 0;
            p->steady[i].n_pieces = 0;
        }
}

// Silence on this transmitter; what else goes on there begins anew as soon as it can.
static int stop_one(struct pump *p, struct pump_steady *s, struct err *err)
{
    const unsigned by = s->request.by;
    struct air_transmit *t = pump_transmitter(p, by);
    const bool sent = s->start > 0;
    int64_t end = p->now < s->start ? s->start : p->now < s->until ? p->now : s->until;
    int rc = !p->broken && t && air_transmit_busy(t) ? air_transmit_stop(t, err) : ERR_OK;
    pump_steady_resume(p, by);
    if (rc == ERR_OK && sent && !p->broken) rc = tell(p, s, end, err);
    p->steady_told = *s;
    *s = (struct pump_steady){0};
    return rc;
}

int pump_steady_stop(struct pump *p, unsigned id, struct err *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < PUMP_STEADY_MAX; i++)
        if (p->steady[i].id && (id == 0 || p->steady[i].id == id))
            rc = stop_one(p, &p->steady[i], err);
    return rc;
}

bool pump_steady_look(const struct pump *p, unsigned id, struct pump_steady_state *out)
{
    const struct pump_steady *s = p->steady_told.id == id ? &p->steady_told : NULL;
    for (size_t i = 0; i < PUMP_STEADY_MAX; i++)
        if (p->steady[i].id == id) s = &p->steady[i];
    if (!s || id == 0) return false;
    *out = (struct pump_steady_state){
        .heard = s->heard,
        .start = s->start,
        .level_dbm = s->level_dbm,
        .js_db = s->n_heard ? s->sum_dbfs / s->n_heard - s->s_dbfs : NAN,
        .why = s->why[0] ? s->why : NULL,
    };
    return true;
}

// ---- piece by piece

static int send_piece(struct pump *p, struct pump_steady *s, struct err *err)
{
    struct air_transmit *t = pump_transmitter(p, s->request.by);
    const int64_t shift = pump_station_shift(p, s->request.by);
    const bool first = s->next == 0;
    double offset_hz = 0;
    (void)pump_scale_offset(p, s->request.by, &offset_hz);
    if (first) s->next = air_transmit_earliest(t) + shift;
    if (s->start == 0) s->start = s->next;
    struct phy_jam_wave wave = s->request.wave;
    wave.bits = s->flood;
    wave.n_bits = AIR_FLOOD_BITS;
    wave.seed = (uint64_t)s->id << 32 | s->made++;
    const size_t n = (size_t)samples(p, piece_s);
    struct err why = {0};
    int rc = air_jam_piece(t, &wave, s->request.f_hz + offset_hz, s->level_dbm, s->next - shift, n,
                           first, room_db, &why);
    if (rc == ERR_GONE || rc == ERR_IO) return err_set(err, rc, "%s", why.text);
    if (rc < 0) {
        if (!s->why[0]) snprintf(s->why, sizeof s->why, "%s", why.text);
        s->next = first ? 0 : s->next + (int64_t)n;
        s->refused = true;
        return ERR_OK;
    }
    const bool wide = phy_jam_wave_bandwidth_hz(&wave) > wide_hz;
    s->until = s->next += (int64_t)n;
    if (s->n_pieces == PUMP_PIECES_MAX) return ERR_OK; // nobody has come to look for them
    struct pump_burst *b = &s->pieces[s->n_pieces++];
    *b = (struct pump_burst){
        .by = s->request.by,
        .start = s->next - (int64_t)n,
        .n = wide ? (size_t)samples(p, wide_s) : n,
        .n_made = n,
        .cut = !first,
        .f_hz = s->request.f_hz,
        .level_dbm = s->level_dbm,
        .bandwidth_hz = phy_jam_wave_bandwidth_hz(&wave),
        .jam = true,
        .wave = wave,
    };
    memcpy(b->flood, s->flood, sizeof b->flood);
    return ERR_OK;
}

static int look(struct pump *p, struct pump_steady *s, struct err *err)
{
    int rc = ERR_OK;
    while (rc == ERR_OK && s->n_pieces && pump_echo_due(p, &s->pieces[0])) {
        struct pump_burst *b = &s->pieces[0];
        char why[sizeof s->why];
        bool heard = false;
        double dbfs = NAN;
        rc = pump_echo_level(p, b, &heard, &dbfs, why, sizeof why, err);
        if (rc == ERR_OK && isfinite(dbfs)) {
            s->n_heard++;
            s->sum_dbfs += dbfs;
            s->sum_squares += dbfs * dbfs;
        }
        s->heard = s->heard || heard;
        if (*why && !s->why[0]) snprintf(s->why, sizeof s->why, "%s", why);
        memmove(s->pieces, s->pieces + 1, --s->n_pieces * sizeof *s->pieces);
    }
    return rc;
}

int pump_step_steady(struct pump *p, struct err *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < PUMP_STEADY_MAX; i++) {
        struct pump_steady *s = &p->steady[i];
        if (!s->id) continue;
        struct air_transmit *t = pump_transmitter(p, s->request.by);
        if (!t) continue;
        const int64_t shift = pump_station_shift(p, s->request.by);
        const int64_t soon = air_transmit_earliest(t) + shift + samples(p, ahead_s);
        s->refused = false;
        while (rc == ERR_OK && !s->refused && (s->next == 0 || s->next < soon))
            rc = send_piece(p, s, err);
        if (rc == ERR_OK) rc = look(p, s, err);
    }
    return rc;
}
