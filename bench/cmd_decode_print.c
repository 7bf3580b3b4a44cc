// How `foxbench decode` prints a frame: a line of text or of JSON.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/air/measure.h"
#include "bench/base/bytes.h"
#include "bench/base/json.h"
#include "bench/cmd_decode.h"

static const char *how_name(enum phy_how how)
{
    switch (how) {
    case PHY_HOW_PLAIN:
        return "plain";
    case PHY_HOW_TRACKED:
        return "tracked";
    case PHY_HOW_LIST:
        return "list";
    case PHY_HOW_COMBINED:
        return "combined";
    }
    return "unknown";
}

// New: what was measured of the frame; why not, when it cannot be.
static struct jval *measured(const struct decode *d, const struct air_frame *f, bool crc_ok,
                             struct err *err)
{
    if (!crc_ok) return jval_make(err, "{s:s}", "void", "the CRC is wrong: its bits are not known");
    const struct air_measure_frame frame = air_measure_frame(f);
    const struct phy_measure_config config = {.rate_hz = d->rate_hz};
    int64_t from, to;
    air_measure_span(&frame, d->rate_hz, &from, &to);
    if (to > d->ring.end) to = d->ring.end;
    if (!iq_ring_has(&d->ring, from, to))
        return jval_make(err, "{s:s}", "void", "its samples are gone: too many frames at once");
    int16_t *iq = malloc((size_t)(to - from) * 2 * sizeof *iq);
    if (!iq) {
        (void)err_set(err, ERR_NOMEM, "no memory for %lld samples", (long long)(to - from));
        return NULL;
    }
    iq_ring_copy(&d->ring, from, to, iq);
    struct phy_measurement m;
    struct err why = {0};
    int rc = air_measure(&config, &frame, iq, from, (size_t)(to - from), &m, &why);
    free(iq);
    return rc < 0 ? jval_make(err, "{s:s}", "void", why.text) : air_measure_json(&m, err);
}

static const char *copy_name(const struct phy_copy *c, char text[32])
{
    switch (c->kind) {
    case PHY_COPY_IMAGE:
        return "image";
    case PHY_COPY_PRODUCT:
        snprintf(text, 32, "product of order %d", c->order);
        return text;
    case PHY_COPY_MIXED:
        break;
    }
    return "mixed product";
}

static size_t n_copies(const struct phy_burst *b)
{
    return b->copies < PHY_COPIES_MAX ? b->copies : PHY_COPIES_MAX;
}

// New: what was heard of the frame where nobody sent it.
static struct jval *copies(const struct phy_burst *b, struct err *err)
{
    struct jval *list = jval_array();
    int rc = list ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for a frame");
    for (size_t i = 0; i < n_copies(b) && rc == ERR_OK; i++) {
        char text[32];
        rc =
            jval_append(list,
                        jval_make(err, "{s:s, s:f, s:f}", "what", copy_name(&b->copy[i], text),
                                  "f_mid_hz", b->copy[i].f_mid_hz, "below_db", b->copy[i].below_db),
                        err);
    }
    if (rc == ERR_OK) return list;
    jval_free(list);
    return NULL;
}

static int print_json(const struct decode *d, const struct air_frame *f, const char *packet,
                      bool crc_ok, struct err *err)
{
    const struct phy_burst *b = &f->burst;
    struct jval *j = jval_make(
        err, "{s:f, s:f, s:f, s:f, s:i, s:f, s:i, s:s, s:s, s:b, s:s, s:s, s:b, s:o, s:o}", "t_s",
        b->start_sample / d->rate_hz, "f_hz", b->f_hz, "f_mid_hz", b->f_mid_hz, "drift_hz_s",
        b->drift_hz_s, "bit_rate", (int)b->bit_rate, "ebn0_db", b->ebn0_db, "rank", (int)f->rank,
        "class", sfx_class_name(f->class), "packet_hex", packet, "crc_ok", (int)crc_ok, "how",
        how_name(b->how), "tag", air_tag_name(f->tag), "clipped", (int)b->clipped, "copies",
        copies(b, err), "measured", measured(d, f, crc_ok, err));
    char *text = j ? jval_dump(j, err) : NULL;
    jval_free(j);
    if (!text) return err->code;
    puts(text);
    free(text);
    return ERR_OK;
}

// Beneath its frame, since it is none.
static void print_copies(const struct phy_burst *b)
{
    char text[32];
    for (size_t i = 0; i < n_copies(b); i++)
        printf("%12s %+11.2f Hz at mid-burst  its %s, %.1f dB weaker: left out\n", "",
               b->copy[i].f_mid_hz, copy_name(&b->copy[i], text), b->copy[i].below_db);
    if (b->copies > n_copies(b)) printf("%12s and %zu more\n", "", b->copies - n_copies(b));
}

int decode_print_frame(struct decode *d, const struct air_frame *f, struct err *err)
{
    static const char *const tags[] = {"", "  tag right", "  tag WRONG"};
    char packet[2 * SFX_PACKET_MAX + 1];
    bool crc_ok = f->status != SFX_STATUS_BAD_CRC && f->status != SFX_STATUS_TRUNCATED;
    if (!crc_ok && !d->all) return ERR_OK;
    d->n_frames++;
    d->n_clipped += f->burst.clipped;
    hex_encode(f->packet, f->packet_len, packet);
    if (d->json) return print_json(d, f, packet, crc_ok, err);
    const struct phy_burst *b = &f->burst;
    printf(
        "%10.4f s %+11.2f Hz %+7.2f Hz/s  %3.0f bit/s %5.1f dB  class %s rank %u  %s  %s  %s%s%s\n",
        b->start_sample / d->rate_hz, b->f_hz, b->drift_hz_s, b->bit_rate, b->ebn0_db,
        sfx_class_name(f->class), f->rank, packet, crc_ok ? "CRC ok " : "CRC bad", how_name(b->how),
        tags[f->tag], b->clipped ? "  clipped" : "");
    print_copies(b);
    return ERR_OK;
}
