#include "bench/desk_radio.h"

#include <stdio.h>
#include <string.h>

#include "bench/base/bytes.h"
#include "bench/cmd.h"
#include "lua/bind/state.h"

int desk_radios_read(struct desk_radios *d, const char *bench, const char *device, struct err *err)
{
    *d = (struct desk_radios){0};
    struct state *state = NULL;
    struct jval *request = jval_make(err, "{s:s}", "bench", bench);
    int rc = request ? ERR_OK : ERR_NOMEM;
    if (rc == ERR_OK && device) rc = jval_set(request, "device", jval_make(err, "s", device), err);
    if (rc == ERR_OK) rc = state_open(&state, cmd_root(), err);
    if (rc == ERR_OK) rc = setup_read(&d->setup, cmd_root(), request, state, err);
    if (rc == ERR_OK) rc = setup_pump(&d->setup, &d->config, err);
    state_close(state);
    jval_free(request);
    return rc;
}

void desk_radios_deinit(struct desk_radios *d)
{
    setup_deinit(&d->setup);
    *d = (struct desk_radios){0};
}

unsigned desk_radios_count(const struct desk_radios *d)
{
    return 1 + (unsigned)d->config.n_stations;
}

const char *desk_radios_unit(const struct desk_radios *d, unsigned i)
{
    return i ? d->config.stations[i - 1].unit : d->config.radio_unit;
}

struct radio_config desk_radios_config(const struct desk_radios *d, unsigned i)
{
    return i ? d->config.stations[i - 1].radio : d->config.radio;
}

const struct air_permit *desk_radios_permit(const struct desk_radios *d, unsigned i)
{
    return i ? &d->config.stations[i - 1].permit : &d->config.permit;
}

const struct jval *desk_radios_entry(const struct desk_radios *d, unsigned i)
{
    return jval_at(jval_get(d->setup.bench, "radios"), i);
}

int desk_radios_find(const struct desk_radios *d, const char *unit, unsigned *out, struct err *err)
{
    char names[256] = "";
    for (*out = 0; *out < desk_radios_count(d); ++*out) {
        const char *name = desk_radios_unit(d, *out);
        if (!unit || strcmp(unit, name) == 0) return ERR_OK;
        const size_t n = strlen(names);
        snprintf(names + n, sizeof names - n, "%s%s", n ? ", " : "", name);
    }
    return err_set(err, ERR_USAGE, "--radio: the bench file has no radio '%s'; expected one of %s",
                   unit, names);
}

const struct air_path *desk_radios_path(const struct desk_radios *d, unsigned from, unsigned to)
{
    const struct air_permit *permit = desk_radios_permit(d, from);
    for (size_t i = 0; i < permit->n_paths; i++)
        if (strcmp(permit->paths[i].to, desk_radios_unit(d, to)) == 0) return &permit->paths[i];
    return NULL;
}

int desk_radios_open(const struct desk_radios *d, unsigned i, const struct radio_config *config,
                     struct radio **out, struct err *err)
{
    int rc = radio_open(out, config, err);
    return rc < 0 ? pump_name_unit(err, "radio", config->uri, desk_radios_unit(d, i)) : ERR_OK;
}

bool desk_radios_signer(const struct desk_radios *d, struct sfx_signer *out)
{
    *out = (struct sfx_signer){.key = d->config.token ? NULL : d->config.key,
                               .token = d->config.token};
    return out->key || out->token;
}

enum air_tag desk_radios_verify(void *radios, const struct sfx_uplink *up)
{
    const struct desk_radios *d = radios;
    struct sfx_signer signer;
    if (up->device_id != d->config.device_id || !desk_radios_signer(d, &signer))
        return AIR_TAG_UNKNOWN;
    const int rc = sfx_uplink_verify_by(up, &signer, NULL);
    return rc < 0 ? AIR_TAG_UNKNOWN : rc ? AIR_TAG_RIGHT : AIR_TAG_WRONG;
}
