// The core network in the pump: every frame that any station hears goes through one judge and one
// monitor, becomes an event, and is answered where an answer waits for it.
#include <math.h>
#include <stdio.h>

#include "lua/bind/pump_internal.h"

// Frames with wrong tags that a station may hand over in an hour before the monitor speaks of it.
enum { FORGED_PER_HOUR = 20 };

struct monitor_rules pump_default_rules(const struct pump *p)
{
    return (struct monitor_rules){
        .forged_per_hour = FORGED_PER_HOUR,
        .begin_s = (double)p->config.t0 / p->rate_hz,
    };
}

// ---- opening and closing

static int register_unit(struct pump *p, struct judge *judge, size_t unit, struct err *err)
{
    const struct pump_unit_config *c = &p->units[unit].config;
    const struct judge_device device = {
        .id = c->device_id,
        .key = c->key,
        .token = c->token,
        .modulus = p->config.modulus,
        .window = p->config.window,
        .messages_per_day = p->config.messages_per_day,
        .interval_s = unit == 0 ? p->config.interval_s : 0, // samples are off most of the time
        .zone = p->config.zone,
    };
    return c->key || c->token ? judge_register(judge, &device, err) : ERR_OK;
}

static int new_stations(struct pump *p, struct pump_core *core, struct err *err)
{
    stations_free(core->stations);
    core->stations = NULL;
    int rc = stations_new(&core->stations, core->judge, (unsigned)p->config.n_stations + 1, err);
    if (rc == ERR_OK) stations_watch(core->stations, core->monitor);
    return rc;
}

static int open_core(struct pump *p, struct pump_core *core, struct err *err)
{
    const struct monitor_rules rules = pump_default_rules(p);
    int rc = judge_new(&core->judge, err);
    if (rc == ERR_OK) rc = monitor_new(&core->monitor, core->judge, &rules, err);
    return rc == ERR_OK ? new_stations(p, core, err) : rc;
}

static void close_core(struct pump_core *core)
{
    stations_free(core->stations);
    monitor_free(core->monitor);
    judge_free(core->judge);
    *core = (struct pump_core){0};
}

// Whether an earlier unit has the identifier of this one.
static bool is_double(const struct pump *p, size_t unit)
{
    for (size_t i = 0; i < unit; i++)
        if (p->units[i].config.device_id == p->units[unit].config.device_id) return true;
    return false;
}

// A network knows one key for an identifier. A unit whose identifier is taken has a network of its
// own, so that its messages are judged with its own key.
int pump_open_cores(struct pump *p, struct err *err)
{
    int rc = open_core(p, &p->core, err);
    for (size_t i = 0; rc == ERR_OK && i < 1 + p->config.n_samples; i++) {
        struct pump_core *own = &p->units[i].core;
        if (is_double(p, i)) rc = open_core(p, own, err);
        if (rc == ERR_OK) rc = register_unit(p, own->judge ? own->judge : p->core.judge, i, err);
    }
    return rc;
}

void pump_close_cores(struct pump *p)
{
    for (size_t i = 0; i < 1 + p->config.n_samples; i++)
        close_core(&p->units[i].core);
    close_core(&p->core);
}

int pump_renew_stations(struct pump *p, struct err *err)
{
    int rc = new_stations(p, &p->core, err);
    struct pump_core *core;
    for (size_t i = 0; rc == ERR_OK && i < 1 + p->config.n_samples; i++)
        if ((core = &p->units[i].core)->judge) rc = new_stations(p, core, err);
    return rc;
}

struct pump_core *pump_core(struct pump *p)
{
    return p->unit->core.judge ? &p->unit->core : &p->core;
}

struct pump_core *pump_core_at(struct pump *p, size_t sample)
{
    if (sample == 0) return &p->core;
    return sample <= p->config.n_samples && p->units[sample].core.judge ? &p->units[sample].core
                                                                        : NULL;
}

int pump_core_name(const struct pump *p, const struct pump_core *core, struct jval *event,
                   struct err *err)
{
    for (size_t i = 1; i < 1 + p->config.n_samples; i++)
        if (core == &p->units[i].core)
            return jval_set(event, "sample", jval_make(err, "i", (int)i), err);
    return ERR_OK;
}

const char *pump_station_unit(const struct pump *p, unsigned station)
{
    return station ? p->config.stations[station - 1].unit : p->config.radio_unit;
}

// ---- keys

enum air_tag pump_verify(void *pump, const struct sfx_uplink *up)
{
    const struct pump *p = pump;
    enum air_tag tag = AIR_TAG_UNKNOWN;
    for (size_t i = 0; i < 1 + p->config.n_samples; i++) {
        const struct pump_unit *u = &p->units[i];
        if (u->config.device_id != up->device_id || !(u->key.len || u->config.token)) continue;
        const struct sfx_signer signer = {.key = u->config.token ? NULL : &u->key,
                                          .token = u->config.token};
        int rc = sfx_uplink_verify_by(up, &signer, NULL);
        if (rc == 1) return AIR_TAG_RIGHT;
        if (rc == 0) tag = AIR_TAG_WRONG; // another unit may have its identifier
    }
    return tag; // a token that fails is told by the judge
}

// ---- alarms

static int put_blocks(struct jval *event, const struct monitor_alarm *a, struct err *err)
{
    if (!a->blocked_device && !a->blocked_station) return ERR_OK;
    struct jval *blocks = jval_array();
    int rc = blocks ? ERR_OK : err_set(err, ERR_NOMEM, "alarm: out of memory");
    if (rc == ERR_OK && a->blocked_device)
        rc = jval_append(blocks, jval_make(err, "s", "device"), err);
    if (rc == ERR_OK && a->blocked_station)
        rc = jval_append(blocks, jval_make(err, "s", "station"), err);
    if (rc == ERR_OK) return jval_set(event, "blocks", blocks, err);
    jval_free(blocks);
    return rc;
}

static int tell_alarm(struct pump *p, struct pump_core *core, const struct monitor_alarm *a,
                      struct err *err)
{
    char id[9];
    snprintf(id, sizeof id, "%08x", a->device_id);
    struct jval *event =
        jval_make(err, "{s:s, s:s, s:I, s:s}", "type", "alarm", "kind", monitor_kind_name(a->kind),
                  "at", (long long)llround(a->t_s * p->rate_hz), "reason", a->text);
    int rc = event ? ERR_OK : ERR_FORMAT;
    if (rc == ERR_OK && a->kind != MONITOR_FORGERY)
        rc = jval_set(event, "device_id", jval_make(err, "s", id), err);
    if (rc == ERR_OK && a->kind != MONITOR_SILENCE) {
        rc = jval_set(event, "unit", jval_make(err, "s", pump_station_unit(p, a->station)), err);
        if (rc == ERR_OK)
            rc = jval_set(event, "station", jval_make(err, "i", (int)a->station + 1), err);
    }
    if (rc == ERR_OK) rc = put_blocks(event, a, err);
    if (rc == ERR_OK) rc = pump_core_name(p, core, event, err);
    if (rc == ERR_OK) return pump_emit(p, event, err);
    jval_free(event);
    return rc;
}

static int tell_alarms(struct pump *p, struct pump_core *core, struct err *err)
{
    struct monitor_alarm a;
    int rc = ERR_OK;
    while (rc == ERR_OK && monitor_next(core->monitor, &a, NULL)) {
        p->alarms[p->n_alarms++ % MONITOR_ALARMS_MAX] = a;
        rc = tell_alarm(p, core, &a, err);
    }
    return rc;
}

// Time has come as far as the first radio's frames have been handed out.
int pump_step_core(struct pump *p, struct err *err)
{
    int64_t settled = p->heard_from + air_ear_settled_at_most(p->ear);
    if (monitor_would_tell(p->core.monitor, (double)settled / p->rate_hz))
        settled = p->heard_from + air_ear_settled(p->ear);
    monitor_tick(p->core.monitor, (double)settled / p->rate_hz);
    return tell_alarms(p, &p->core, err);
}

// ---- frames

static int take(struct pump *p, struct pump_core *core, unsigned station, const struct air_frame *f,
                struct jval *event, struct err *err)
{
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
    int rc = stations_hear(core->stations, &frame, &heard, err);
    if (rc == ERR_OK) rc = frame_event_judge(event, &heard.judged, err);
    if (rc == ERR_OK) rc = pump_core_name(p, core, event, err);
    if (rc < 0) return rc;
    pump_note_heard(p, station, f, event);
    rc = pump_emit(p, jval_ref(event), err);
    if (rc == ERR_OK) rc = tell_alarms(p, core, err);
    if (rc == ERR_OK && heard.message && core == &p->core)
        rc = pump_answer_message(p, heard.message, err);
    return rc;
}

int pump_hear(struct pump *p, unsigned station, const struct frame_event_context *where,
              const struct air_frame *f, struct jval **out, struct err *err)
{
    struct jval *event = frame_event(where, f, err);
    if (!event) return ERR_FORMAT;
    int rc = take(p, pump_core(p), station, f, event, err);
    if (rc == ERR_OK && out)
        *out = event;
    else
        jval_free(event);
    return rc;
}
