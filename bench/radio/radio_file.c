// A recording that plays as a radio: as fast as it is read.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/radio/radio_ops.h"
#include "bench/radio/sigmf.h"

enum { BLOCK_DEFAULT = 16384, BLOCK_MAX = 1 << 22 };

struct file {
    struct sigmf *recording;
    size_t block;
    int16_t *iq;
};

static int file_open(struct radio *r, const struct radio_config *config, struct err *err)
{
    struct file *f = calloc(1, sizeof *f);
    if (!f) return err_set(err, ERR_NOMEM, "radio %s: out of memory", config->uri);
    r->state = f;
    f->block = config->block_samples ? config->block_samples : BLOCK_DEFAULT;
    if (f->block > BLOCK_MAX)
        return err_set(err, ERR_INVALID, "radio %s: expected blocks of at most %d samples, not %zu",
                       config->uri, BLOCK_MAX, f->block);
    f->iq = malloc(f->block * 2 * sizeof *f->iq);
    if (!f->iq) return err_set(err, ERR_NOMEM, "radio %s: out of memory", config->uri);

    const char *path = config->uri + strlen("file:");
    int rc = sigmf_open(&f->recording, path, err);
    if (rc < 0) return rc;
    const struct sigmf_info *info = sigmf_info(f->recording);
    r->info.rate_hz = info->rate_hz;
    r->info.lo_hz = info->center_hz;
    snprintf(r->info.model, sizeof r->info.model, "recording");
    return ERR_OK;
}

static int file_read(struct radio *r, struct iq_block *out, struct err *err)
{
    struct file *f = r->state;
    size_t n = 0;
    while (n < f->block) {
        int got = sigmf_read(f->recording, f->iq + 2 * n, f->block - n, err);
        if (got < 0) return got;
        if (got == 0) break;
        n += (size_t)got;
    }
    if (n == 0) return err_set(err, ERR_NOTFOUND, "radio %s: the recording has ended", r->uri);

    out->n_samples = n;
    out->iq = f->iq;
    for (size_t i = 0; i < 2 * n; i++)
        if (f->iq[i] >= IQ_FULL_SCALE_RX || f->iq[i] < -IQ_FULL_SCALE_RX)
            out->flags |= IQ_FLAG_CLIPPED;
    return ERR_OK;
}

static void file_close(struct radio *r)
{
    struct file *f = r->state;
    if (!f) return;
    sigmf_close(f->recording);
    free(f->iq);
    free(f);
    r->state = NULL;
}

const struct radio_ops radio_file_ops = {
    .open = file_open,
    .read = file_read,
    .close = file_close,
};
