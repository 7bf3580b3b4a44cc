// The small tools of the pump: bounded queues, and errors that stay.
#include <string.h>

#include "lua/bind/pump_internal.h"

void pump_queue_clear(struct pump_queue *q)
{
    while (q->count > 0) {
        jval_free(q->items[q->head]);
        q->head = (q->head + 1) % PUMP_QUEUE_MAX;
        q->count--;
    }
}

struct jval *pump_queue_take(struct pump_queue *q)
{
    if (q->count == 0) return NULL;
    struct jval *item = q->items[q->head];
    q->head = (q->head + 1) % PUMP_QUEUE_MAX;
    q->count--;
    return item;
}

void pump_queue_put(struct pump_queue *q, struct jval *item)
{
    if (q->count == PUMP_QUEUE_MAX) jval_free(pump_queue_take(q));
    q->items[(q->head + q->count) % PUMP_QUEUE_MAX] = item;
    q->count++;
}

int pump_fail(struct pump *p, int rc, const struct err *err)
{
    if (!p->broken) {
        p->broken = rc;
        p->why = *err;
        p->why.code = rc;
    }
    return rc;
}

int pump_refuse(const struct pump *p, struct err *err)
{
    return err_set(err, p->broken, "%s", p->why.text);
}

// Endpoints are recorded by their unit's name: an address or a path would differ from run to run.
int pump_name_unit(struct err *err, const char *kind, const char *endpoint, const char *unit)
{
    struct err told = {0};
    const char *at = endpoint && *endpoint ? strstr(err->text, endpoint) : NULL;
    if (!at) return err_prefix(err, "%s %s", kind, unit);
    err_set(&told, err->code, "%.*s%s%s", (int)(at - err->text), err->text, unit,
            at + strlen(endpoint));
    *err = told;
    return told.code;
}
