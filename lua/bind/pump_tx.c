// The pump's transmitter: downlinks that answer a request of the device, or leave at a given time.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/net/answer.h"
#include "lua/bind/pump_internal.h"

// Samples are made so long before they leave; a burst that is asked for later may come too late.
static const double hand_over_s = 1.5;

// The station that downlinks leave from: the others' transmitters stand in the uplink's band.
enum { sender = 0 };

int pump_open_transmit(struct pump *p, struct err *err)
{
    if (!p->config.radio.transmit) return ERR_OK;
    return air_transmit_new(&p->transmit, p->radio, &p->config.permit, p->config.armed, err);
}

bool pump_transmits(const struct pump *p)
{
    return p->transmit != NULL;
}

double pump_downlink_level(const struct pump *p, double *loss_db)
{
    *loss_db = NAN;
    for (size_t i = 0; i < p->config.permit.n_paths; i++)
        if (strcmp(p->config.permit.paths[i].to, p->config.uart_unit) == 0)
            *loss_db = p->config.permit.paths[i].attenuation_db;
    return p->config.downlink_dbm;
}

bool pump_encrypts(const struct pump *p)
{
    return p->config.cipher != NULL;
}

void pump_forget_downlinks(struct pump *p)
{
    struct registry_device *d = judge_device(p->core.judge, p->config.device_id);
    if (d) d->desk.waiting = false;
    p->n_replies = p->n_downlinks = p->n_sent = 0;
    p->asks = false;
    p->refusal[0] = '\0';
}

int pump_silence(struct pump *p, struct err *err)
{
    pump_forget_downlinks(p);
    if (!p->transmit || !air_transmit_busy(p->transmit)) return ERR_OK;
    pump_steady_resume(p, sender);
    return air_transmit_stop(p->transmit, err);
}

static int check_free(const struct pump *p, size_t n, struct err *err)
{
    if (!p->transmit)
        return err_set(err, ERR_UNSUPPORTED,
                       "%s cannot send; add transmit = true, its rf path and a permit to the bench "
                       "file",
                       p->config.radio_unit);
    if (!pump_has_key(p))
        return err_set(
            err, ERR_UNSUPPORTED,
            "a downlink is signed with the device's key, and its device file names none");
    if (n > PUMP_DOWNLINKS_MAX)
        return err_set(err, ERR_LIMIT, "expected at most %d downlinks to wait, asked for %zu",
                       PUMP_DOWNLINKS_MAX, n);
    return ERR_OK;
}

int pump_reply(struct pump *p, const struct pump_reply *replies, size_t n, struct err *err)
{
    int rc = check_free(p, n, err);
    if (rc < 0) return rc;
    memcpy(p->replies, replies, n * sizeof *replies);
    p->n_replies = n;
    p->asks = false;
    if (n > 0)
        reply_desk_put(&judge_device(p->core.judge, p->config.device_id)->desk, replies[0].payload);
    return ERR_OK;
}

int pump_downlink(struct pump *p, const struct pump_downlink *downlink, struct err *err)
{
    int rc = check_free(p, p->n_downlinks + 1, err);
    if (rc < 0) return rc;
    if (downlink->at_sample < p->now)
        return err_set(err, ERR_LIMIT, "a downlink at %.3f s comes too late: it is %.3f s",
                       (double)downlink->at_sample / p->rate_hz, (double)p->now / p->rate_hz);
    p->downlinks[p->n_downlinks++] = *downlink;
    return ERR_OK;
}

// ---- a request is answered

static int plan_reply(struct pump *p, const struct pump_reply *r, const struct answer *a,
                      struct err *err)
{
    const struct reply_window *w = &a->window;
    double start_s = r->after_s < 0 ? a->start_s : w->frame1_end_max_s + r->after_s;
    struct pump_downlink d = {
        .counter = a->downlink.counter,
        .f_hz = (r->on_uplink ? w->frame1_hz : w->downlink_hz) + r->off_hz,
        .at_sample = (int64_t)llround(start_s * p->rate_hz),
        .forge = r->forge,
        .below_db = r->below_db,
    };
    memcpy(d.payload, r->payload, sizeof d.payload);
    return pump_downlink(p, &d, err);
}

// What a burst met that was not sent: the suite hears of it when it asks what was.
static int refuse(struct pump *p, int rc, const struct err *err)
{
    if (rc == ERR_GONE || rc == ERR_IO) return rc;
    if (!p->refusal[0]) snprintf(p->refusal, sizeof p->refusal, "%s", err->text);
    return ERR_OK;
}

static int answer(struct pump *p, const struct station_message *message, struct err *err)
{
    struct answer a;
    struct err why = {0};
    double earliest_s = (double)p->now / p->rate_hz + hand_over_s;
    p->asks = false;
    int rc = answer_plan(p->core.judge, message, 1u << sender, REPLY_MIDDLE, earliest_s,
                         REPLY_MARGIN_S, &a, &why);
    if (rc == ERR_OK && a.decision != REPLY_SEND) return ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < p->n_replies; i++)
        rc = plan_reply(p, &p->replies[i], &a, &why);
    p->n_replies = 0;
    if (rc < 0) rc = refuse(p, rc, &why);
    return rc < 0 ? err_set(err, rc, "%s", why.text) : ERR_OK;
}

// The sending radio's own measure of the request gives the best frequency, so its frames are waited
// for when others hear the request first.
int pump_answer_message(struct pump *p, const struct station_message *message, struct err *err)
{
    if (p->n_replies == 0 || message->up.device_id != p->config.device_id) return ERR_OK;
    if (message->heard[sender].ranks) return answer(p, message, err);
    p->asks = message->up.bidirectional;
    p->asking = *message;
    return ERR_OK;
}

static int answer_unheard(struct pump *p, struct err *err)
{
    double now_s = (double)p->now / p->rate_hz;
    if (!p->asks || now_s < p->asking.first_s + JUDGE_MERGE_S) return ERR_OK;
    return answer(p, &p->asking, err);
}

// ---- a burst leaves

static int note_sent(struct pump *p, const struct pump_downlink *d, const struct sfx_downlink *dl,
                     int64_t end, bool genuine, struct err *err)
{
    char clear[2 * SFX_DL_PAYLOAD + 1], payload[2 * SFX_DL_PAYLOAD + 1], tag[2 * SFX_DL_TAG + 1];
    hex_encode(d->payload, sizeof d->payload, clear);
    hex_encode(dl->payload, sizeof dl->payload, payload);
    hex_encode(dl->tag, sizeof dl->tag, tag);
    if (p->n_sent < PUMP_DOWNLINKS_MAX)
        p->sent[p->n_sent++] =
            (struct pump_sent){.start = d->at_sample, .end = end, .genuine = genuine};
    struct jval *event = jval_make(
        err, "{s:s, s:s, s:I, s:I, s:f, s:f, s:i, s:s, s:s, s:b}", "type", "downlink", "unit",
        p->config.radio_unit, "start", (long long)d->at_sample, "end", (long long)end, "f_hz",
        round(d->f_hz * 64) / 64, "level_dbm", p->config.downlink_dbm - d->below_db, "counter",
        (int)d->counter, "payload_hex", payload, "tag_hex", tag, "genuine", genuine);
    int rc = event ? ERR_OK : ERR_FORMAT;
    const struct sfx_native_profile *cipher = p->config.cipher;
    if (rc == ERR_OK && cipher)
        rc = jval_set(event, "cipher", jval_make(err, "s", cipher->name), err);
    if (rc == ERR_OK && cipher) rc = jval_set(event, "clear_hex", jval_make(err, "s", clear), err);
    if (rc == ERR_OK) return pump_emit(p, event, err);
    jval_free(event);
    return rc;
}

// The keystream goes on where the counter starts again. Only the network's own history tells.
static struct forge_tools tools_of(const struct pump *p)
{
    const struct registry_device *d = judge_device(p->core.judge, p->config.device_id);
    struct forge_tools tools = {
        .key = p->config.token ? NULL : p->config.key,
        .own = pump_signer(p),
        .cipher = p->config.cipher,
        .rollover = (uint8_t)(p->config.rollover + (d ? d->rollovers : 0)),
    };
    if (p->config.n_samples > 0)
        tools.neighbour = (struct sfx_signer){
            .key = p->config.samples[0].token ? NULL : p->config.samples[0].key,
            .token = p->config.samples[0].token,
        };
    return tools;
}

bool pump_can_sign(const struct pump *p, enum forge_key key)
{
    const struct forge_tools tools = tools_of(p);
    return pump_has_key(p) && forge_can_sign(&tools, key);
}

static void fill_burst(const struct pump *p, const struct pump_downlink *d,
                       const uint8_t frame[SFX_DL_FRAME], struct pump_burst *out)
{
    *out = (struct pump_burst){
        .by = sender,
        .start = d->at_sample - air_downlink_lead(p->rate_hz),
        .n = air_downlink_samples(p->rate_hz),
        .f_hz = d->f_hz,
        .bandwidth_hz = AIR_DOWNLINK_BAND_HZ,
        .level_dbm = p->config.downlink_dbm - d->below_db,
    };
    memcpy(out->frame, frame, sizeof out->frame);
}

static int hand_over(struct pump *p, const struct pump_downlink *d, struct err *err)
{
    struct sfx_downlink dl = {.device_id = p->config.device_id, .counter = d->counter};
    memcpy(dl.payload, d->payload, sizeof dl.payload);
    uint8_t frame[SFX_DL_FRAME];
    bool genuine = false;
    struct err why = {0};
    const struct forge_tools tools = tools_of(p);
    int rc = forge_frame(&d->forge, &tools, &dl, frame, &genuine, &why);
    if (rc < 0) {
        rc = refuse(p, rc, &why);
        return rc < 0 ? err_set(err, rc, "%s", why.text) : ERR_OK;
    }
    int64_t end = 0;
    rc = air_downlink(p->transmit, frame, d->f_hz, p->config.downlink_dbm - d->below_db,
                      d->at_sample - p->config.t0, &end, &why);
    if (rc == ERR_OK) {
        if (p->n_sent < PUMP_DOWNLINKS_MAX) fill_burst(p, d, frame, &p->sent_bursts[p->n_sent]);
        return note_sent(p, d, &dl, end + p->config.t0, genuine, err);
    }
    rc = refuse(p, rc, &why);
    return rc < 0 ? err_set(err, rc, "%s", why.text) : ERR_OK;
}

int pump_step_transmit(struct pump *p, struct err *err)
{
    if (!p->transmit) return ERR_OK;
    int rc = answer_unheard(p, err);
    if (rc == ERR_OK) rc = air_transmit_step(p->transmit, p->now - p->config.t0, err);
    int64_t soon = p->now + (int64_t)(hand_over_s * p->rate_hz);
    for (size_t i = 0; rc == ERR_OK && i < p->n_downlinks;) {
        if (p->downlinks[i].at_sample > soon) {
            i++;
            continue;
        }
        const struct pump_downlink d = p->downlinks[i];
        memmove(p->downlinks + i, p->downlinks + i + 1,
                (--p->n_downlinks - i) * sizeof *p->downlinks);
        rc = hand_over(p, &d, err);
    }
    for (size_t i = 0; rc == ERR_OK && i < p->n_sent; i++) {
        struct pump_sent *sent = &p->sent[i];
        if (sent->looked || !pump_echo_due(p, &p->sent_bursts[i])) continue;
        sent->looked = true;
        rc = pump_echo_check(p, &p->sent_bursts[i], &sent->heard, sent->why, sizeof sent->why, err);
    }
    return rc;
}

size_t pump_sent(const struct pump *p, const struct pump_sent **out, const char **refusal)
{
    *out = p->sent;
    *refusal = p->refusal[0] ? p->refusal : NULL;
    return p->n_sent;
}
