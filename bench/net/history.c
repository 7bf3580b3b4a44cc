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

static int take_network(struct history *h, struct judge *j, const struct jval *event,
                        struct err *err)
{
    const char *action = text_of(event, "action");
    uint32_t id = (uint32_t)strtoul(text_of(event, "device_id"), NULL, 16);
    struct registry_device *d = judge_device(j, id);
    bool acts = strcmp(action, "disengage") == 0 || strcmp(action, "block") == 0 ||
                strcmp(action, "unblock") == 0;
    if (!d || !acts) return ERR_OK;
    h->operators++;
    if (strcmp(action, "disengage") == 0) return judge_disengage(j, id, err);
    return judge_block(j, id, strcmp(action, "block") == 0, err);
}

int history_event(struct history *h, struct judge *j, const struct jval *event, struct err *err)
{
    const char *type = text_of(event, "type");
    if (strcmp(type, "clock") == 0) h->rate_hz = jval_number(jval_get(event, "rate_hz"), 0);
    if (strcmp(type, "uplink") == 0) return take_uplink(h, j, event, err);
    if (strcmp(type, "network") == 0) return take_network(h, j, event, err);
    return ERR_OK;
}
