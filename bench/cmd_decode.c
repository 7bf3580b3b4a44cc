// foxbench decode: recorded IQ to frames.
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/air/measure.h"
#include "bench/air/receive.h"
#include "bench/base/bytes.h"
#include "bench/base/json.h"
#include "bench/cmd.h"
#include "bench/radio/sigmf.h"
#include "lua/bind/ring.h"

enum { BLOCK = 4096 };

static const double band_hz = 192e3;
// Uplink centres of the radio configurations RC1 … RC7 (RC3 and RC5 lie together).
static const double uplink_centres_hz[] = {868130e3, 902200e3, 923200e3, 920800e3,
                                           923300e3, 865200e3, 868800e3};
// Three frames of the longest message with their pauses last 8 s at most.
static const double combine_s = 10;
// Samples that are kept for measuring: a frame may wait so long for others of its message, and the
// receiver is some seconds behind.
static const double keep_s = 20;

static const char usage[] =
    "usage: foxbench decode CAPTURE.sigmf-meta [--json] [--plain] [--all]\n\n"
    "Finds every uplink frame in a recording.\n\n"
    "  --json   one JSON line for each frame, with what was measured of it\n"
    "  --plain  the differential path alone, as a minimal base station\n"
    "  --all    also frames whose CRC is wrong\n";

struct decode {
    const char *path;
    bool json;
    bool plain;
    bool all;
    size_t n_frames;
    size_t n_clipped; // of them, with samples at full scale
    double rate_hz;
    struct iq_ring ring; // the last samples, for measuring; none without --json
};

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

static int print_json(const struct decode *d, const struct air_frame *f, const char *packet,
                      bool crc_ok, struct err *err)
{
    const struct phy_burst *b = &f->burst;
    struct jval *j =
        jval_make(err, "{s:f, s:f, s:f, s:f, s:i, s:f, s:i, s:s, s:s, s:b, s:s, s:b, s:i, s:o}",
                  "t_s", b->start_sample / d->rate_hz, "f_hz", b->f_hz, "f_mid_hz", b->f_mid_hz,
                  "drift_hz_s", b->drift_hz_s, "bit_rate", (int)b->bit_rate, "ebn0_db", b->ebn0_db,
                  "rank", (int)f->rank, "class", sfx_class_name(f->class), "packet_hex", packet,
                  "crc_ok", (int)crc_ok, "how", how_name(b->how), "clipped", (int)b->clipped,
                  "copies", (int)b->copies, "measured", measured(d, f, crc_ok, err));
    char *text = j ? jval_dump(j, err) : NULL;
    jval_free(j);
    if (!text) return err->code;
    puts(text);
    free(text);
    return ERR_OK;
}

static int print_frame(struct decode *d, const struct air_frame *f, struct err *err)
{
    char packet[2 * SFX_PACKET_MAX + 1];
    bool crc_ok = f->status != SFX_STATUS_BAD_CRC && f->status != SFX_STATUS_TRUNCATED;
    if (!crc_ok && !d->all) return ERR_OK;
    d->n_frames++;
    d->n_clipped += f->burst.clipped;
    hex_encode(f->packet, f->packet_len, packet);
    if (d->json) return print_json(d, f, packet, crc_ok, err);
    const struct phy_burst *b = &f->burst;
    char notes[64] = "";
    if (b->copies) snprintf(notes, sizeof notes, "  (left out: %u images or products)", b->copies);
    printf(
        "%10.4f s %+11.2f Hz %+7.2f Hz/s  %3.0f bit/s %5.1f dB  class %s rank %u  %s  %s  %s%s%s\n",
        b->start_sample / d->rate_hz, b->f_hz, b->drift_hz_s, b->bit_rate, b->ebn0_db,
        sfx_class_name(f->class), f->rank, packet, crc_ok ? "CRC ok " : "CRC bad", how_name(b->how),
        b->clipped ? "  clipped" : "", notes);
    return ERR_OK;
}

static int print_ready(struct decode *d, struct air_receiver *receiver, struct err *err)
{
    struct air_frame frame;
    while (air_receiver_next(receiver, &frame)) {
        int rc = print_frame(d, &frame, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

// Where the uplink band lies in a recording whose centre is beside it, as a bench records it;
// otherwise the recording's centre is the band's.
static double band_centre_hz(const struct sigmf_info *info)
{
    double best_hz = 0, nearest_hz = info->rate_hz / 2 - band_hz / 2;
    for (size_t i = 0; i < sizeof uplink_centres_hz / sizeof uplink_centres_hz[0]; i++) {
        double offset_hz = uplink_centres_hz[i] - info->center_hz;
        if (fabs(offset_hz) > nearest_hz) continue;
        nearest_hz = fabs(offset_hz);
        best_hz = offset_hz;
    }
    return best_hz;
}

// A recording can be read twice: its mean is the radio's own steady offset, a carrier at 0 Hz that
// would hide what is sent beside it.
static int find_mean(const char *path, struct air_receiver_config *config, struct err *err)
{
    struct sigmf *recording = NULL;
    int16_t iq[2 * BLOCK];
    double sum_i = 0, sum_q = 0;
    int rc = sigmf_open(&recording, path, err);
    if (rc < 0) return rc;
    while ((rc = sigmf_read(recording, iq, BLOCK, err)) > 0)
        for (int i = 0; i < rc; i++) {
            sum_i += iq[2 * i];
            sum_q += iq[2 * i + 1];
        }
    double n = (double)sigmf_info(recording)->n_samples;
    config->dc_i = sum_i / n;
    config->dc_q = sum_q / n;
    sigmf_close(recording);
    return rc;
}

static int decode_recording(struct decode *d, struct err *err)
{
    struct sigmf *recording = NULL;
    struct air_receiver *receiver = NULL;
    int16_t iq[2 * BLOCK];
    int rc = sigmf_open(&recording, d->path, err);
    if (rc < 0) goto fail;
    double rate_hz = d->rate_hz = sigmf_info(recording)->rate_hz;
    if (d->json) rc = iq_ring_init(&d->ring, (size_t)(keep_s * rate_hz), err);
    if (rc < 0) goto fail;
    double centre_hz = band_centre_hz(sigmf_info(recording));
    struct air_receiver_config config = {
        .rate_hz = rate_hz,
        .low_hz = centre_hz - band_hz / 2,
        .high_hz = centre_hz + band_hz / 2,
        .bit_rate_100 = true,
        .bit_rate_600 = true,
        .plain_only = d->plain,
        .combine_s = d->plain ? 0 : combine_s,
    };
    rc = find_mean(d->path, &config, err);
    if (rc < 0) goto fail;
    rc = air_receiver_new(&receiver, &config, err);
    if (rc < 0) goto fail;
    while ((rc = sigmf_read(recording, iq, BLOCK, err)) > 0) {
        if (d->json) iq_ring_put(&d->ring, iq, (size_t)rc);
        rc = air_receiver_push(receiver, iq, (size_t)rc, err);
        if (rc == ERR_OK) rc = print_ready(d, receiver, err);
        if (rc < 0) goto fail;
    }
    if (rc == ERR_OK) rc = air_receiver_finish(receiver, err);
    if (rc == ERR_OK) rc = print_ready(d, receiver, err);
    if (rc == ERR_OK && fflush(stdout) != 0)
        rc = err_set(err, ERR_IO, "writing the frames to standard output failed");
fail:
    iq_ring_deinit(&d->ring);
    air_receiver_free(receiver);
    sigmf_close(recording);
    return rc;
}

static int misused(const char *expected, const char *found)
{
    fprintf(stderr, "foxbench decode: expected %s, found %s; foxbench decode --help tells more\n",
            expected, found);
    return CMD_EXIT_USAGE;
}

int cmd_decode(int argc, char **argv)
{
    struct decode d = {0};
    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
            fputs(usage, stdout);
            return CMD_EXIT_OK;
        }
        if (strcmp(a, "--json") == 0)
            d.json = true;
        else if (strcmp(a, "--plain") == 0)
            d.plain = true;
        else if (strcmp(a, "--all") == 0)
            d.all = true;
        else if (a[0] == '-')
            return misused("--json, --plain or --all", a);
        else if (d.path)
            return misused("one recording", a);
        else
            d.path = a;
    }
    if (!d.path) return misused("the name of a .sigmf-meta file", "none");

    struct err err = {0};
    int rc = decode_recording(&d, &err);
    if (rc < 0) {
        fprintf(stderr, "foxbench decode: %s\n", err.text);
        return rc == ERR_USAGE ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
    }
    if (d.n_clipped)
        fprintf(stderr,
                "foxbench decode: %zu of %zu frames lie among samples at full scale: their bits "
                "count, levels and spectra do not; record with less gain\n",
                d.n_clipped, d.n_frames);
    if (!d.json) fprintf(stderr, "%zu frame%s\n", d.n_frames, d.n_frames == 1 ? "" : "s");
    return CMD_EXIT_OK;
}
