#include "bench/net/history.h"

#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"

static const char *text_of(const struct jval *event, const char *key)
{
    return jval_text(jval_get(event, key), "");
}

static int find_class(const char *name, enum sfx_class *out)
{
    for (int c = 0; c < SFX_CLASSES; c++) {
        *out = (enum sfx_class)c;
        if (strcmp(name, sfx_class_name(*out)) == 0) return ERR_OK;
    }
    return ERR_FORMAT;
}

// The packet says everything again: what was decoded stands beside it for readers.
static int take_uplink(struct history *h, struct judge *j, const struct jval *event,
                       struct err *err)
{
    if (strcmp(text_of(event, "judge"), judge_verdict_name(JUDGE_ACCEPTED)) != 0) return ERR_OK;
    long long seq = (long long)jval_int(jval_get(event, "seq"), -1);
    if (!(h->rate_hz > 0))
        return err_set(err, ERR_FORMAT,
                       "event %lld: an uplink before any clock event, so its time means nothing; "
                       "hand over the ledger from its first line",
                       seq);
    uint8_t packet[SFX_PACKET_MAX];
    struct sfx_uplink up;
    enum sfx_class class;
    int n = hex_decode(text_of(event, "packet_hex"), packet, sizeof packet, NULL);
    if (n < 0 || find_class(text_of(event, "class"), &class) < 0 ||
        sfx_uplink_decode(class, packet, (size_t)n, &up) != SFX_STATUS_OK)
        return err_set(err, ERR_FORMAT,
                       "event %lld: an accepted uplink whose packet does not decode: class \"%s\", "
                       "packet \"%.60s\"",
                       seq, text_of(event, "class"), text_of(event, "packet_hex"));
    double t_s = (double)jval_int(jval_get(event, "start"), 0) / h->rate_hz;
    int rc = judge_restore(j, &up, t_s, err);
    if (rc < 0) return err_prefix(err, "event %lld", seq);
    h->restored += rc == 1;
    return ERR_OK;
}

// A station by its place in the bench file, from 1.
static int block_station(struct history *h, const struct jval *event, bool blocked, struct err *err)
{
    int64_t place = jval_int(jval_get(event, "station"), 0);
    if (place < 1 || place > STATIONS_MAX)
        return err_set(err, ERR_FORMAT, "event %lld: expected a station of 1 … %d, got %lld",
                       (long long)jval_int(jval_get(event, "seq"), -1), STATIONS_MAX,
                       (long long)place);
    return h->monitor ? monitor_block_station(h->monitor, (unsigned)place - 1, blocked, err)
                      : ERR_OK;
}

static int block_device(struct judge *j, const struct jval *event, bool blocked, struct err *err)
{
    uint32_t id = (uint32_t)strtoul(text_of(event, "device_id"), NULL, 16);
    return judge_device(j, id) ? judge_block(j, id, blocked, err) : ERR_OK;
}

static int take_network(struct history *h, struct judge *j, const struct jval *event,
                        struct err *err)
{
    const char *action = text_of(event, "action");
    bool device = jval_get(event, "device_id") != NULL;
    bool block = strcmp(action, "block") == 0;
    uint32_t id = (uint32_t)strtoul(text_of(event, "device_id"), NULL, 16);
    if (strcmp(action, "malformed") == 0 || (device && !judge_device(j, id))) return ERR_OK;
    h->operators++;
    if (strcmp(action, "disengage") == 0) return judge_disengage(j, id, err);
    return device ? judge_block(j, id, block, err) : block_station(h, event, block, err);
}

static int take_alarm(struct history *h, struct judge *j, const struct jval *event, struct err *err)
{
    const struct jval *blocks = jval_get(event, "blocks");
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < jval_len(blocks); i++)
        rc = strcmp(jval_text(jval_at(blocks, i), ""), "device") == 0
                 ? block_device(j, event, true, err)
                 : block_station(h, event, true, err);
    return rc;
}

int history_event(struct history *h, struct judge *j, const struct jval *event, struct err *err)
{
    const char *type = text_of(event, "type");
    if (strcmp(type, "clock") == 0) h->rate_hz = jval_number(jval_get(event, "rate_hz"), 0);
    if (strcmp(type, "uplink") == 0) return take_uplink(h, j, event, err);
    if (strcmp(type, "network") == 0) return take_network(h, j, event, err);
    if (strcmp(type, "alarm") == 0) return take_alarm(h, j, event, err);
    return ERR_OK;
}

static bool matters(const struct jval *event)
{
    const char *type = text_of(event, "type");
    if (strcmp(type, "uplink") == 0)
        return strcmp(text_of(event, "judge"), judge_verdict_name(JUDGE_ACCEPTED)) == 0;
    if (strcmp(type, "network") == 0) return strcmp(text_of(event, "action"), "malformed") != 0;
    if (strcmp(type, "alarm") == 0) return jval_len(jval_get(event, "blocks")) > 0;
    return strcmp(type, "clock") == 0;
}

int history_extract(const struct jval *event, struct jval **out, struct err *err)
{
    static const char *const fields[] = {"type",      "seq",     "sample",     "rate_hz",
                                         "judge",     "class",   "start",      "action",
                                         "device_id", "station", "packet_hex", "blocks"};
    *out = NULL;
    if (!matters(event)) return ERR_OK;
    struct jval *made = jval_object();
    int rc = made ? ERR_OK : err_set(err, ERR_NOMEM, "history: out of memory");
    for (size_t i = 0; rc == ERR_OK && i < sizeof fields / sizeof fields[0]; i++) {
        struct jval *field = jval_get(event, fields[i]);
        if (field) rc = jval_set(made, fields[i], jval_ref(field), err);
    }
    if (rc == ERR_OK)
        *out = made;
    else
        jval_free(made);
    return rc;
}
