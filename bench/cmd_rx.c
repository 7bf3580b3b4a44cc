// foxbench rx: prints each uplink frame as a radio of the bench hears it, and records it.
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/arguments.h"
#include "bench/base/bytes.h"
#include "bench/cmd.h"
#include "bench/cmd_decode.h"
#include "bench/desk.h"
#include "bench/desk_radio.h"
#include "lua/bind/frame_event.h"

static const double keep_s = 20; // for measuring: the receiver is some seconds behind

struct rx {
    struct desk_radios radios;
    unsigned index;
    struct radio *radio;
    struct air_receiver *receiver;
    struct decode decode; // how frames are printed as JSON
    double seconds;       // of samples; 0: until a signal
    const char *meta;     // NULL: not recorded
    FILE *data;
    struct jval *frames; // heard, as events
    size_t n_frames;
    int64_t n; // samples
    size_t n_lost;
};

// ---- one frame

static void print_line(const struct rx *r, const struct air_frame *f, double lo_hz)
{
    static const char *const tags[] = {"", "  tag right", "  tag WRONG"};
    const struct phy_burst *b = &f->burst;
    char content[2 * SFX_PACKET_MAX + 1];
    printf("%10.3f s  %.6f MHz %+7.2f Hz/s  %5.1f dB  ", b->start_sample / r->decode.rate_hz,
           (lo_hz + b->f_hz) * 1e-6, b->drift_hz_s, b->ebn0_db);
    if (f->status == SFX_STATUS_OK) {
        const struct sfx_uplink *up = &f->uplink;
        hex_encode(up->payload, up->payload_len, content);
        printf("%08x counter %4u rank %u class %s  %s %s%s\n", up->device_id, up->counter, f->rank,
               sfx_class_name(f->class), sfx_message_type_name(up->type), content, tags[f->tag]);
    } else {
        hex_encode(f->packet, f->packet_len, content);
        printf("rank %u class %s  %s: %s\n", f->rank, sfx_class_name(f->class), content,
               sfx_status_text(f->status));
    }
}

static int take_frame(struct rx *r, const struct air_frame *f, struct err *err)
{
    const double lo_hz = radio_info(r->radio)->lo_hz;
    if (f->status == SFX_STATUS_BAD_CRC || f->status == SFX_STATUS_TRUNCATED) return ERR_OK;
    r->n_frames++;
    int rc = ERR_OK;
    if (r->decode.json)
        rc = decode_print_frame(&r->decode, f, err);
    else
        print_line(r, f, lo_hz);
    if (rc == ERR_OK && fflush(stdout) != 0)
        rc = err_set(err, ERR_IO, "writing the frames to standard output failed");
    if (rc < 0 || !r->data) return rc;
    const struct frame_event_context where = {
        .unit = desk_radios_unit(&r->radios, r->index),
        .rate_hz = r->decode.rate_hz,
        .lo_hz = lo_hz,
    };
    return jval_append(r->frames, frame_event(&where, f, err), err);
}

static int take_ready(struct rx *r, struct err *err)
{
    struct air_frame frame;
    int rc = ERR_OK;
    while (rc == ERR_OK && air_receiver_next(r->receiver, &frame))
        rc = take_frame(r, &frame, err);
    return rc;
}

// ---- the recording

static int open_recording(struct rx *r, struct err *err)
{
    char path[PATH_MAX];
    static const char ending[] = ".sigmf-meta";
    const size_t len = strlen(r->meta), tail = sizeof ending - 1;
    if (len <= tail || strcmp(r->meta + len - tail, ending) != 0)
        return err_set(err, ERR_USAGE, "-o: expected a name that ends in %s, got '%s'", ending,
                       r->meta);
    FILE *meta = fopen(r->meta, "wxe"); // now, not after an hour of listening
    if (!meta)
        return err_set(err, ERR_USAGE, "%s: %s; name another file", r->meta, strerror(errno));
    fclose(meta);
    snprintf(path, sizeof path, "%.*s.sigmf-data", (int)(len - tail), r->meta);
    r->data = fopen(path, "wxe");
    if (!r->data) {
        (void)err_set(err, ERR_USAGE, "%s: %s; name another file", path, strerror(errno));
        remove(r->meta);
        return ERR_USAGE;
    }
    r->frames = jval_array();
    return r->frames ? ERR_OK : err_set(err, ERR_NOMEM, "no memory for a recording");
}

static int close_recording(struct rx *r, struct err *err)
{
    if (!r->data) return ERR_OK;
    char note[128];
    bool ok = fclose(r->data) == 0;
    r->data = NULL;
    if (!ok) return err_set(err, ERR_IO, "%s: its samples: %s", r->meta, strerror(errno));
    snprintf(note, sizeof note, "%s of foxbench rx%s", desk_radios_unit(&r->radios, r->index),
             r->n_lost ? "; samples were lost" : "");
    const struct iq_ring_meta meta = {.rate_hz = r->decode.rate_hz,
                                      .centre_hz = radio_info(r->radio)->lo_hz,
                                      .description = note,
                                      .samples = r->n};
    struct jval *sigmf = iq_ring_sigmf(&meta, r->frames, err);
    char *text = sigmf ? jval_dump(sigmf, err) : NULL;
    jval_free(sigmf);
    if (!text) return ERR_FORMAT;
    FILE *f = fopen(r->meta, "we");
    ok = f && fputs(text, f) >= 0;
    if (f) ok = fclose(f) == 0 && ok;
    free(text);
    if (!ok) return err_set(err, ERR_IO, "%s: %s", r->meta, strerror(errno));
    fprintf(stderr, "recorded: %s, %.1f s\n", r->meta, (double)r->n / r->decode.rate_hz);
    return ERR_OK;
}

// ---- listening

static int open_receiver(struct rx *r, struct err *err)
{
    const struct pump_config *c = &r->radios.config;
    const struct radio_info *info = radio_info(r->radio);
    const struct air_receiver_config config = {
        .rate_hz = info->rate_hz,
        .low_hz = c->low_hz - info->lo_hz,
        .high_hz = c->high_hz - info->lo_hz,
        .bit_rate_100 = true,
        .bit_rate_600 = true,
        .verify = desk_radios_verify,
        .verify_ctx = &r->radios,
    };
    r->decode.rate_hz = info->rate_hz;
    int rc = air_receiver_new(&r->receiver, &config, err);
    if (rc == ERR_OK && r->decode.json)
        rc = iq_ring_init(&r->decode.ring, (size_t)(keep_s * info->rate_hz), err);
    return rc;
}

static int take_block(struct rx *r, const struct iq_block *block, struct err *err)
{
    size_t n = block->n_samples;
    if (block->flags & IQ_FLAG_OVERFLOW && r->n_lost++ == 0)
        fprintf(stderr,
                "foxbench rx: samples were lost at %.3f s: silence from there on says "
                "nothing\n",
                (double)r->n / r->decode.rate_hz);
    if (r->decode.json) iq_ring_put(&r->decode.ring, block->iq, n);
    if (r->data && fwrite(block->iq, 2 * sizeof *block->iq, n, r->data) != n)
        return err_set(err, ERR_IO, "%s: its samples: %s; is the disk full?", r->meta,
                       strerror(errno));
    r->n += (int64_t)n;
    int rc = air_receiver_push(r->receiver, block->iq, n, err);
    return rc == ERR_OK ? take_ready(r, err) : rc;
}

static double wall_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

// A lab gives samples as fast as they are taken; whoever types in the other terminal, or sends from
// there, is not faster for it. *due_s: when the next block may be taken; one that was late is made
// up for slowly, so that no radio overflows. A signal ends the pause.
static void pace(double block_s, double *due_s)
{
    *due_s = fmax(*due_s + 0.9 * block_s, wall_s() - block_s);
    const double pause_s = *due_s - wall_s();
    const struct timespec t = {0, (long)(fmin(pause_s, 0.999) * 1e9)};
    if (pause_s > 0) nanosleep(&t, NULL);
}

static int hear(struct rx *r, struct err *err)
{
    struct radio_config config = desk_radios_config(&r->radios, r->index);
    config.transmit = false; // and powered down, whatever it was before
    int rc = desk_radios_open(&r->radios, r->index, &config, &r->radio, err);
    if (rc == ERR_OK) rc = open_receiver(r, err);
    if (rc == ERR_OK && r->meta) rc = open_recording(r, err);
    if (rc < 0) return rc;
    const char *unit = desk_radios_unit(&r->radios, r->index);
    fprintf(stderr, "%s listens from %.6f to %.6f MHz%s\n", unit, r->radios.config.low_hz * 1e-6,
            r->radios.config.high_hz * 1e-6, r->seconds > 0 ? "" : "; Ctrl-C ends");
    double due_s = wall_s();
    const int64_t until = r->seconds > 0 ? (int64_t)(r->seconds * r->decode.rate_hz) : INT64_MAX;
    while (rc == ERR_OK && r->n < until && !desk_interrupted()) {
        struct iq_block block;
        rc = radio_read(r->radio, &block, err);
        if (rc < 0)
            (void)pump_name_unit(err, "radio", config.uri, unit);
        else
            rc = take_block(r, &block, err);
        pace((double)config.block_samples / r->decode.rate_hz, &due_s);
    }
    struct err ignored = {0}; // what was heard so far is told, whatever ended it
    struct err *at_end = rc < 0 ? &ignored : err;
    int end = air_receiver_finish(r->receiver, at_end);
    if (end == ERR_OK) end = take_ready(r, at_end);
    if (end == ERR_OK) end = close_recording(r, at_end);
    if (rc == ERR_OK) rc = end;
    fprintf(stderr, "%zu frame%s in %.1f s\n", r->n_frames, r->n_frames == 1 ? "" : "s",
            (double)r->n / r->decode.rate_hz);
    return rc;
}

static void close_all(struct rx *r)
{
    air_receiver_free(r->receiver);
    radio_close(r->radio);
    iq_ring_deinit(&r->decode.ring);
    jval_free(r->frames);
    if (r->data) fclose(r->data);
    desk_radios_deinit(&r->radios);
}

int cmd_rx(int argc, char **argv)
{
    struct rx r = {0};
    const char *bench = NULL, *device = NULL, *unit = NULL, *seconds = NULL;
    const struct argument arguments[] = {
        {.name = "--bench", .value = &bench},
        {.name = "--device", .value = &device},
        {.name = "--radio", .value = &unit},
        {.name = "--seconds", .value = &seconds},
        {.name = "-o", .value = &r.meta},
        {.name = "--json", .flag = &r.decode.json},
        {0},
    };
    struct err err = {0};
    int rc = arguments_parse(arguments, NULL, argc, argv, &err);
    if (rc == ARGUMENTS_GO_ON) rc = desk_seconds("--seconds", seconds, &r.seconds, &err);
    if (rc != ARGUMENTS_GO_ON) return arguments_exit("rx", rc, &err);
    if (!bench) return desk_in_lab("rx", NULL, argc, argv);

    rc = desk_radios_read(&r.radios, bench, device, &err);
    if (rc == ERR_OK) rc = desk_radios_find(&r.radios, unit, &r.index, &err);
    if (rc == ERR_OK) rc = hear(&r, &err);
    close_all(&r);
    if (rc < 0) return desk_fail("rx", &err);
    return r.seconds > 0 && desk_interrupted() ? CMD_EXIT_INTERRUPTED : CMD_EXIT_OK;
}
