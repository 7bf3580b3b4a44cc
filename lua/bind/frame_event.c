#include "lua/bind/frame_event.h"

#include <math.h>
#include <stdio.h>

#include "bench/base/bytes.h"
#include "bench/phy/measure.h"

// To a fraction of two, which JSON writes in a few exact digits.
static double rounded(double x, double parts)
{
    return isfinite(x) ? round(x * parts) / parts + 0.0 : 0; // never a negative zero
}

static const char *how_name(enum phy_how how)
{
    static const char *const names[] = {"plain", "tracked", "list", "combined"};
    return names[how];
}

static int put_text(struct jval *event, const char *key, const char *text, struct err *err)
{
    return jval_set(event, key, jval_make(err, "s", text), err);
}

static int put_hex(struct jval *event, const char *key, const uint8_t *data, size_t len,
                   struct err *err)
{
    char text[2 * SFX_PACKET_MAX + 1];
    hex_encode(data, len, text);
    return put_text(event, key, text, err);
}

// Upwards, and never less than what rounding the figure itself to a fraction of two costs.
static double rounded_up(double u, double figure_parts, double parts)
{
    double whole = hypot(u, 1 / (figure_parts * sqrt(12)));
    return isfinite(whole) ? ceil(whole * parts) / parts : 0;
}

// Standard uncertainties of frequency and drift, against the receiver's own clock: the bound, which
// the receiver keeps to within a fifth. Zero stands for none, when there is no signal to speak of.
static int put_uncertainty(struct jval *event, const struct phy_burst *b, struct err *err)
{
    double f, drift;
    phy_measure_bounds(b->ebn0_db, PHY_HEAD_SYMBOLS + b->body_bits, b->bit_rate, &f, &drift);
    int rc = jval_set(event, "f_mid_u_hz", jval_make(err, "f", rounded_up(1.2 * f, 64, 1024)), err);
    if (rc < 0) return rc;
    return jval_set(event, "drift_u_hz_s", jval_make(err, "f", rounded_up(1.2 * drift, 512, 1024)),
                    err);
}

static struct jval *reception(const struct frame_event_context *c, const struct air_frame *f,
                              struct err *err)
{
    const struct phy_burst *b = &f->burst;
    int64_t start = c->t0 + (int64_t)llround(b->start_sample);
    return jval_make(
        err, "{s:s, s:s, s:I, s:I, s:f, s:f, s:f, s:f, s:f, s:f, s:i, s:s, s:s, s:s, s:i}", "type",
        "uplink", "unit", c->unit, "start", (long long)start, "end",
        (long long)(c->t0 + f->end_sample), "f_hz", rounded(c->lo_hz + b->f_hz, 64), "f_mid_hz",
        rounded(c->lo_hz + b->f_mid_hz, 64), "drift_hz_s", rounded(b->drift_hz_s, 512), "bit_rate",
        rounded(b->bit_rate, 512), "ebn0_db", rounded(b->ebn0_db, 64), "power_dbfs",
        rounded(b->power_dbfs, 64), "rank", (int)f->rank, "class", sfx_class_name(f->class), "how",
        how_name(b->how), "status", sfx_status_name(f->status), "head_errors", (int)b->head_errors);
}

static int put_content(struct jval *event, const struct sfx_uplink *up, struct err *err)
{
    char id[9];
    snprintf(id, sizeof id, "%08x", up->device_id);
    int rc = put_text(event, "device_id", id, err);
    if (rc == ERR_OK) rc = jval_set(event, "counter", jval_make(err, "i", (int)up->counter), err);
    if (rc == ERR_OK) rc = put_text(event, "message", sfx_message_type_name(up->type), err);
    if (rc == ERR_OK) rc = put_hex(event, "payload_hex", up->payload, up->payload_len, err);
    if (rc == ERR_OK) rc = jval_set(event, "li", jval_make(err, "i", (int)up->li), err);
    if (rc == ERR_OK) rc = jval_set(event, "bf", jval_make(err, "b", up->bidirectional), err);
    if (rc == ERR_OK) rc = jval_set(event, "rep", jval_make(err, "b", up->repeater), err);
    if (rc == ERR_OK) rc = put_hex(event, "tag_hex", up->tag, up->tag_len, err);
    return rc;
}

int frame_event_judge(struct jval *event, const struct judge_result *r, struct err *err)
{
    int rc = put_text(event, "judge", judge_verdict_name(r->verdict), err);
    bool known = r->verdict != JUDGE_MALFORMED && r->verdict != JUDGE_UNKNOWN_DEVICE;
    if (r->verdict == JUDGE_BLOCKED) known = r->tag_ok; // of a blocked station nothing is judged
    if (rc == ERR_OK && known) rc = jval_set(event, "tag_ok", jval_make(err, "b", r->tag_ok), err);
    if (rc == ERR_OK && known && r->counter_known)
        rc = jval_set(event, "counter_step", jval_make(err, "i", r->counter_step), err);
    return rc;
}

struct jval *frame_event(const struct frame_event_context *c, const struct air_frame *f,
                         struct err *err)
{
    struct jval *event = reception(c, f, err);
    if (!event) return NULL;
    int rc = put_uncertainty(event, &f->burst, err);
    if (rc == ERR_OK) rc = put_hex(event, "packet_hex", f->packet, f->packet_len, err);
    if (rc == ERR_OK && f->status == SFX_STATUS_OK) rc = put_content(event, &f->uplink, err);
    if (rc == ERR_OK) return event;
    jval_free(event);
    return NULL;
}
