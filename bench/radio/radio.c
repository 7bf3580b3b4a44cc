#include "bench/radio/radio.h"

#include <stdlib.h>
#include <string.h>

#include "bench/radio/radio_ops.h"

static const struct {
    const char *prefix;
    const struct radio_ops *ops;
} kinds[] = {
    {"ip:", &radio_pluto_ops},
    {"usb:", &radio_pluto_ops},
    {"file:", &radio_file_ops},
};

static const struct radio_ops *ops_for(const char *uri)
{
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strncmp(uri, kinds[i].prefix, strlen(kinds[i].prefix)) == 0) return kinds[i].ops;
    return NULL;
}

int radio_open(struct radio **out, const struct radio_config *config, struct err *err)
{
    *out = NULL;
    const struct radio_ops *ops = config->uri ? ops_for(config->uri) : NULL;
    if (!ops)
        return err_set(err, ERR_USAGE,
                       "radio '%s': expected an address that begins with usb:, ip: or file:; mend "
                       "the radio's uri in the bench file",
                       config->uri ? config->uri : "");

    struct radio *r = calloc(1, sizeof *r);
    if (!r) return err_set(err, ERR_NOMEM, "radio %s: out of memory", config->uri);
    r->ops = ops;
    r->uri = strdup(config->uri);
    int rc = r->uri ? r->ops->open(r, config, err)
                    : err_set(err, ERR_NOMEM, "radio %s: out of memory", config->uri);
    if (rc < 0) goto fail;

    *out = r;
    return ERR_OK;
fail:
    radio_close(r);
    return rc;
}

void radio_close(struct radio *r)
{
    if (!r) return;
    r->ops->close(r);
    free(r->uri);
    free(r);
}

const struct radio_info *radio_info(const struct radio *r)
{
    return &r->info;
}

int radio_read(struct radio *r, struct iq_block *out, struct err *err)
{
    if (r->dead)
        return err_set(err, ERR_GONE,
                       "radio %s: it failed before and cannot go on; close it and open it again",
                       r->uri);
    memset(out, 0, sizeof *out);
    int rc = r->ops->read(r, out, err);
    if (rc < 0) {
        // A recording that ended has not failed: asking again gives the same answer.
        r->dead = rc != ERR_NOTFOUND;
        return rc;
    }
    out->first_sample = r->next_index;
    r->next_index += (int64_t)out->n_samples;
    return ERR_OK;
}
