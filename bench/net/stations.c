#include "bench/net/stations.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct stations {
    struct judge *judge;
    struct monitor *monitor; // NULL: nobody watches
    unsigned n;
    unsigned total; // messages delivered
    struct station_message messages[STATIONS_MESSAGES];
};

int stations_new(struct stations **out, struct judge *judge, unsigned n, struct err *err)
{
    if (n < 1 || n > STATIONS_MAX)
        return err_set(err, ERR_INVALID, "stations: expected 1 … %d of them, got %u", STATIONS_MAX,
                       n);
    struct stations *s = calloc(1, sizeof *s);
    if (!s) return err_set(err, ERR_NOMEM, "stations: out of memory");
    s->judge = judge;
    s->n = n;
    *out = s;
    return ERR_OK;
}

void stations_free(struct stations *s)
{
    free(s);
}

static int check_station(const struct stations *s, unsigned station, struct err *err)
{
    if (station < s->n) return ERR_OK;
    return err_set(err, ERR_INVALID, "stations: expected a station of 0 … %u, got %u", s->n - 1,
                   station);
}

static unsigned kept(const struct stations *s)
{
    return s->total < STATIONS_MESSAGES ? s->total : STATIONS_MESSAGES;
}

// Where the i-th newest message lies.
static unsigned slot(const struct stations *s, unsigned i)
{
    return (s->total - 1 - i) % STATIONS_MESSAGES;
}

static struct station_message *find(struct stations *s, const struct station_frame *f)
{
    for (unsigned i = 0; i < kept(s); i++) {
        struct station_message *m = &s->messages[slot(s, i)];
        if (m->up.device_id == f->up->device_id && m->up.counter == f->up->counter &&
            fabs(f->start_s - m->first_s) <= JUDGE_MERGE_S)
            return m;
    }
    return NULL;
}

static struct station_message *add(struct stations *s, const struct station_frame *f)
{
    struct station_message *m = &s->messages[s->total++ % STATIONS_MESSAGES];
    *m = (struct station_message){
        .up = *f->up, .first_s = f->start_s, .station = f->station, .rank = f->rank};
    m->low_rank = SFX_RANKS + 1;
    return m;
}

static void book(struct station_message *m, const struct station_frame *f)
{
    struct station_copy *c = &m->heard[f->station];
    if (c->ranks == 0 || f->power_dbfs > c->power_dbfs) {
        c->start_s = f->start_s;
        c->end_s = f->end_s;
        c->f_hz = f->f_hz;
        c->power_dbfs = f->power_dbfs;
        c->rank = f->rank;
    }
    if (f->rank < m->low_rank) {
        m->low_rank = f->rank;
        m->low_start_s = f->start_s;
        m->low_end_s = f->end_s;
    }
    c->ranks |= (uint8_t)(1u << (f->rank - 1));
    m->copies++;
}

// Whether the monitor, after this frame, lets nothing of its device or station through.
static bool is_stopped(struct stations *s, const struct station_frame *f,
                       const struct judge_result *judged, const struct station_message *m)
{
    const struct monitor_frame seen = {
        .station = f->station,
        .up = f->up,
        .judged = judged,
        .start_s = f->start_s,
        .end_s = f->end_s,
        .rank_again = m && m->heard[f->station].ranks >> (f->rank - 1) & 1,
    };
    monitor_frame(s->monitor, &seen);
    const struct registry_device *d =
        judged->verdict == JUDGE_MALFORMED ? NULL : judge_device(s->judge, f->up->device_id);
    return (d && d->blocked) || monitor_station_blocked(s->monitor, f->station);
}

void stations_watch(struct stations *s, struct monitor *monitor)
{
    s->monitor = monitor;
}

int stations_hear(struct stations *s, const struct station_frame *frame, struct station_event *out,
                  struct err *err)
{
    *out = (struct station_event){.delivered = false};
    int rc = check_station(s, frame->station, err);
    if (rc < 0) return rc;
    if (frame->rank < 1 || frame->rank > SFX_RANKS)
        return err_set(err, ERR_INVALID, "stations: expected a frame of rank 1 … 3, got %u",
                       frame->rank);
    if (s->monitor && monitor_station_blocked(s->monitor, frame->station)) {
        out->judged.verdict = JUDGE_BLOCKED;
        return ERR_OK;
    }
    if (s->monitor) monitor_tick(s->monitor, frame->start_s);
    rc = judge_frame(s->judge, frame->up, frame->status, frame->start_s, &out->judged, err);
    if (rc < 0) return rc;

    struct station_message *m = NULL;
    if (out->judged.verdict == JUDGE_REPETITION) m = find(s, frame);
    if (s->monitor && is_stopped(s, frame, &out->judged, m)) {
        out->judged.verdict = JUDGE_BLOCKED;
        return ERR_OK;
    }
    if (out->judged.verdict == JUDGE_ACCEPTED) {
        m = add(s, frame);
        out->delivered = true;
    }
    if (m) book(m, frame);
    out->message = m;
    return ERR_OK;
}

unsigned stations_delivered(const struct stations *s, uint32_t device_id, uint16_t counter)
{
    unsigned n = 0;
    for (unsigned i = 0; i < kept(s); i++) {
        const struct station_message *m = &s->messages[slot(s, i)];
        n += m->up.device_id == device_id && m->up.counter == counter;
    }
    return n;
}

unsigned stations_total(const struct stations *s)
{
    return s->total;
}

unsigned stations_best(const struct station_message *message, unsigned among)
{
    unsigned best = message->station;
    for (unsigned i = 0; i < STATIONS_MAX; i++) {
        if (!message->heard[i].ranks) continue;
        bool in = among >> i & 1, best_in = among >> best & 1;
        bool louder = message->heard[i].power_dbfs > message->heard[best].power_dbfs;
        if (in > best_in || (in == best_in && louder)) best = i;
    }
    return best;
}
