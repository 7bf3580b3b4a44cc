#include "bench/net/monitor.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct station_watch {
    bool blocked;
    double forged_s[MONITOR_FORGED_MAX]; // a ring of times
    unsigned forged;
    bool told;
    double told_s;
};

struct monitor {
    struct judge *judge;
    struct monitor_rules rules;
    struct station_watch stations[STATIONS_MAX];
    struct monitor_alarm alarms[MONITOR_ALARMS_MAX];
    unsigned head, count, lost;
};

static int check_rules(const struct monitor_rules *rules, struct err *err)
{
    if (rules->forged_per_hour > MONITOR_FORGED_MAX)
        return err_set(err, ERR_INVALID,
                       "monitor: expected at most %d forged frames an hour, got %u",
                       MONITOR_FORGED_MAX, rules->forged_per_hour);
    if (!(rules->travel_s >= 0) || !isfinite(rules->travel_s))
        return err_set(err, ERR_INVALID, "monitor: expected a travel time of 0 s or more, got %g s",
                       rules->travel_s);
    return ERR_OK;
}

int monitor_new(struct monitor **out, struct judge *judge, const struct monitor_rules *rules,
                struct err *err)
{
    int rc = check_rules(rules, err);
    if (rc < 0) return rc;
    struct monitor *m = calloc(1, sizeof *m);
    if (!m) return err_set(err, ERR_NOMEM, "monitor: out of memory");
    m->judge = judge;
    m->rules = *rules;
    *out = m;
    return ERR_OK;
}

// The times of forged frames lie in a ring as long as their limit.
int monitor_set_rules(struct monitor *m, const struct monitor_rules *rules, struct err *err)
{
    int rc = check_rules(rules, err);
    if (rc < 0) return rc;
    if (rules->forged_per_hour != m->rules.forged_per_hour)
        for (int i = 0; i < STATIONS_MAX; i++)
            m->stations[i].forged = 0;
    m->rules = *rules;
    return ERR_OK;
}

void monitor_free(struct monitor *m)
{
    free(m);
}

static struct monitor_alarm *put(struct monitor *m)
{
    if (m->count == MONITOR_ALARMS_MAX) {
        m->head = (m->head + 1) % MONITOR_ALARMS_MAX;
        m->count--;
        m->lost++;
    }
    return &m->alarms[(m->head + m->count++) % MONITOR_ALARMS_MAX];
}

static bool is_due(bool *told, double *told_s, double t_s)
{
    if (*told && fabs(t_s - *told_s) < MONITOR_HOUR_S) return false;
    *told = true;
    *told_s = t_s;
    return true;
}

// An alarm blocks at once; it is told of once an hour.
FOX_PRINTF(6, 7)
static void alarm_raise(struct monitor *m, enum monitor_kind kind, struct registry_device *d,
                        unsigned station, double t_s, const char *format, ...)
{
    struct station_watch *s = kind == MONITOR_SILENCE ? NULL : &m->stations[station];
    bool block_device = d && m->rules.block_device >> kind & 1;
    bool block_station = s && m->rules.block_station >> kind & 1;
    bool due = d ? is_due(&d->watch.told[kind], &d->watch.told_s[kind], t_s)
                 : is_due(&s->told, &s->told_s, t_s);
    bool news = (block_device && !d->blocked) || (block_station && !s->blocked);
    if (block_device) d->blocked = true;
    if (block_station) s->blocked = true;
    if (!due && !news) return;
    struct monitor_alarm *a = put(m);
    *a = (struct monitor_alarm){
        .kind = kind,
        .t_s = t_s,
        .device_id = d ? d->facts.id : 0,
        .station = station,
        .blocked_device = block_device,
        .blocked_station = block_station,
    };
    va_list args;
    va_start(args, format);
    vsnprintf(a->text, sizeof a->text, format, args);
    va_end(args);
}

// ---- two transmitters

static bool is_other(const struct sfx_uplink *a, const struct sfx_uplink *b)
{
    return a->counter != b->counter || a->payload_len != b->payload_len ||
           a->tag_len != b->tag_len || memcmp(a->payload, b->payload, a->payload_len) != 0 ||
           memcmp(a->tag, b->tag, a->tag_len) != 0;
}

static const struct sfx_uplink *other_with_counter(const struct registry_device *d,
                                                   const struct sfx_uplink *up)
{
    for (unsigned i = 0; i < REGISTRY_RECENT; i++) {
        const struct registry_message *r = &d->recent[i];
        if (r->used && r->up.counter == up->counter && is_other(&r->up, up)) return &r->up;
    }
    return NULL;
}

static void look_for_clone(struct monitor *m, struct registry_device *d,
                           const struct monitor_frame *f)
{
    const struct registry_watch *w = &d->watch;
    const unsigned *place = m->rules.place;
    double both_s = fmin(w->last_end_s, f->end_s) - fmax(w->last_start_s, f->start_s);
    bool behind = f->judged->verdict == JUDGE_REPLAY && f->start_s > d->last_s;
    if (w->heard && is_other(&w->last, f->up) && both_s > MONITOR_OVERLAP_S)
        alarm_raise(m, MONITOR_CLONE, d, f->station, f->start_s,
                    "two messages at one time: counter %u from %.3f s, counter %u from %.3f s",
                    w->last.counter, w->last_start_s, f->up->counter, f->start_s);
    else if (w->heard && m->rules.travel_s > 0 && place[w->last_station] != place[f->station] &&
             fabs(f->start_s - w->last_start_s) < m->rules.travel_s)
        alarm_raise(m, MONITOR_CLONE, d, f->station, f->start_s,
                    "heard by station %u %.3f s after station %u; between their places lie %.0f s",
                    f->station, f->start_s - w->last_start_s, w->last_station, m->rules.travel_s);
    else if (f->rank_again)
        alarm_raise(m, MONITOR_CLONE, d, f->station, f->start_s,
                    "station %u heard a frame of counter %u twice; a device sends each rank once",
                    f->station, f->up->counter);
    else if (behind && other_with_counter(d, f->up))
        alarm_raise(m, MONITOR_CLONE, d, f->station, f->start_s,
                    "counter %u came with two contents, both authentic", f->up->counter);
    else if (behind && f->up->counter < d->facts.modulus && !registry_had(d, f->up->counter))
        alarm_raise(m, MONITOR_CLONE, d, f->station, f->start_s,
                    "counter %u came authentic and new, after counter %u: a second holder of the "
                    "key, or a device that turned its counter back",
                    f->up->counter, d->last);
}

// ---- too much

// Whether the newest message is one more than `limit` within a day. The time of a message is that
// of whichever of its frames was accepted, so a good device's day may look JUDGE_MERGE_S shorter.
static bool is_flood(const struct registry_times *times, unsigned limit)
{
    if (times->total <= limit) return false;
    double newest_s = times->t_s[(times->total - 1) % REGISTRY_TIMES_MAX];
    double first_s = times->t_s[(times->total - 1 - limit) % REGISTRY_TIMES_MAX];
    return newest_s - first_s < MONITOR_DAY_S - JUDGE_MERGE_S;
}

// Control messages: a confirmation for each message at most, and a keep-alive a day.
static unsigned control_limit(const struct registry_device *d)
{
    return d->facts.messages_per_day + 1;
}

static void look_for_flood(struct monitor *m, struct registry_device *d,
                           const struct monitor_frame *f)
{
    bool control = f->up->class == SFX_CLASS_CONTROL;
    unsigned limit = control ? control_limit(d) : d->facts.messages_per_day;
    if (!is_flood(control ? &d->controls : &d->messages, limit)) return;
    alarm_raise(m, MONITOR_FLOOD, d, f->station, f->start_s,
                "counter %u is the device's %s no %u within 24 h, %u are allowed", f->up->counter,
                control ? "control message" : "message", limit + 1, limit);
}

// How many messages a device may have sent within its subscription in so many seconds, the one at
// their end included.
static double most_steps(const struct registry_device *d, double seconds)
{
    return (floor((fmax(seconds, 0) + JUDGE_MERGE_S) / MONITOR_DAY_S) + 1) *
           (d->facts.messages_per_day + control_limit(d));
}

static void look_for_jump(struct monitor *m, struct registry_device *d,
                          const struct monitor_frame *f)
{
    const struct judge_result *j = f->judged;
    bool taken = j->verdict == JUDGE_ACCEPTED;
    if (!j->counter_known || (!taken && j->verdict != JUDGE_OUT_OF_WINDOW)) return;
    double pause_s = f->start_s - (taken ? d->before_s : d->last_s);
    double most = m->rules.jump_steps ? m->rules.jump_steps : most_steps(d, pause_s);
    if (taken && j->counter_step <= most) return;
    alarm_raise(m, MONITOR_JUMP, d, f->station, f->start_s,
                "counter %u comes %d after counter %u within %.0f s; at most %.0f are explained",
                f->up->counter, j->counter_step, j->last_counter, pause_s,
                fmin(most, d->facts.window));
}

static void count_forgery(struct monitor *m, const struct monitor_frame *f)
{
    unsigned limit = m->rules.forged_per_hour;
    struct station_watch *s = &m->stations[f->station];
    if (limit == 0) return;
    double oldest_s = s->forged_s[s->forged % limit];
    bool full = s->forged >= limit;
    s->forged_s[s->forged++ % limit] = f->start_s;
    if (full && f->start_s - oldest_s < MONITOR_HOUR_S)
        alarm_raise(m, MONITOR_FORGERY, NULL, f->station, f->start_s,
                    "station %u: %u frames with wrong tags within an hour, %u are expected at most",
                    f->station, limit + 1, limit);
}

void monitor_frame(struct monitor *m, const struct monitor_frame *f)
{
    if (f->judged->verdict == JUDGE_MALFORMED || f->station >= STATIONS_MAX) return;
    if (f->judged->verdict == JUDGE_UNKNOWN_DEVICE) return;
    if (!f->judged->tag_ok) {
        count_forgery(m, f);
        return;
    }
    struct registry_device *d = judge_device(m->judge, f->up->device_id);
    if (!d) return;
    look_for_clone(m, d, f);
    look_for_jump(m, d, f);
    if (f->judged->verdict == JUDGE_ACCEPTED) look_for_flood(m, d, f);
    struct registry_watch *w = &d->watch;
    w->heard = true;
    w->last_start_s = f->start_s;
    w->last_end_s = f->end_s;
    w->last_station = f->station;
    w->last = *f->up;
}

static double pause_of(const struct monitor *m, const struct registry_device *d, double now_s)
{
    return now_s - (d->counter_known ? d->last_s : m->rules.begin_s);
}

static bool is_silent(const struct monitor *m, const struct registry_device *d, double now_s)
{
    // a message may be heard by its last frame alone
    double most_s = d->facts.interval_s + JUDGE_MERGE_S;
    return d->facts.interval_s > 0 && pause_of(m, d, now_s) > most_s && !d->silence_told;
}

bool monitor_would_tell(const struct monitor *m, double now_s)
{
    const struct registry_device *d;
    for (size_t i = 0; (d = judge_device_at(m->judge, i)); i++)
        if (is_silent(m, d, now_s)) return true;
    return false;
}

void monitor_tick(struct monitor *m, double now_s)
{
    struct registry_device *d;
    for (size_t i = 0; (d = judge_device_at(m->judge, i)); i++) {
        if (!is_silent(m, d, now_s)) continue;
        double pause_s = pause_of(m, d, now_s);
        d->silence_told = true;
        alarm_raise(m, MONITOR_SILENCE, d, 0, now_s,
                    "nothing of the device was accepted for %.0f s, at most %.0f s are declared",
                    pause_s, d->facts.interval_s);
    }
}

bool monitor_next(struct monitor *m, struct monitor_alarm *out, unsigned *lost)
{
    if (lost) *lost = m->lost;
    m->lost = 0;
    if (m->count == 0) return false;
    *out = m->alarms[m->head];
    m->head = (m->head + 1) % MONITOR_ALARMS_MAX;
    m->count--;
    return true;
}

bool monitor_station_blocked(const struct monitor *m, unsigned station)
{
    return station < STATIONS_MAX && m->stations[station].blocked;
}

int monitor_block_station(struct monitor *m, unsigned station, bool blocked, struct err *err)
{
    if (station >= STATIONS_MAX)
        return err_set(err, ERR_INVALID, "monitor: expected a station of 0 … %d, got %u",
                       STATIONS_MAX - 1, station);
    m->stations[station].blocked = blocked;
    return ERR_OK;
}

bool monitor_kind_find(const char *name, enum monitor_kind *out)
{
    for (int k = 0; k < MONITOR_KINDS; k++) {
        *out = (enum monitor_kind)k;
        if (strcmp(name, monitor_kind_name(*out)) == 0) return true;
    }
    return false;
}

const char *monitor_kind_name(enum monitor_kind kind)
{
    static const char *const names[] = {
        [MONITOR_CLONE] = "clone",     [MONITOR_FLOOD] = "flood",     [MONITOR_JUMP] = "jump",
        [MONITOR_SILENCE] = "silence", [MONITOR_FORGERY] = "forgery",
    };
    return names[kind];
}

const char *monitor_kind_text(enum monitor_kind kind)
{
    static const char *const texts[] = {
#define MONITOR(name, text) [MONITOR_##name] = text,
#include "bench/net/monitor.def"
#undef MONITOR
    };
    return texts[kind];
}
