// The device's key, wherever it lies: in memory, or in a token, which is an instrument of the bench
// then.
#include <stdio.h>

#include "lua/bind/pump_internal.h"

bool pump_has_key(const struct pump *p)
{
    return p->config.key || p->config.token;
}

struct sfx_signer pump_signer(const struct pump *p)
{
    return (struct sfx_signer){.key = p->config.token ? NULL : p->config.key,
                               .token = p->config.token};
}

static int announce(struct pump *p, const char *unit, struct token_key *token, struct err *err)
{
    const struct token_info *i = token_key_info(token);
    const struct sfx_signer signer = {.token = token};
    char fingerprint[SECRET_FINGERPRINT_LEN];
    int rc = sfx_signer_fingerprint(&signer, fingerprint, err);
    if (rc < 0) return rc;
    return pump_emit(p,
                     jval_make(err, "{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "type",
                               "instrument", "unit", unit, "kind", "token", "serial", i->serial,
                               "model", i->model, "firmware", i->firmware, "settings", "label",
                               i->label, "fingerprint", fingerprint),
                     err);
}

int pump_announce_tokens(struct pump *p, struct err *err)
{
    char unit[80];
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < 1 + p->config.n_samples; i++) {
        const struct pump_unit_config *c = &p->units[i].config;
        if (!c->token) continue;
        snprintf(unit, sizeof unit, "key%s%s", i ? " of " : "", i ? c->uart_unit : "");
        rc = announce(p, unit, c->token, err);
    }
    return rc;
}
