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

static int check_alive(const struct radio *r, struct err *err)
{
    if (!r->dead) return ERR_OK;
    return err_set(err, ERR_GONE,
                   "radio %s: it failed before and cannot go on; close it and open it again",
                   r->uri);
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

    if (config->transmit && !ops->transmit)
        return err_set(err, ERR_UNSUPPORTED,
                       "radio '%s': expected one that can send, this kind only receives; use a "
                       "Pluto, or drop transmit from the bench file",
                       config->uri);

    struct radio *r = calloc(1, sizeof *r);
    if (!r) return err_set(err, ERR_NOMEM, "radio %s: out of memory", config->uri);
    r->ops = ops;
    r->uri = strdup(config->uri);
    int rc = r->uri ? r->ops->open(r, config, err)
                    : err_set(err, ERR_NOMEM, "radio %s: out of memory", config->uri);
    if (rc < 0) goto fail;
    r->info.transmit = config->transmit;
    if (!config->wait) rc = radio_align(&r, 1, err);
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

int radio_align(struct radio *const *radios, size_t n, struct err *err)
{
    int rc = ERR_OK;
    size_t i = 0;
    bool sends = false;
    for (i = 0; i < n; i++) {
        rc = check_alive(radios[i], err);
        if (rc < 0) return rc;
        sends = sends || radios[i]->info.transmit;
    }
    for (i = 0; i < n; i++) {
        if (radios[i]->ops->start) rc = radios[i]->ops->start(radios[i], err);
        if (rc < 0) goto fail;
    }
    for (int block = 0; sends && block < RADIO_ALIGN_BLOCKS; block++)
        for (i = 0; i < n; i++) {
            if (radios[i]->ops->align) rc = radios[i]->ops->align(radios[i], err);
            if (rc < 0) goto fail;
        }
    for (i = 0; i < n; i++)
        radios[i]->started = true;
    return ERR_OK;
fail:
    radios[i]->dead = true;
    return rc;
}

int radio_read(struct radio *r, struct iq_block *out, struct err *err)
{
    if (check_alive(r, err) < 0) return ERR_GONE;
    if (!r->started)
        return err_set(err, ERR_SEQUENCE,
                       "radio %s: it was opened to wait, and waits: radio_align starts it", r->uri);
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

static int check_transmit(const struct radio *r, struct err *err)
{
    if (check_alive(r, err) < 0) return ERR_GONE;
    if (r->info.transmit && r->started) return ERR_OK;
    if (r->info.transmit)
        return err_set(err, ERR_SEQUENCE,
                       "radio %s: its streams have not been started; call radio_align first",
                       r->uri);
    return err_set(err, ERR_UNSUPPORTED,
                   "radio %s: it was opened to receive only; set transmit = true for it in the "
                   "bench file",
                   r->uri);
}

// A refusal leaves the radio as it was; after anything else nobody knows what it sends.
static int ended(struct radio *r, int rc)
{
    if (rc == ERR_GONE || rc == ERR_IO || rc == ERR_BUSY || rc == ERR_FORMAT) r->dead = true;
    return rc;
}

int radio_transmit(struct radio *r, int64_t at_sample, const int16_t *iq, size_t n, struct err *err)
{
    int rc = check_transmit(r, err);
    return rc < 0 ? rc : ended(r, r->ops->transmit(r, at_sample, iq, n, err));
}

int64_t radio_earliest(const struct radio *r)
{
    return r->info.transmit ? r->ops->earliest(r) : INT64_MAX;
}

int radio_drop(struct radio *r, struct err *err)
{
    int rc = check_transmit(r, err);
    if (rc == ERR_OK) r->ops->drop(r);
    return rc;
}

int radio_set_tx(struct radio *r, bool lo_on, double attenuation_db, struct err *err)
{
    int rc = check_transmit(r, err);
    return rc < 0 ? rc : ended(r, r->ops->set_tx(r, lo_on, attenuation_db, err));
}

int radio_tune_tx(struct radio *r, double lo_hz, struct err *err)
{
    int rc = check_transmit(r, err);
    return rc < 0 ? rc : ended(r, r->ops->tune_tx(r, lo_hz, err));
}
