#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/air/receive.h"
#include "bench/radio/sigmf.h"
#include "bench/replay.h"
#include "lua/bind/frame_event.h"

enum { BLOCK = 4096 };

// Two receptions of one frame: no further apart than a symbol and this.
static const double same_hz = 40;

struct recording {
    const struct replay_config *config;
    const char *name;
    struct sigmf *file;
    const struct sigmf_info *info;
    struct jval *meta;
    const char *unit; // radio that recorded it; lent from the booked frames
    int64_t offset;   // sample time of its first sample
    struct jval *heard;
    struct replay_count *n;
};

static const char *text_of(const struct jval *j, const char *key)
{
    return jval_text(jval_get(j, key), "");
}

static double number_of(const struct jval *j, const char *key)
{
    return jval_number(jval_get(j, key), 0);
}

static int64_t int_of(const struct jval *j, const char *key)
{
    return jval_int(jval_get(j, key), 0);
}

static double seconds(const struct recording *r, int64_t t)
{
    return (double)t / r->info->rate_hz;
}

static void differs(struct recording *r, const char *text)
{
    r->n->differ++;
    printf("differs     %s: %s\n", r->name, text);
}

// --- where in the run it was recorded

// An annotation says which frame of the ledger lies where in the recording.
static const struct jval *find_annotated(const struct jval *note, const struct jval *booked)
{
    for (size_t i = 0; i < jval_len(booked); i++) {
        const struct jval *event = jval_at(booked, i);
        if (strcmp(text_of(note, "core:comment"), text_of(event, "packet_hex")) == 0 &&
            fabs(number_of(note, "foxbench:f_hz") - number_of(event, "f_hz")) < 0.01)
            return event;
    }
    return NULL;
}

static bool locate(struct recording *r, const struct jval *booked)
{
    const struct jval *notes = jval_get(r->meta, "annotations");
    for (size_t i = 0; i < jval_len(notes); i++) {
        const struct jval *note = jval_at(notes, i), *event = find_annotated(note, booked);
        // One at the very begin may have been cut off there.
        if (!event || int_of(note, "core:sample_start") <= 0) continue;
        r->offset = int_of(event, "start") - int_of(note, "core:sample_start");
        r->unit = text_of(event, "unit");
        return true;
    }
    return false;
}

// --- what the present receiver hears in it

// What the live run's receiver was told of a packet (pump_verify): without it, weak frames that
// only the key can vouch for would be missing here.
static enum air_tag ask_key(void *ctx, const struct sfx_uplink *up)
{
    const struct replay_config *config = ctx;
    if (up->device_id != config->device_id) return AIR_TAG_UNKNOWN;
    int rc = sfx_uplink_verify_by(up, &config->signer, NULL);
    return rc == 1 ? AIR_TAG_RIGHT : rc == 0 ? AIR_TAG_WRONG : AIR_TAG_UNKNOWN;
}

static int take_frames(struct recording *r, struct air_receiver *receiver, struct err *err)
{
    const struct frame_event_context context = {
        .unit = r->unit, .t0 = r->offset, .rate_hz = r->info->rate_hz, .lo_hz = r->info->center_hz};
    struct air_frame frame;
    int rc = ERR_OK;
    while (rc == ERR_OK && air_receiver_next(receiver, &frame)) {
        struct jval *event = frame_event(&context, &frame, err);
        struct judge_result judged = {0};
        bool ours = event && r->config->judge && frame.status == SFX_STATUS_OK &&
                    frame.uplink.device_id == r->config->device_id;
        if (ours)
            rc = judge_frame(r->config->judge, &frame.uplink, frame.status,
                             seconds(r, r->offset) + frame.burst.start_sample / r->info->rate_hz,
                             &judged, err);
        if (ours && rc == ERR_OK)
            rc = jval_set(event, "tag_ok", jval_make(err, "b", (int)judged.tag_ok), err);
        if (rc == ERR_OK) rc = jval_append(r->heard, event, err);
    }
    return rc;
}

// The recording's mean is the radio's own steady offset.
static int find_mean(const char *path, struct air_receiver_config *config, struct err *err)
{
    struct sigmf *file = NULL;
    int16_t iq[2 * BLOCK];
    double sum_i = 0, sum_q = 0, n = 0;
    int rc = sigmf_open(&file, path, err);
    while (rc >= 0 && (rc = sigmf_read(file, iq, BLOCK, err)) > 0) {
        n += rc;
        for (int i = 0; i < rc; i++) {
            sum_i += iq[2 * i];
            sum_q += iq[2 * i + 1];
        }
    }
    sigmf_close(file);
    config->dc_i = n > 0 ? sum_i / n : 0;
    config->dc_q = n > 0 ? sum_q / n : 0;
    return rc;
}

static int decode(struct recording *r, const char *path, struct err *err)
{
    struct air_receiver *receiver = NULL;
    struct replay_config known = *r->config; // the receiver's context is not const
    const bool has_key = known.signer.key || known.signer.token;
    int16_t iq[2 * BLOCK];
    struct air_receiver_config config = {
        .rate_hz = r->info->rate_hz,
        .low_hz = fmax(r->config->low_hz - r->info->center_hz, -r->info->rate_hz / 2),
        .high_hz = fmin(r->config->high_hz - r->info->center_hz, r->info->rate_hz / 2),
        .bit_rate_100 = !r->config->bit_rate_600,
        .bit_rate_600 = r->config->bit_rate_600,
        .verify = has_key ? ask_key : NULL,
        .verify_ctx = &known,
    };
    int rc = find_mean(path, &config, err);
    if (rc >= 0) rc = air_receiver_new(&receiver, &config, err);
    while (rc >= 0 && (rc = sigmf_read(r->file, iq, BLOCK, err)) > 0) {
        rc = air_receiver_push(receiver, iq, (size_t)rc, err);
        if (rc >= 0) rc = take_frames(r, receiver, err);
    }
    if (rc >= 0) rc = air_receiver_finish(receiver, err);
    if (rc >= 0) rc = take_frames(r, receiver, err);
    air_receiver_free(receiver);
    return rc;
}

// --- the one against the other

static struct jval *find_heard(const struct recording *r, const struct jval *event)
{
    double symbol = r->info->rate_hz / fmax(number_of(event, "bit_rate"), 100);
    for (size_t i = 0; i < jval_len(r->heard); i++) {
        struct jval *heard = jval_at(r->heard, i);
        double apart = (double)(int_of(heard, "start") - int_of(event, "start"));
        if (fabs(apart) <= symbol &&
            fabs(number_of(heard, "f_hz") - number_of(event, "f_hz")) <= same_hz)
            return heard;
    }
    return NULL;
}

static void show(const struct jval *value, char out[80])
{
    char *text = value ? jval_dump(value, NULL) : NULL;
    snprintf(out, 80, "%s", text ? text : "absent");
    free(text);
}

// What was read of a frame must be read again; how well it was heard may vary with the receiver.
static void compare(struct recording *r, const struct jval *event, struct jval *heard)
{
    static const char *const fields[] = {"status",      "packet_hex", "rank",  "class", "device_id",
                                         "counter",     "message",    "li",    "bf",    "rep",
                                         "payload_hex", "tag_hex",    "tag_ok"};
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct jval *was = jval_get(event, fields[i]), *is = jval_get(heard, fields[i]);
        bool tag = strcmp(fields[i], "tag_ok") == 0;
        if (tag && (!was || !is)) continue; // no key is at hand
        r->n->tags += tag;
        if ((!was && !is) || (was && is && jval_equal(was, is))) continue;
        char before[80], now[80], text[300];
        show(was, before);
        show(is, now);
        snprintf(text, sizeof text, "frame at %.3f s (event %lld): %s was %s, is %s",
                 seconds(r, int_of(event, "start")), (long long)int_of(event, "seq"), fields[i],
                 before, now);
        differs(r, text);
        return;
    }
}

static void compare_all(struct recording *r, const struct jval *booked)
{
    int64_t end = r->offset + r->info->n_samples;
    size_t found = 0;
    for (size_t i = 0; i < jval_len(booked); i++) {
        const struct jval *event = jval_at(booked, i);
        if (strcmp(text_of(event, "unit"), r->unit) != 0 || int_of(event, "start") < r->offset ||
            int_of(event, "end") > end)
            continue;
        struct jval *heard = find_heard(r, event);
        r->n->frames++;
        found += heard != NULL;
        if (heard) {
            compare(r, event, heard);
            continue;
        }
        char text[160];
        snprintf(text, sizeof text, "frame at %.3f s (event %lld) is not heard any more",
                 seconds(r, int_of(event, "start")), (long long)int_of(event, "seq"));
        differs(r, text);
    }
    if (jval_len(r->heard) > found) r->n->beside += jval_len(r->heard) - found;
}

int replay_recording(const struct replay_config *config, const char *meta, const char *name,
                     const struct jval *booked, struct replay_count *n, struct err *err)
{
    struct recording r = {.config = config, .name = name, .n = n, .heard = jval_array()};
    struct err why = {0};
    int rc = r.heard ? ERR_OK : err_set(err, ERR_NOMEM, "replay: out of memory");
    if (rc < 0) return rc;
    n->recordings++;
    if (jval_load(&r.meta, meta, &why) < 0 || sigmf_open(&r.file, meta, &why) < 0) {
        differs(&r, why.text);
    } else {
        r.info = sigmf_info(r.file);
        if (!locate(&r, booked))
            differs(&r, "none of its annotations is a frame of the ledger");
        else
            rc = decode(&r, meta, err);
        if (rc == ERR_OK && r.unit) compare_all(&r, booked);
    }
    sigmf_close(r.file);
    jval_free(r.meta);
    jval_free(r.heard);
    return rc;
}
