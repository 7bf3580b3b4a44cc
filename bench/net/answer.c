#include "bench/net/answer.h"

// A lower rank tells better when frame 1 ended; all stations' clocks are one.
static int find_window(const struct station_message *m, const struct sfx_zone *zone,
                       unsigned station, struct reply_window *out, struct err *err)
{
    const struct station_copy *c = &m->heard[station];
    const struct reply_request request = {
        .zone = zone,
        .rank = m->low_rank,
        .start_s = m->low_start_s,
        .end_s = m->low_end_s,
        .f_hz = zone->uplink_hz,
    };
    int rc = reply_window(&request, out, err);
    if (rc < 0) return rc;
    const struct reply_request own = {
        .zone = zone, .rank = c->rank, .start_s = c->start_s, .end_s = c->end_s, .f_hz = c->f_hz};
    struct reply_window heard;
    rc = reply_window(&own, &heard, err);
    if (rc < 0) return rc;
    out->frame1_hz = heard.frame1_hz;
    out->downlink_hz = heard.downlink_hz;
    out->in_band = heard.in_band;
    return ERR_OK;
}

static unsigned first_of(unsigned senders)
{
    unsigned i = 0;
    while (!(senders >> i & 1))
        i++;
    return i;
}

int answer_plan(const struct judge *j, const struct station_message *message, unsigned senders,
                enum reply_when when, double earliest_s, double margin_s, struct answer *out,
                struct err *err)
{
    *out = (struct answer){.decision = REPLY_REFUSED};
    if (senders == 0 || senders >> STATIONS_MAX)
        return err_set(err, ERR_INVALID,
                       "downlink: expected a sender among stations 0 … %d, got the mask 0x%x",
                       STATIONS_MAX - 1, senders);
    struct registry_device *d = judge_device(j, message->up.device_id);
    if (!d) return ERR_OK;
    if (!d->facts.zone)
        return err_set(err, ERR_INVALID,
                       "device %08x is registered without its zone: when and where a downlink is "
                       "due is not known; register it with one",
                       d->facts.id);
    const struct judge_result judged = {.verdict = d->blocked ? JUDGE_BLOCKED : JUDGE_ACCEPTED};
    const struct reply_desk before = d->desk;
    out->decision = reply_decide(&d->desk, &message->up, &judged, message->first_s, &out->downlink);
    if (out->decision != REPLY_SEND) return ERR_OK;

    const unsigned best = stations_best(message, senders);
    out->station = senders >> best & 1 ? best : first_of(senders);
    int rc = find_window(message, d->facts.zone, best, &out->window, err);
    if (rc == ERR_OK)
        rc = reply_start(&out->window, when, earliest_s, margin_s, &out->start_s, err);
    if (rc < 0) d->desk = before;
    return rc;
}
