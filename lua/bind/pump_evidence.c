// The pump's evidence: files in memory that the supervisor takes over.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lua/bind/pump_internal.h"

static int send_memfd(struct pump *p, const char *path, const char *media_type, const char *note,
                      int fd, struct err *err)
{
    if (lseek(fd, 0, SEEK_SET) < 0) return err_set(err, ERR_IO, "evidence %s: cannot rewind", path);
    return p->sink.evidence(p->sink.ctx, path, media_type, note, fd, err);
}

int pump_evidence(struct pump *p, const char *path, const char *media_type, const char *note,
                  const void *data, size_t len, struct err *err)
{
    int fd = memfd_create("evidence", MFD_CLOEXEC);
    if (fd < 0) return err_set(err, ERR_NOMEM, "evidence %s: no memory file", path);
    int rc = ERR_OK;
    for (size_t done = 0; done < len && rc == ERR_OK;) {
        ssize_t n = write(fd, (const char *)data + done, len - done);
        if (n <= 0)
            rc = err_set(err, ERR_IO, "evidence %s: no memory", path);
        else
            done += (size_t)n;
    }
    if (rc == ERR_OK) rc = send_memfd(p, path, media_type, note, fd, err);
    close(fd);
    return rc;
}

static int capture_samples(struct pump *p, const char *path, const char *note, int64_t from,
                           int64_t to, struct err *err)
{
    int fd = memfd_create("iq", MFD_CLOEXEC);
    if (fd < 0) return err_set(err, ERR_NOMEM, "evidence %s: no memory file", path);
    int rc = iq_ring_write(&p->ring, from, to, fd, err);
    if (rc == ERR_OK) rc = send_memfd(p, path, "application/octet-stream", note, fd, err);
    close(fd);
    return rc;
}

int pump_capture(struct pump *p, const char *name, const char *note, int64_t from, int64_t to,
                 const struct jval *frames, bool *kept, struct err *err)
{
    *kept = false;
    int rc = pump_wait(p, to, err);
    if (rc < 0) return rc;
    from -= p->config.t0;
    to -= p->config.t0;
    if (from < 0) from = 0;
    if (!iq_ring_has(&p->ring, from, to)) return ERR_OK;

    const struct iq_ring_meta meta = {
        .rate_hz = p->rate_hz,
        .centre_hz = p->lo_hz,
        .description = note,
        .from = from,
        .offset = p->config.t0,
        .samples = to - from,
    };
    struct jval *sigmf = iq_ring_sigmf(&meta, frames, err);
    char *text = sigmf ? jval_dump(sigmf, err) : NULL;
    jval_free(sigmf);
    if (!text) return ERR_FORMAT;
    char path[128];
    snprintf(path, sizeof path, "iq/%s.sigmf-meta", name);
    rc = pump_evidence(p, path, "application/json", note, text, strlen(text), err);
    free(text);
    if (rc < 0) return rc;
    snprintf(path, sizeof path, "iq/%s.sigmf-data", name);
    rc = capture_samples(p, path, note, from, to, err);
    *kept = rc == ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < jval_len(frames); i++)
        rc = pump_draw(p, jval_at(frames, i), err);
    return rc;
}

int pump_end(struct pump *p, struct err *err)
{
    int rc = pump_check_ftdi(p, err);
    if (rc == ERR_OK) rc = pump_rest(p, err);
    if (rc == ERR_OK && !p->broken) rc = pump_silence(p, err);
    if (rc == ERR_OK) rc = pump_jam_stop(p, 0, err);
    if (rc == ERR_OK) rc = pump_steady_stop(p, 0, err);
    if (rc == ERR_OK && p->n_lines > PUMP_LINES_MAX) {
        char text[128];
        snprintf(text, sizeof text,
                 "the device sent %llu lines unasked; after %d they stand in uart.log alone",
                 (unsigned long long)p->n_lines, PUMP_LINES_MAX);
        rc = pump_emit(p, jval_make(err, "{s:s, s:s}", "type", "note", "text", text), err);
    }
    if (rc == ERR_OK) rc = pump_end_network(p, err);
    if (rc < 0 || p->log.len == 0) return rc;
    rc = pump_evidence(p, "uart.log", "text/plain",
                       "sample time, direction, bytes of the serial line", p->log.data, p->log.len,
                       err);
    p->log.len = 0;
    return rc;
}
