// The pump's own ear: each burst that the bench sends is looked for in what one of its radios
// receives, its sender's own receiver first. What was not on the air as ordered proves nothing of
// the device, however well it was handed over.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/air/echo.h"
#include "lua/bind/pump_internal.h"

static const double edge_part = 0.45; // of the rate, to either side: a radio hears well so far out

// What is in order. A radio and its own receiver share clock and synthesizer.
static const double own_late_samples = 2;
static const double own_off_hz = 10;
// Two radios start as far apart as the hardware starts them, on crystals of their own; what was
// heard first says how far, and what comes later may move as crystals do.
static const double first_late_s = 0.05;
static const double first_off = 3e-6; // of the carrier
static const double next_late_s = 0.001;
static const double next_drift = 50e-6;
static const double next_off_hz = 200;
static const double jam_late_s = 0.005; // a carrier has nothing but its edges to tell its time
static const double jam_off_hz = 60;
static const double jam_missing = 0.1; // a frame that runs against it can hide so much of it
static const double clear_likeness = 0.5;

// ---- who listens

const struct air_permit *pump_permit(const struct pump *p, unsigned station)
{
    return station ? &p->config.stations[station - 1].permit : &p->config.permit;
}

const struct radio *pump_station_radio(const struct pump *p, unsigned station)
{
    return station ? p->stations[station - 1].radio : p->radio;
}

const struct iq_ring *pump_station_ring(const struct pump *p, unsigned station)
{
    return station ? &p->stations[station - 1].ring : &p->ring;
}

// The declared path between two radios, a radio and itself; NULL: none.
const struct air_path *pump_path(const struct pump *p, unsigned by, unsigned to)
{
    const struct air_permit *permit = pump_permit(p, by);
    for (size_t i = 0; i < permit->n_paths; i++)
        if (strcmp(permit->paths[i].to, pump_station_unit(p, to)) == 0) return &permit->paths[i];
    return NULL;
}

static bool can_hear(const struct pump *p, const struct pump_burst *b, unsigned station)
{
    const struct radio *r = pump_station_radio(p, station);
    if (!r || !pump_path(p, b->by, station)) return false;
    const struct radio_info *info = radio_info(r);
    return fabs(b->f_hz - info->lo_hz) + b->bandwidth_hz / 2 <= edge_part * info->rate_hz;
}

// False: nobody.
static bool find_listener(const struct pump *p, const struct pump_burst *b, unsigned *station)
{
    *station = b->by;
    if (can_hear(p, b, b->by)) return true;
    for (*station = 0; *station <= p->config.n_stations; ++*station)
        if (can_hear(p, b, *station)) return true;
    return false;
}

// Once for each sender and kind of burst: that nobody listens is no secret.
static int tell_deaf(struct pump *p, const struct pump_burst *b, struct err *err)
{
    bool *told = &p->told_deaf[b->by][b->jam];
    if (*told) return ERR_OK;
    *told = true;
    char text[400];
    snprintf(text, sizeof text,
             "%s of %s leave unheard: no open radio of this bench receives %.3f MHz over a "
             "declared path, so that they went out as ordered is not known; %s",
             b->jam ? "jammers" : "downlinks", pump_station_unit(p, b->by), b->f_hz * 1e-6,
             b->jam ? "declare the rf path from it to a radio that hears it"
                    : "give a radio beside the first a downlink_lo_hz and declare the rf path to "
                      "it");
    return pump_emit(p, jval_make(err, "{s:s, s:s}", "type", "note", "text", text), err);
}

// ---- what was sent

static int make_samples(const struct pump_burst *b, double rate_hz, struct bytes *iq, double *power,
                        struct err *err)
{
    *power = 1;
    if (!b->jam) return air_downlink_wave(rate_hz, b->frame, iq, err);
    struct phy_jam_wave wave = b->wave;
    wave.bits = b->flood;
    wave.n_bits = AIR_FLOOD_BITS;
    if (!b->n_made) return phy_jam_wave_make(&wave, rate_hz, b->n, iq, power, err);
    int rc = air_jam_piece_wave(&wave, rate_hz, b->n_made, !b->cut, iq, power, err);
    if (rc == ERR_OK) iq->len = 4 * b->n;
    return rc;
}

// ---- what is in order

struct due {
    double late_samples, late_most; // expected, and how far from that
    double off_hz, off_most_hz;
    double dbfs, dbfs_most;
};

static struct due due_of(const struct pump *p, const struct pump_burst *b, unsigned station,
                         const struct air_path *path, const struct air_echo *echo)
{
    const struct pump_pair *pair = &p->pairs[b->by][station];
    struct due due = {
        .dbfs = b->level_dbm - path->attenuation_db +
                radio_info(pump_station_radio(p, station))->gain_db + PUMP_NOMINAL_DB,
        .dbfs_most = path->tolerance_db > 0 ? path->tolerance_db : AIR_PATH_TOLERANCE_DB,
    };
    const double noise = 5 * echo->late_u_samples;
    if (b->by == station) {
        due.late_most = own_late_samples + noise;
        due.off_most_hz = own_off_hz;
    } else if (pair->known) {
        const double since_s = (double)(b->start - pair->at) / p->rate_hz;
        due.late_samples = pair->late_samples;
        due.late_most = (next_late_s + next_drift * since_s) * p->rate_hz + noise;
        due.off_hz = pair->off_hz;
        due.off_most_hz = next_off_hz;
    } else {
        due.late_most = first_late_s * p->rate_hz;
        due.off_most_hz = first_off * b->f_hz;
    }
    double scale_hz;
    if (b->jam) due.late_most += jam_late_s * p->rate_hz;
    if (b->jam && pump_scale_offset(p, station, &scale_hz)) {
        due.off_hz = 0;
        due.off_most_hz = jam_off_hz;
    }
    return due;
}

// In words what is not in order, or nothing.
static void judge(const struct pump *p, const struct pump_burst *b, const struct due *due,
                  const struct air_echo *e, char *why, size_t size)
{
    const double rate = p->rate_hz, whole_s = (double)b->n / rate;
    const double missing_s = e->head_s + e->tail_s + e->hole_s;
    why[0] = '\0';
    if (!e->found)
        snprintf(
            why, size,
            "nothing like it was on the air within %.0f ms of its time: check the transmitter, "
            "its cable and the declared path",
            1e3 * AIR_ECHO_SEARCH_S);
    else if (fabs(e->dbfs - due->dbfs) > due->dbfs_most)
        snprintf(why, size,
                 "it was %.1f dB %s than ordered (%.1f dBFS heard, %.1f expected, %.0f dB "
                 "allowed): mend the path, its attenuation_db or its tolerance_db in the bench "
                 "file",
                 fabs(e->dbfs - due->dbfs), e->dbfs < due->dbfs ? "weaker" : "stronger", e->dbfs,
                 due->dbfs, due->dbfs_most);
    else if (fabs(e->late_samples - due->late_samples) > due->late_most)
        snprintf(why, size, "it was %.3f ms %s: the transmit stream has slipped",
                 1e3 * fabs(e->late_samples - due->late_samples) / rate,
                 e->late_samples > due->late_samples ? "late" : "early");
    else if (fabs(e->off_hz - due->off_hz) > due->off_most_hz)
        snprintf(why, size,
                 "it was %+.0f Hz beside its frequency, %.0f Hz are allowed: check the "
                 "oscillators' calibration",
                 e->off_hz - due->off_hz, due->off_most_hz);
    else if (missing_s > (b->jam ? jam_missing * whole_s : 0))
        snprintf(why, size,
                 "%.2f s of its %.2f s were missing (%.2f s at the beginning, %.2f s at the end)",
                 missing_s, whole_s, e->head_s, e->tail_s);
    else if (!b->jam && e->likeness >= clear_likeness && e->bit_errors > 0)
        snprintf(why, size, "%u of its bits were not those that were meant", e->bit_errors);
}

static int tell(struct pump *p, const struct pump_burst *b, unsigned station, const struct due *due,
                const struct air_echo *e, const char *why, struct err *err)
{
    struct jval *event =
        jval_make(err, "{s:s, s:s, s:s, s:s, s:I, s:I, s:b}", "type", "echo", "unit",
                  pump_station_unit(p, station), "by", pump_station_unit(p, b->by), "of",
                  b->jam ? "jam" : "downlink", "start", (long long)b->start, "end",
                  (long long)(b->start + (int64_t)b->n), "found", e->found);
    int rc = event ? ERR_OK : ERR_FORMAT;
    const struct {
        const char *name;
        double value, parts;
    } numbers[] = {{"late_samples", e->late_samples, 64},
                   {"late_u_samples", e->late_u_samples, 1024},
                   {"off_hz", e->off_hz, 64},
                   {"dbfs", e->dbfs, 64},
                   {"dbfs_due", due->dbfs, 64},
                   {"likeness", e->likeness, 1024},
                   {"missing_s", e->head_s + e->tail_s + e->hole_s, 1024}};
    for (size_t i = 0; rc == ERR_OK && e->found && i < sizeof numbers / sizeof numbers[0]; i++)
        rc =
            jval_set(event, numbers[i].name,
                     jval_make(err, "f",
                               round(numbers[i].value * numbers[i].parts) / numbers[i].parts + 0.0),
                     err);
    if (rc == ERR_OK && e->found && !b->jam)
        rc = jval_set(event, "bit_errors", jval_make(err, "i", (int)e->bit_errors), err);
    if (rc == ERR_OK && *why) rc = jval_set(event, "why", jval_make(err, "s", why), err);
    if (rc == ERR_OK) return pump_emit(p, event, err);
    jval_free(event);
    return rc;
}

// ---- one burst

static int look(struct pump *p, const struct pump_burst *b, unsigned station, struct air_echo *echo,
                struct err *err)
{
    const struct iq_ring *ring = pump_station_ring(p, station);
    const struct radio_info *info = radio_info(pump_station_radio(p, station));
    double scale_hz = 0;
    struct bytes sent;
    int16_t *iq = NULL;
    uint8_t bits[SFX_DL_ON_AIR];
    double power = 1;
    bytes_init(&sent, 4 * ((b->n_made ? b->n_made : b->n) + 16));
    int rc = make_samples(b, p->rate_hz, &sent, &power, err);
    if (rc < 0) goto done;
    if (!b->jam) sfx_downlink_on_air(b->frame, bits);
    (void)pump_scale_offset(p, station, &scale_hz);
    const struct air_echo_burst burst = {
        .rate_hz = p->rate_hz,
        .iq = (const int16_t *)(const void *)sent.data,
        .n = sent.len / 4,
        .bandwidth_hz = b->bandwidth_hz,
        .at_sample = b->start - pump_station_shift(p, station),
        .f_hz = b->f_hz + scale_hz - info->lo_hz,
        .carrier_hz = b->f_hz,
        .against_s = b->jam ? 1 / b->wave.bit_rate : 0,
        .bits = b->jam ? NULL : bits,
        .n_bits = b->jam ? 0 : 8 * sizeof bits,
    };
    int64_t from, to;
    air_echo_span(&burst, &from, &to);
    if (from < iq_ring_oldest(ring)) from = iq_ring_oldest(ring);
    if (!iq_ring_has(ring, from, to)) {
        rc = err_set(err, ERR_LIMIT, "the samples in which it should be heard are gone");
        goto done;
    }
    iq = malloc(2 * (size_t)(to - from) * sizeof *iq);
    if (!iq) {
        rc = err_set(err, ERR_NOMEM, "echo of a burst: out of memory");
        goto done;
    }
    iq_ring_copy(ring, from, to, iq);
    rc = air_echo_find(&burst, iq, from, (size_t)(to - from), echo, err);
    // Of a full-scale sample, as levels are told: a jammer's own are lower by its power.
    if (rc == ERR_OK) echo->dbfs += 10 * log10(power);
done:
    free(iq);
    bytes_deinit(&sent);
    return rc;
}

bool pump_echo_due(const struct pump *p, const struct pump_burst *b)
{
    const int64_t side = (int64_t)ceil(AIR_ECHO_SEARCH_S * p->rate_hz);
    const int64_t end = b->start + (int64_t)b->n + side;
    unsigned station;
    if (p->now < end) return false;
    return !find_listener(p, b, &station) ||
           pump_station_ring(p, station)->end + pump_station_shift(p, station) >= end;
}

int pump_echo_check(struct pump *p, const struct pump_burst *b, bool *heard, char *why, size_t size,
                    struct err *err)
{
    double dbfs;
    return pump_echo_level(p, b, heard, &dbfs, why, size, err);
}

int pump_echo_level(struct pump *p, const struct pump_burst *b, bool *heard, double *dbfs,
                    char *why, size_t size, struct err *err)
{
    unsigned station;
    *dbfs = NAN;
    why[0] = '\0';
    *heard = find_listener(p, b, &station);
    if (!*heard) return tell_deaf(p, b, err);
    struct air_echo echo = {0};
    struct err what = {0};
    int rc = look(p, b, station, &echo, &what);
    if (rc == ERR_NOMEM) return err_set(err, rc, "%s", what.text);
    const struct due due = due_of(p, b, station, pump_path(p, b->by, station), &echo);
    if (rc == ERR_OK)
        judge(p, b, &due, &echo, why, size);
    else
        snprintf(why, size, "%s", what.text);
    if (echo.found && station == 0) *dbfs = echo.dbfs;
    struct pump_pair *pair = &p->pairs[b->by][station];
    if (!*why && !b->jam)
        *pair = (struct pump_pair){.known = true,
                                   .at = b->start,
                                   .late_samples = echo.late_samples,
                                   .off_hz = echo.off_hz};
    return tell(p, b, station, &due, &echo, why, err);
}
