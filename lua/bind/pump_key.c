// The device's key, wherever it lies: in memory, or in a token, which is an instrument of the bench
// then.
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

int pump_announce_token(struct pump *p, struct err *err)
{
    if (!p->config.token) return ERR_OK;
    const struct token_info *i = token_key_info(p->config.token);
    const struct sfx_signer signer = pump_signer(p);
    char fingerprint[SECRET_FINGERPRINT_LEN];
    int rc = sfx_signer_fingerprint(&signer, fingerprint, err);
    if (rc < 0) return rc;
    return pump_emit(p,
                     jval_make(err, "{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s}}", "type",
                               "instrument", "unit", "key", "kind", "token", "serial", i->serial,
                               "model", i->model, "firmware", i->firmware, "settings", "label",
                               i->label, "fingerprint", fingerprint),
                     err);
}
