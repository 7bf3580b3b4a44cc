// What the network counts during an attempt: uplinks that do not decode, by their cause.
#include "lua/bind/pump_internal.h"

void pump_begin_network(struct pump *p)
{
    for (int s = 0; s < JUDGE_STATUSES; s++)
        p->counted[s] = judge_count(p->judge, (enum sfx_status)s);
}

unsigned pump_malformed(const struct pump *p, enum sfx_status status)
{
    return judge_count(p->judge, status) - p->counted[status];
}

int pump_end_network(struct pump *p, struct err *err)
{
    struct jval *counts = jval_object();
    bool any = false;
    int rc = ERR_OK;
    for (int s = 0; rc == ERR_OK && s < JUDGE_STATUSES; s++) {
        unsigned n = pump_malformed(p, (enum sfx_status)s);
        if (s == SFX_STATUS_OK || n == 0) continue;
        any = true;
        rc =
            jval_set(counts, sfx_status_name((enum sfx_status)s), jval_make(err, "i", (int)n), err);
    }
    if (rc < 0 || !any) {
        jval_free(counts);
        return rc;
    }
    return pump_emit(p,
                     jval_make(err, "{s:s, s:s, s:o}", "type", "network", "action", "malformed",
                               "counts", counts),
                     err);
}
