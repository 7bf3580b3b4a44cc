#include "bench/net/reply.h"

#include <math.h>
#include <string.h>

int reply_window(const struct reply_request *request, struct reply_window *out, struct err *err)
{
    const struct sfx_zone *z = request->zone;
    if (request->rank < 1 || request->rank > SFX_RANKS)
        return err_set(err, ERR_INVALID, "downlink window: expected a frame of rank 1 … 3, got %u",
                       request->rank);
    double frame_s = request->end_s - request->start_s;
    if (!(frame_s > 0))
        return err_set(err, ERR_INVALID,
                       "downlink window: expected a frame that ends after its start, got %.3f … "
                       "%.3f s",
                       request->start_s, request->end_s);

    // Back over the gaps, and over frame 2 where frame 3 was heard: all frames are equally long.
    unsigned gaps = request->rank - 1;
    double end_s = request->end_s;
    if (gaps > 0) end_s = request->start_s - gaps * SFX_ZONE_GAP_S - (gaps - 1) * frame_s;
    double stretch_s = sfx_zone_sense_s(z, request->rank, frame_s);
    double f1_hz = sfx_zone_frame1_hz(z, request->rank, request->f_hz);
    *out = (struct reply_window){
        .frame1_end_min_s = end_s - stretch_s,
        .frame1_end_max_s = end_s,
        .open_s = end_s + z->wait_s,
        .close_s = end_s - stretch_s + z->wait_s + z->listen_s,
        .frame1_hz = f1_hz,
        .downlink_hz = f1_hz + sfx_zone_shift_hz(z),
        .in_band = fabs(f1_hz - z->uplink_hz) <= SFX_ZONE_BAND_HZ / 2,
    };
    return ERR_OK;
}

int reply_start(const struct reply_window *w, enum reply_when when, double earliest_s,
                double margin_s, double *start_s, struct err *err)
{
    double first_s = w->open_s + margin_s;
    double last_s = w->close_s - margin_s - SFX_DL_BURST_S;
    if (!(margin_s >= 0) || first_s > last_s)
        return err_set(err, ERR_INVALID,
                       "downlink: a window of %.3f s has no room for a burst of %.3f s and margins "
                       "of %.3f s; make the margin smaller",
                       w->close_s - w->open_s, SFX_DL_BURST_S, margin_s);
    if (earliest_s > last_s)
        return err_set(err, ERR_TIMEOUT,
                       "downlink: expected to start by %.3f s, but %.3f s is the first moment that "
                       "can still be reached; ask the device for another message",
                       last_s, earliest_s);
    double wish_s = when == REPLY_EARLIEST ? first_s
                    : when == REPLY_LATEST ? last_s
                                           : (first_s + last_s) / 2;
    *start_s = wish_s < earliest_s ? earliest_s : wish_s;
    return ERR_OK;
}

void reply_desk_put(struct reply_desk *d, const uint8_t payload[SFX_DL_PAYLOAD])
{
    memcpy(d->payload, payload, SFX_DL_PAYLOAD);
    d->waiting = true;
}

// Several stations may hear one message, and each of its frames asks anew.
static bool is_answered(const struct reply_desk *d, const struct sfx_uplink *up, double t_s)
{
    return d->answered && d->answered_counter == up->counter &&
           fabs(t_s - d->answered_s) <= JUDGE_MERGE_S;
}

static bool within_quota(struct reply_desk *d, double t_s)
{
    if (t_s - d->day_start_s >= REPLY_DAY_S) {
        d->day_start_s += REPLY_DAY_S * floor((t_s - d->day_start_s) / REPLY_DAY_S);
        d->today = 0;
    }
    return d->per_day == 0 || d->today < d->per_day;
}

enum reply_decision reply_decide(struct reply_desk *d, const struct sfx_uplink *up,
                                 const struct judge_result *judged, double t_s,
                                 struct sfx_downlink *out)
{
    if (judged->verdict != JUDGE_ACCEPTED && judged->verdict != JUDGE_REPETITION)
        return REPLY_REFUSED;
    if (!up->bidirectional) return REPLY_NOT_ASKED;
    if (is_answered(d, up, t_s)) return REPLY_ANSWERED;
    if (!d->waiting) return REPLY_NOTHING;
    if (!within_quota(d, t_s)) return REPLY_QUOTA;

    *out = (struct sfx_downlink){.device_id = up->device_id, .counter = up->counter};
    memcpy(out->payload, d->payload, SFX_DL_PAYLOAD);
    d->waiting = false;
    d->answered = true;
    d->answered_s = t_s;
    d->answered_counter = up->counter;
    d->today++;
    return REPLY_SEND;
}

const char *reply_decision_name(enum reply_decision decision)
{
    static const char *const names[] = {
        [REPLY_SEND] = "send",       [REPLY_NOT_ASKED] = "not_asked", [REPLY_REFUSED] = "refused",
        [REPLY_NOTHING] = "nothing", [REPLY_ANSWERED] = "answered",   [REPLY_QUOTA] = "quota"};
    return names[decision];
}

const char *reply_decision_text(enum reply_decision decision)
{
    static const char *const texts[] = {
#define REPLY(name, text) [REPLY_##name] = text,
#include "bench/net/reply.def"
#undef REPLY
    };
    return texts[decision];
}
