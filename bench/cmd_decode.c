// foxbench decode: recorded IQ to frames.
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/cmd.h"
#include "bench/cmd_decode.h"
#include "bench/phy/iq.h"
#include "bench/radio/sigmf.h"

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
    "usage: foxbench decode CAPTURE.sigmf-meta [--json] [--plain] [--all]\n"
    "                       [--id ID --key REFERENCE]...\n\n"
    "Finds every uplink frame in a recording.\n\n"
    "  --json           one JSON line for each frame, with what was measured of it\n"
    "  --plain          the differential path alone, as a minimal base station\n"
    "  --all            also frames whose CRC is wrong\n"
    "  --id ID          a device (hexadecimal) whose frames' tags are checked with\n"
    "  --key REFERENCE  its key: file:PATH, env:NAME or pkcs11:...; weak frames are then\n"
    "                   read that the CRC alone could not vouch for\n";

// What a first look at all samples told.
struct survey {
    double mean_i, mean_q;
    int64_t n, n_full; // samples; those at full scale and beyond
    int peak;          // largest word
    bool constant;     // all the same
    bool suspect;      // perhaps not of the type that their description names
};

static int print_ready(struct decode *d, struct air_receiver *receiver, struct err *err)
{
    struct air_frame frame;
    while (air_receiver_next(receiver, &frame)) {
        int rc = decode_print_frame(d, &frame, err);
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

// A word's size; the lowest one counts like the highest.
static int size_of(int16_t word)
{
    return word < 0 ? -word - 1 : word;
}

// A recording can be read twice: its mean is the radio's own steady offset, a carrier at 0 Hz that
// would hide what is sent beside it.
static int look_over(const char *path, struct survey *s, struct err *err)
{
    struct sigmf *recording = NULL;
    int16_t iq[2 * BLOCK], first[2] = {0, 0};
    double sum_i = 0, sum_q = 0;
    *s = (struct survey){.constant = true};
    int rc = sigmf_open(&recording, path, err);
    if (rc < 0) return rc;
    while ((rc = sigmf_read(recording, iq, BLOCK, err)) > 0) {
        if (s->n == 0) memcpy(first, iq, sizeof first);
        s->n += rc;
        for (int i = 0; i < rc; i++) {
            sum_i += iq[2 * i];
            sum_q += iq[2 * i + 1];
            int a = size_of(iq[2 * i]), b = size_of(iq[2 * i + 1]), top = a > b ? a : b;
            s->n_full += top >= IQ_FULL_SCALE_RX;
            s->peak = top > s->peak ? top : s->peak;
            if (iq[2 * i] != first[0] || iq[2 * i + 1] != first[1]) s->constant = false;
        }
    }
    s->mean_i = sum_i / (double)s->n;
    s->mean_q = sum_q / (double)s->n;
    sigmf_close(recording);
    return rc;
}

static int read_frames(struct decode *d, struct sigmf *recording, struct air_receiver *receiver,
                       struct err *err)
{
    int16_t iq[2 * BLOCK];
    int rc;
    while ((rc = sigmf_read(recording, iq, BLOCK, err)) > 0) {
        if (d->json) iq_ring_put(&d->ring, iq, (size_t)rc);
        rc = air_receiver_push(receiver, iq, (size_t)rc, err);
        if (rc == ERR_OK) rc = print_ready(d, receiver, err);
        if (rc < 0) return rc;
    }
    if (rc == ERR_OK) rc = air_receiver_finish(receiver, err);
    if (rc == ERR_OK) rc = print_ready(d, receiver, err);
    if (rc == ERR_OK && fflush(stdout) != 0)
        rc = err_set(err, ERR_IO, "writing the frames to standard output failed");
    return rc;
}

static int decode_recording(struct decode *d, struct survey *survey, struct err *err)
{
    struct sigmf *recording = NULL;
    struct air_receiver *receiver = NULL;
    int rc = sigmf_open(&recording, d->path, err);
    if (rc < 0) goto fail;
    const struct sigmf_info *info = sigmf_info(recording);
    d->rate_hz = info->rate_hz;
    if (d->json) rc = iq_ring_init(&d->ring, (size_t)(keep_s * d->rate_hz), err);
    if (rc == ERR_OK) rc = look_over(d->path, survey, err);
    if (rc < 0) goto fail; // its text says so, too
    survey->suspect = info->suspicion[0] != 0;
    if (survey->suspect) fprintf(stderr, "foxbench decode: %s: %s\n", d->path, info->suspicion);
    double centre_hz = band_centre_hz(info);
    const struct air_receiver_config config = {
        .rate_hz = d->rate_hz,
        .low_hz = centre_hz - band_hz / 2,
        .high_hz = centre_hz + band_hz / 2,
        .bit_rate_100 = true,
        .bit_rate_600 = true,
        .plain_only = d->plain,
        .combine_s = d->plain ? 0 : combine_s,
        .dc_i = survey->mean_i,
        .dc_q = survey->mean_q,
        .verify = d->keys.n_keys ? decode_keys_verify : NULL,
        .verify_ctx = &d->keys,
    };
    rc = air_receiver_new(&receiver, &config, err);
    if (rc == ERR_OK) rc = read_frames(d, recording, receiver, err);
fail:
    iq_ring_deinit(&d->ring);
    air_receiver_free(receiver);
    sigmf_close(recording);
    return rc;
}

// No frame is not always silence, and no frame's level is always true.
static void tell_doubts(const struct decode *d, const struct survey *s)
{
    if (s->suspect) return; // said already, and the rest follows from it
    if (d->n_clipped)
        fprintf(stderr,
                "foxbench decode: %zu of %zu frames lie among samples at full scale: their bits "
                "count, levels and spectra do not; record with less gain\n",
                d->n_clipped, d->n_frames);
    else if (s->n_full && !d->n_frames)
        fprintf(stderr,
                "foxbench decode: no frame, but %lld of %lld samples are at full scale: an "
                "overloaded receiver is deaf, so this says nothing of what was sent; record with "
                "less gain\n",
                (long long)s->n_full, (long long)s->n);
    if (s->n_full && s->peak > IQ_FULL_SCALE_RX)
        fprintf(stderr,
                "foxbench decode: words reach %d; a radio's of 12 bits end at %d, which counts as "
                "full scale: if these have 16 bits, divide them by 16\n",
                s->peak, IQ_FULL_SCALE_RX);
    if (s->constant)
        fprintf(stderr,
                "foxbench decode: all %lld samples are the same: nothing was recorded, so this "
                "says nothing of what was sent; see whether the radio's stream was running\n",
                (long long)s->n);
}

static int misused(const char *expected, const char *found)
{
    fprintf(stderr, "foxbench decode: expected %s, found %s; foxbench decode --help tells more\n",
            expected, found);
    return CMD_EXIT_USAGE;
}

static int failed(int rc, const struct err *err)
{
    fprintf(stderr, "foxbench decode: %s\n", err->text);
    return rc == ERR_USAGE ? CMD_EXIT_USAGE : CMD_EXIT_ERROR;
}

static int decode_all(struct decode *d)
{
    struct err err = {0};
    struct survey survey = {0};
    int rc = decode_recording(d, &survey, &err);
    if (rc < 0) return failed(rc, &err);
    tell_doubts(d, &survey);
    if (!d->json) fprintf(stderr, "%zu frame%s\n", d->n_frames, d->n_frames == 1 ? "" : "s");
    return CMD_EXIT_OK;
}

static int take_option(struct decode *d, const char *option, const char *value, int *used,
                       struct err *err)
{
    bool id = strcmp(option, "--id") == 0;
    if (strcmp(option, "--json") == 0)
        d->json = true;
    else if (strcmp(option, "--plain") == 0)
        d->plain = true;
    else if (strcmp(option, "--all") == 0)
        d->all = true;
    else if (!id && strcmp(option, "--key") != 0)
        return err_set(err, ERR_USAGE,
                       "expected --json, --plain, --all, --id or --key, found %s; foxbench decode "
                       "--help tells more",
                       option);
    else if (!value)
        return err_set(err, ERR_USAGE, "expected a %s after %s", id ? "device's ID" : "reference",
                       option);
    else {
        *used = 2;
        return id ? decode_keys_add_id(&d->keys, value, err)
                  : decode_keys_add_key(&d->keys, value, err);
    }
    return ERR_OK;
}

int cmd_decode(int argc, char **argv)
{
    struct decode d = {0};
    struct err err = {0};
    int exit_code = CMD_EXIT_OK, used = 1, rc = ERR_OK;
    for (int i = 1; i < argc && rc == ERR_OK; i += used) {
        const char *a = argv[i];
        used = 1;
        if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
            fputs(usage, stdout);
            goto done;
        }
        if (a[0] == '-') {
            rc = take_option(&d, a, i + 1 < argc ? argv[i + 1] : NULL, &used, &err);
        } else if (d.path) {
            exit_code = misused("one recording", a);
            goto done;
        } else {
            d.path = a;
        }
    }
    if (rc == ERR_OK) rc = decode_keys_open(&d.keys, &err);
    if (rc < 0) {
        exit_code = failed(rc, &err);
        goto done;
    }
    exit_code = d.path ? decode_all(&d) : misused("the name of a .sigmf-meta file", "none");
done:
    decode_keys_deinit(&d.keys);
    return exit_code;
}
