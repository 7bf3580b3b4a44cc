#include "dut/lab/streams.h"

#include <errno.h>
#include <time.h>

#include "bench/base/log.h"
#include "dut/lab/lab.h"

// Sent samples are kept a little longer than the unit's receiver needs them.
enum { LOOP_KEPT = 16 };
// How long a stream waits for another one, in wall time.
static const int64_t patience_ns = 1000000000;

int64_t streams_wall_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static struct lab_stream *stream_of(struct lab *lab, const struct pluto *p)
{
    return &lab->receives[p->sender - SCENARIO_UNITS_MAX];
}

static void stream_opened(void *ctx, struct pluto *p, bool transmit, bool cyclic)
{
    struct lab *lab = ctx;
    if (transmit) {
        pluto_transmit_begin(p, lab->world.now_ns, cyclic);
        lab->tx_streams++;
    } else {
        pluto_stream_begin(p, lab->world.now_ns);
        lab->streams++;
    }
    lab->began = true;
    lab->free_running = false;
}

static void stream_closed(void *ctx, struct pluto *p, bool transmit)
{
    struct lab *lab = ctx;
    if (transmit) {
        pluto_transmit_end(p);
        stream_of(lab, p)->push_wall_ns = 0;
        stream_of(lab, p)->pushes_alone = false;
        lab->tx_streams--;
    } else {
        pluto_stream_end(p);
        const struct lab_stream *s = stream_of(lab, p);
        *stream_of(lab, p) =
            (struct lab_stream){.push_wall_ns = s->push_wall_ns, .pushes_alone = s->pushes_alone};
        lab->streams--;
    }
    lab->wall_ns = streams_wall_ns();
}

// Bursts are kept until every open stream has passed them.
void streams_forget_old(struct lab *lab)
{
    int64_t oldest = lab->world.now_ns;
    for (size_t i = 0; i < lab->scenario->n_plutos; i++) {
        const struct pluto *p = lab->plutos[i];
        bool follows = p->streaming && !lab->receives[i].left_behind;
        int64_t t = follows ? pluto_stream_until(p, 0) : lab->world.now_ns;
        if (t < oldest) oldest = t;
        struct transmitter *sent = &lab->plutos[i]->transmitter;
        if (sent->n_blocks) transmitter_forget(sent, clock_index(&sent->clock, t) - LOOP_KEPT);
    }
    for (size_t i = 0; i < lab->scenario->n_devices; i++) {
        const struct device *d = lab->devices[i];
        for (size_t k = 0; k < d->n_listens; k++)
            if (d->listens[k].from_ns < oldest) oldest = d->listens[k].from_ns;
    }
    air_forget(lab->air, oldest);
}

// Time moves: first everything that the units transmit until then is put on air, so that whoever
// listens on the way hears it.
int streams_advance(struct lab *lab, int64_t until_ns, struct err *err)
{
    if (until_ns <= lab->world.now_ns) return ERR_OK;
    int rc = ERR_OK;
    for (size_t i = 0; i < lab->scenario->n_plutos && rc >= 0; i++)
        rc = pluto_transmit(lab->plutos[i], lab->air, until_ns, err);
    world_advance(&lab->world, until_ns);
    return rc;
}

// Streams keep together within so many blocks. Who waits longer than a second for a client that
// asks for nothing goes on alone; the other one then finds that it lost samples.
static bool ahead(void *ctx, struct pluto *p, size_t n)
{
    struct lab *lab = ctx;
    struct lab_stream *mine = stream_of(lab, p);
    int64_t until = pluto_stream_until(p, n);
    mine->block_ns = until - pluto_stream_until(p, 0);
    bool wait = false, patient = true;
    if (mine->held_wall_ns) patient = streams_wall_ns() - mine->held_wall_ns < patience_ns;
    for (size_t i = 0; i < lab->scenario->n_plutos; i++) {
        const struct pluto *q = lab->plutos[i];
        struct lab_stream *other = &lab->receives[i];
        if (q == p || !q->streaming || other->left_behind) continue;
        int64_t block = other->block_ns > mine->block_ns ? other->block_ns : mine->block_ns;
        if (until - pluto_stream_until(q, 0) <= block * lab->scenario->skew_blocks) continue;
        if (patient) {
            wait = true;
        } else {
            other->left_behind = true;
            LOG_WARN("foxlab",
                     "pluto %s: nobody reads its stream while %s waits for it; samples are lost "
                     "(at %.6f s)",
                     q->name, p->name, (double)lab->world.now_ns * 1e-9);
        }
    }
    if (!wait)
        mine->held_wall_ns = 0;
    else if (!mine->held_wall_ns)
        mine->held_wall_ns = streams_wall_ns();
    return wait;
}

static void note_skew(struct lab *lab, const struct pluto *p, int64_t until)
{
    for (size_t i = 0; i < lab->scenario->n_plutos; i++) {
        const struct pluto *q = lab->plutos[i];
        if (q == p || !q->streaming || lab->receives[i].left_behind) continue;
        int64_t ahead_ns = until - pluto_stream_until(q, 0);
        if (ahead_ns > lab->skew_ns) lab->skew_ns = ahead_ns;
    }
}

static bool runs_dry(const struct lab *lab, int64_t t_ns)
{
    for (size_t i = 0; i < lab->scenario->n_plutos; i++) {
        const struct transmitter *t = &lab->plutos[i]->transmitter;
        if (t->open && t->running && !t->cyclic && t->end - t->delay < clock_index(&t->clock, t_ns))
            return true;
    }
    return false;
}

// A pause that no transmit stream survives is a fault; faults come on demand.
static int64_t pause_until(const struct lab *lab, const struct pluto *p, size_t n, unsigned blocks)
{
    while (blocks && runs_dry(lab, pluto_stream_until(p, n * (1 + blocks))))
        blocks--;
    return pluto_stream_until(p, n * (1 + blocks));
}

static int receive(void *ctx, struct pluto *p, size_t n, int16_t *iq)
{
    struct lab *lab = ctx;
    struct lab_stream *mine = stream_of(lab, p);
    if (mine->left_behind) pluto_stream_skip(p, lab->world.now_ns);
    mine->left_behind = false;
    int64_t until = pluto_stream_until(p, n);
    struct err e = {0};
    lab->in_block = true;
    world_act(&lab->world);
    // A client that pauses gets what waited for it, while time has gone on by whole blocks, to the
    // sample: who sends a block for each one that he receives finds room for exactly that.
    int64_t ahead = until;
    if (until > lab->world.now_ns)
        ahead = pause_until(lab, p, n, pluto_stale_blocks(p, mine->blocks));
    else if (pluto_stream_until(p, 2 * n) <= lab->world.now_ns)
        lab->stale_blocks++;
    mine->blocks++;
    note_skew(lab, p, until);
    int rc = streams_advance(lab, ahead, &e);
    lab->in_block = false;
    if (rc >= 0) rc = pluto_receive(p, lab->air, n, iq, &e);
    if (rc < 0) {
        LOG_ERROR("foxlab", "%s", e.text);
        return -EIO;
    }
    streams_forget_old(lab);
    return 0;
}

static int transmit_take(void *ctx, struct pluto *p, int16_t *iq, size_t n)
{
    struct lab *lab = ctx;
    struct err e = {0};
    int rc = pluto_transmit_push_take(p, lab->world.now_ns, iq, n, &e);
    if (rc >= 0) return 0;
    if (rc == ERR_BUSY) return -EBUSY;
    LOG_ERROR("foxlab", "%s", e.text);
    return -EIO;
}

// While somebody receives, he moves time; without, who transmits does, a block at a time. Also when
// who receives asks for nothing as long as somebody waits to send: he may be the one who waits.
static bool room(void *ctx, struct pluto *p)
{
    struct lab *lab = ctx;
    struct lab_stream *mine = stream_of(lab, p);
    bool free = transmitter_has_room(&p->transmitter, lab->world.now_ns);
    if (!free && lab->streams && !mine->pushes_alone) {
        if (!mine->push_wall_ns) mine->push_wall_ns = streams_wall_ns();
        if (streams_wall_ns() - mine->push_wall_ns < patience_ns) return false;
        mine->pushes_alone = true; // and will so with every further block
    }
    mine->push_wall_ns = 0;
    if (free) return true;
    struct err e = {0};
    lab->in_block = true;
    world_act(&lab->world);
    if (streams_advance(lab, transmitter_room_ns(&p->transmitter), &e) < 0)
        LOG_ERROR("foxlab", "%s", e.text);
    lab->in_block = false;
    streams_forget_old(lab);
    return true;
}

struct iiod_host streams_host(struct lab *lab)
{
    return (struct iiod_host){.ctx = lab,
                              .opened = stream_opened,
                              .closed = stream_closed,
                              .ahead = ahead,
                              .receive = receive,
                              .transmit_take = transmit_take,
                              .room = room};
}

void streams_go_live(struct lab *lab)
{
    lab->began = true;
    lab->wall_ns = streams_wall_ns();
}
