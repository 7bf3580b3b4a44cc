// What a suite asks of the core network, and what becomes of it at an attempt's end: counts of
// frames that do not decode, the operator's acts, the monitor's rules and alarms, and the memory
// that a worker inherits from the one before it.
#include <stdio.h>

#include "bench/net/history.h"
#include "lua/bind/pump_internal.h"

// ---- what is done to devices and stations

static int note_act(struct pump *p, struct pump_core *core, const char *action, const char *who,
                    const struct pump_target *target, const char *reason, struct err *err)
{
    struct jval *event = jval_make(err, "{s:s, s:s, s:s, s:s}", "type", "network", "action", action,
                                   "who", who, "reason", reason);
    int rc = event ? ERR_OK : ERR_FORMAT;
    if (rc == ERR_OK && target->is_station) {
        rc = jval_set(event, "unit", jval_make(err, "s", pump_station_unit(p, target->station)),
                      err);
        if (rc == ERR_OK)
            rc = jval_set(event, "station", jval_make(err, "i", (int)target->station + 1), err);
    } else if (rc == ERR_OK) {
        char id[9];
        snprintf(id, sizeof id, "%08x", target->device_id);
        rc = jval_set(event, "device_id", jval_make(err, "s", id), err);
    }
    if (rc == ERR_OK) rc = pump_core_name(p, core, event, err);
    if (rc == ERR_OK) return pump_emit(p, event, err);
    jval_free(event);
    return rc;
}

static int block(struct pump *p, struct pump_core *core, const struct pump_target *target,
                 bool blocked, struct err *err)
{
    if (!target->is_station) return judge_block(core->judge, target->device_id, blocked, err);
    if (target->station > p->config.n_stations)
        return err_set(err, ERR_INVALID,
                       "there is no station %u: the bench file declares %zu radio(s)",
                       target->station + 1, p->config.n_stations + 1);
    return monitor_block_station(core->monitor, target->station, blocked, err);
}

int pump_block(struct pump *p, const struct pump_target *target, bool blocked, const char *reason,
               struct err *err)
{
    struct pump_core *core = pump_core(p);
    int rc = block(p, core, target, blocked, err);
    if (rc < 0) return rc;
    return note_act(p, core, blocked ? "block" : "unblock", "suite", target, reason, err);
}

int pump_disengage(struct pump *p, uint32_t device_id, const char *reason, struct err *err)
{
    struct pump_core *core = pump_core(p);
    const struct pump_target target = {.device_id = device_id};
    int rc = judge_disengage(core->judge, device_id, err);
    if (rc < 0) return rc;
    return note_act(p, core, "disengage", "suite", &target, reason, err);
}

// The next attempt begins with a network that lets everyone through.
static int lift_blocks(struct pump *p, struct pump_core *core, const char *reason, struct err *err)
{
    int rc = ERR_OK;
    struct registry_device *d;
    for (size_t i = 0; rc == ERR_OK && (d = judge_device_at(core->judge, i)); i++) {
        if (!d->blocked) continue;
        const struct pump_target target = {.device_id = d->facts.id};
        rc = block(p, core, &target, false, err);
        if (rc == ERR_OK) rc = note_act(p, core, "unblock", "bench", &target, reason, err);
    }
    for (unsigned s = 0; rc == ERR_OK && s <= p->config.n_stations; s++) {
        if (!monitor_station_blocked(core->monitor, s)) continue;
        const struct pump_target target = {.is_station = true, .station = s};
        rc = block(p, core, &target, false, err);
        if (rc == ERR_OK) rc = note_act(p, core, "unblock", "bench", &target, reason, err);
    }
    return rc;
}

static int lift_all(struct pump *p, const char *reason, struct err *err)
{
    int rc = ERR_OK;
    struct pump_core *core;
    for (size_t i = 0; rc == ERR_OK && i < 1 + p->config.n_samples; i++)
        if ((core = pump_core_at(p, i))) rc = lift_blocks(p, core, reason, err);
    return rc;
}

// ---- the monitor

int pump_set_rules(struct pump *p, const struct monitor_rules *rules, struct err *err)
{
    int rc = ERR_OK;
    struct pump_core *core;
    for (size_t i = 0; rc == ERR_OK && i < 1 + p->config.n_samples; i++)
        if ((core = pump_core_at(p, i))) rc = monitor_set_rules(core->monitor, rules, err);
    return rc;
}

const struct monitor_alarm *pump_alarm(const struct pump *p, size_t i)
{
    size_t kept = p->n_alarms < MONITOR_ALARMS_MAX ? p->n_alarms : MONITOR_ALARMS_MAX;
    return i < kept ? &p->alarms[(p->n_alarms - kept + i) % MONITOR_ALARMS_MAX] : NULL;
}

// ---- an attempt

void pump_begin_network(struct pump *p)
{
    p->n_alarms = 0;
    for (int s = 0; s < JUDGE_STATUSES; s++)
        p->counted[s] = judge_count(p->core.judge, (enum sfx_status)s);
}

unsigned pump_malformed(const struct pump *p, enum sfx_status status)
{
    return judge_count(p->core.judge, status) - p->counted[status];
}

static int tell_malformed(struct pump *p, struct err *err)
{
    struct jval *counts = jval_object();
    bool any = false;
    int rc = ERR_OK;
    for (int s = 0; rc == ERR_OK && s < JUDGE_STATUSES; s++) {
        unsigned n = pump_malformed(p, (enum sfx_status)s);
        if (s == SFX_STATUS_OK || n == 0) continue;
        any = true;
        rc =
            jval_set(counts, sfx_status_name((enum sfx_status)s), jval_make(err, "i", (int)n), err);
    }
    if (rc < 0 || !any) {
        jval_free(counts);
        return rc;
    }
    return pump_emit(p,
                     jval_make(err, "{s:s, s:s, s:o}", "type", "network", "action", "malformed",
                               "counts", counts),
                     err);
}

int pump_end_network(struct pump *p, struct err *err)
{
    const struct monitor_rules rules = pump_default_rules(p);
    int rc = tell_malformed(p, err);
    if (rc == ERR_OK) rc = pump_set_rules(p, &rules, err);
    return rc == ERR_OK ? lift_all(p, "the attempt has ended", err) : rc;
}

// ---- the memory of a worker that was lost

static int recall(struct pump *p, struct history *h, const struct jval *event, struct err *err)
{
    struct pump_core *core;
    int rc = ERR_OK;
    if (jval_get(event, "rate_hz")) { // of every network
        for (size_t i = 0; rc == ERR_OK && i < 1 + p->config.n_samples; i++)
            if ((core = pump_core_at(p, i))) rc = history_event(&h[i], core->judge, event, err);
        return rc;
    }
    int64_t sample = jval_int(jval_get(event, "sample"), 0);
    core = sample >= 0 ? pump_core_at(p, (size_t)sample) : NULL;
    if (!core)
        return err_set(err, ERR_FORMAT,
                       "history: expected a sample that has a network of its own, got %lld",
                       (long long)sample);
    h[sample].monitor = core->monitor;
    return history_event(&h[sample], core->judge, event, err);
}

int pump_recall(struct pump *p, const struct jval *events, struct err *err)
{
    struct history h[PUMP_UNITS_MAX] = {{0}};
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < jval_len(events); i++)
        rc = recall(p, h, jval_at(events, i), err);
    return rc == ERR_OK ? lift_all(p, "the attempt in which it was blocked was broken off", err)
                        : rc;
}
