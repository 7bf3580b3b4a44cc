#include "lua/bind/ring.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "bench/sfx/uplink.h"

int iq_ring_init(struct iq_ring *r, size_t capacity, struct err *err)
{
    *r = (struct iq_ring){.capacity = capacity};
    r->iq = calloc(capacity, 2 * sizeof *r->iq);
    if (!r->iq)
        return err_set(err, ERR_NOMEM,
                       "no memory for %zu samples of evidence; shorten what is kept", capacity);
    return ERR_OK;
}

void iq_ring_deinit(struct iq_ring *r)
{
    if (!r) return;
    free(r->iq);
    *r = (struct iq_ring){0};
}

void iq_ring_put(struct iq_ring *r, const int16_t *iq, size_t n)
{
    if (n > r->capacity) { // only the end can stay
        iq += 2 * (n - r->capacity);
        r->end += (int64_t)(n - r->capacity);
        n = r->capacity;
    }
    size_t at = (size_t)(r->end % (int64_t)r->capacity);
    size_t first = r->capacity - at < n ? r->capacity - at : n;
    memcpy(r->iq + 2 * at, iq, first * 2 * sizeof *iq);
    memcpy(r->iq, iq + 2 * first, (n - first) * 2 * sizeof *iq);
    r->end += (int64_t)n;
}

void iq_ring_jump(struct iq_ring *r, int64_t index)
{
    r->begin = r->end = index;
}

int64_t iq_ring_oldest(const struct iq_ring *r)
{
    const int64_t kept = r->end - (int64_t)r->capacity;
    return kept > r->begin ? kept : r->begin;
}

bool iq_ring_has(const struct iq_ring *r, int64_t from, int64_t to)
{
    return from >= 0 && from < to && to <= r->end && from >= iq_ring_oldest(r);
}

void iq_ring_copy(const struct iq_ring *r, int64_t from, int64_t to, int16_t *iq)
{
    size_t at = (size_t)(from % (int64_t)r->capacity);
    size_t n = (size_t)(to - from);
    size_t first = r->capacity - at < n ? r->capacity - at : n;
    memcpy(iq, r->iq + 2 * at, first * 2 * sizeof *iq);
    memcpy(iq + 2 * first, r->iq, (n - first) * 2 * sizeof *iq);
}

static int write_all(int fd, const void *data, size_t len, struct err *err)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return err_set(err, ERR_IO, "evidence: %s", strerror(errno));
        p += n;
        len -= (size_t)n;
    }
    return ERR_OK;
}

int iq_ring_write(const struct iq_ring *r, int64_t from, int64_t to, int fd, struct err *err)
{
    size_t at = (size_t)(from % (int64_t)r->capacity);
    size_t n = (size_t)(to - from);
    size_t first = r->capacity - at < n ? r->capacity - at : n;
    int rc = write_all(fd, r->iq + 2 * at, first * 2 * sizeof *r->iq, err);
    if (rc == ERR_OK) rc = write_all(fd, r->iq, (n - first) * 2 * sizeof *r->iq, err);
    return rc;
}

// The frame's bits as they were on the air; "" when its packet is not known to be right.
static void frame_hex(const struct jval *frame, char text[2 * SFX_FRAME_MAX + 1])
{
    uint8_t packet[SFX_PACKET_MAX], bits[SFX_FRAME_MAX];
    const char *name = jval_text(jval_get(frame, "class"), "");
    int64_t rank = jval_int(jval_get(frame, "rank"), 0);
    int len = hex_decode(jval_text(jval_get(frame, "packet_hex"), ""), packet, sizeof packet, NULL);
    bool read = strcmp(jval_text(jval_get(frame, "status"), ""), "ok") == 0;
    text[0] = '\0';
    for (int class = 0; read && rank >= 1 && rank <= SFX_RANKS && class < SFX_CLASSES; class ++)
        if (strcmp(name, sfx_class_name(class)) == 0 && len * 8 == (int)sfx_body_bits(class))
            hex_encode(bits, sfx_uplink_frame(class, (unsigned)rank, packet, (size_t)len, bits),
                       text);
}

static struct jval *annotation(const struct iq_ring_meta *meta, const struct jval *frame,
                               struct err *err)
{
    int64_t start = jval_int(jval_get(frame, "start"), 0) - meta->offset - meta->from;
    int64_t end = jval_int(jval_get(frame, "end"), 0) - meta->offset - meta->from;
    if (start < 0) start = 0;
    if (end > meta->samples) end = meta->samples;
    double f_hz = jval_number(jval_get(frame, "f_hz"), meta->centre_hz);
    char label[80];
    snprintf(label, sizeof label, "uplink rank %d, counter %d",
             (int)jval_int(jval_get(frame, "rank"), 0),
             (int)jval_int(jval_get(frame, "counter"), -1));
    char hex[2 * SFX_FRAME_MAX + 1];
    frame_hex(frame, hex);
    return jval_make(
        err, "{s:I, s:I, s:f, s:f, s:s, s:s, s:I, s:f, s:f, s:f, s:s}", "core:sample_start",
        (long long)start, "core:sample_count", (long long)(end > start ? end - start : 0),
        "core:freq_lower_edge", f_hz - 200, "core:freq_upper_edge", f_hz + 200, "core:label", label,
        "core:comment", jval_text(jval_get(frame, "packet_hex"), ""), "foxbench:start",
        (long long)jval_int(jval_get(frame, "start"), 0), "foxbench:f_hz", f_hz,
        "foxbench:drift_hz_s", jval_number(jval_get(frame, "drift_hz_s"), 0), "foxbench:bit_rate",
        jval_number(jval_get(frame, "bit_rate"), 100), "foxbench:frame_hex", hex);
}

struct jval *iq_ring_sigmf(const struct iq_ring_meta *meta, const struct jval *frames,
                           struct err *err)
{
    struct jval *notes = jval_array();
    if (!notes) return NULL;
    for (size_t i = 0; i < jval_len(frames); i++)
        if (jval_append(notes, annotation(meta, jval_at(frames, i), err), err) < 0) {
            jval_free(notes);
            return NULL;
        }
    return jval_make(err, "{s:{s:s, s:f, s:s, s:s, s:s, s:[{s:s, s:s, s:b}]}, s:[{s:I, s:f}], s:o}",
                     "global", "core:datatype", "ci16_le", "core:sample_rate", meta->rate_hz,
                     "core:version", "1.0.0", "core:description", meta->description,
                     "core:recorder", "foxbench " FOX_VERSION, "core:extensions", "name",
                     "foxbench", "version", "1.0.0", "optional", 1, "captures", "core:sample_start",
                     0LL, "core:frequency", meta->centre_hz, "annotations", notes);
}
