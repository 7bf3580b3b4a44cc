// Buffers on the wire: blocks received and blocks to transmit.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dut/lab/iiod_conn.h"

void iiod_stream_close(struct conn *c)
{
    if (c->stream == STREAM_NONE) return;
    bool transmit = c->stream == STREAM_TRANSMIT;
    c->stream = STREAM_NONE;
    c->read_left = c->push_owed = 0;
    c->server->host.closed(c->server->host.ctx, c->server->pluto, transmit);
}

int iiod_stream_open(struct conn *c, char **words, int n)
{
    struct iiod *s = c->server;
    struct context_device *d = context_find_device(s->pluto->context, words[1]);
    if (!d) return -ENODEV;
    char *end_samples, *end_mask;
    unsigned long samples = strtoul(words[2], &end_samples, 10);
    unsigned long mask = strtoul(words[3], &end_mask, 16);
    if (*end_samples || *end_mask || strlen(words[3]) != 8 || !d->scan_mask) return -EINVAL;
    if (mask == 0 || mask & ~(unsigned long)d->scan_mask) return -EINVAL;
    if (samples == 0 || samples > SAMPLES_MAX) return -ENOMEM;
    if (c->stream != STREAM_NONE) return -EBUSY;
    bool transmit = d == s->pluto->tx;
    if (!transmit && d != s->pluto->rx) return -EOPNOTSUPP;
    bool cyclic = n > 4;
    if (cyclic && (!transmit || strcmp(words[4], "CYCLIC") != 0)) return -EINVAL;
    if (transmit ? s->pluto->transmitter.open : s->pluto->streaming) return -EBUSY;
    if (!transmit) {
        int16_t *block = realloc(s->block, samples * 2 * sizeof *block);
        if (!block) return -ENOMEM;
        s->block = block;
    }
    c->stream = transmit ? STREAM_TRANSMIT : STREAM_RECEIVE;
    c->block_samples = samples;
    c->mask = (uint32_t)mask;
    s->host.opened(s->host.ctx, s->pluto, transmit, cyclic);
    return 0;
}

// Is d what this connection has open?
static bool has_stream(const struct conn *c, const struct context_device *d)
{
    const struct pluto *p = c->server->pluto;
    return (c->stream == STREAM_RECEIVE && d == p->rx) ||
           (c->stream == STREAM_TRANSMIT && d == p->tx);
}

int iiod_stream_close_named(struct conn *c, const char *device)
{
    struct context_device *d = context_find_device(c->server->pluto->context, device);
    if (!d) return -ENODEV;
    if (!has_stream(c, d)) return -EBADF;
    iiod_stream_close(c);
    return 0;
}

int iiod_stream_set_buffers(struct conn *c, const char *device, const char *count)
{
    struct context_device *d = context_find_device(c->server->pluto->context, device);
    char *end;
    unsigned long n = strtoul(count, &end, 10);
    if (!d) return -ENODEV;
    if (*end || n < 1 || n > KERNEL_BUFFERS_MAX || !d->scan_mask) return -EINVAL;
    struct pluto *p = c->server->pluto;
    if ((d == p->rx && p->streaming) || (d == p->tx && p->transmitter.open)) return -EBUSY;
    // Received blocks are made when they are asked for, so a deeper queue changes nothing yet.
    if (d == p->tx) p->tx_depth = n;
    return 0;
}

int iiod_stream_begin_read(struct conn *c, const char *device, const char *bytes)
{
    struct context_device *d = context_find_device(c->server->pluto->context, device);
    char *end;
    unsigned long long n = strtoull(bytes, &end, 10);
    if (!d) return -ENODEV;
    if (c->stream != STREAM_RECEIVE || d != c->server->pluto->rx) return -EBADF;
    size_t frame = 2 * (size_t)__builtin_popcount(c->mask);
    if (*end || n < frame || n > (unsigned long long)SAMPLES_MAX * 64) return -EINVAL;
    c->read_left = n - n % frame;
    c->mask_due = true;
    return 0;
}

int iiod_stream_begin_write(struct conn *c, const char *device, const char *bytes)
{
    struct context_device *d = context_find_device(c->server->pluto->context, device);
    char *end;
    unsigned long long n = strtoull(bytes, &end, 10);
    if (!d) return -ENODEV;
    if (c->stream != STREAM_TRANSMIT || d != c->server->pluto->tx) return -EBADF;
    size_t frame = 2 * (size_t)__builtin_popcount(c->mask);
    if (*end || n < frame || n % frame || n > c->block_samples * frame) return -EINVAL;
    c->push = malloc(n);
    if (!c->push) return -ENOMEM;
    c->push_len = n;
    c->push_at = 0;
    return 0;
}

// All bytes of a WRITEBUF are here: the other component of a sample is zero when only one is sent.
void iiod_stream_push_complete(struct conn *c)
{
    struct iiod *s = c->server;
    size_t n = c->push_len / (2 * (size_t)__builtin_popcount(c->mask));
    int16_t *iq = calloc(n, 2 * sizeof *iq);
    int rc = iq ? 0 : -ENOMEM;
    if (iq && c->mask == 3) memcpy(iq, c->push, c->push_len);
    for (size_t i = 0; iq && c->mask != 3 && i < n; i++)
        memcpy(&iq[2 * i + (c->mask == 2)], c->push + 2 * i, sizeof *iq);
    free(c->push);
    c->push = NULL;
    if (rc == 0) rc = s->host.transmit_take(s->host.ctx, s->pluto, iq, n);
    if (rc < 0)
        iiod_put_code(c, rc);
    else
        c->push_owed = c->push_len;
}

static size_t chunk_samples(const struct conn *c)
{
    size_t n = c->read_left / (2 * (size_t)__builtin_popcount(c->mask));
    return n < c->block_samples ? n : c->block_samples;
}

bool iiod_stream_must_wait(struct conn *c)
{
    struct iiod *s = c->server;
    return s->stalled || s->host.ahead(s->host.ctx, s->pluto, chunk_samples(c));
}

// Lines in front of a chunk: its length and, in front of the first, the mask.
static int chunk_head(const struct conn *c, size_t bytes, enum iiod_fault fault, char *out,
                      size_t size)
{
    uint32_t mask = fault == IIOD_FAULT_MASK ? c->mask ^ 2 : c->mask;
    if (fault == IIOD_FAULT_GARBAGE) return snprintf(out, size, "\x07~so many bytes~\n");
    int len = snprintf(out, size, "%zu\n", bytes);
    if (c->mask_due) len += snprintf(out + len, size - (size_t)len, "%08x\n", mask);
    return len;
}

// One kernel block a chunk, as the daemon sends them; the next one only when this one is gone.
void iiod_stream_send(struct conn *c)
{
    struct iiod *s = c->server;
    size_t frame = 2 * (size_t)__builtin_popcount(c->mask);
    size_t n = chunk_samples(c);
    enum iiod_fault fault = s->fault;
    s->fault = IIOD_FAULT_NONE;
    // What is told, and what follows.
    size_t told = n * frame, sent = told;
    if (fault == IIOD_FAULT_SHORT) told = sent = n / 2 * frame;
    if (fault == IIOD_FAULT_OVERSIZE) told = sent = n * frame + frame;
    if (fault == IIOD_FAULT_CRASH) sent = n / 2 * frame;
    char head[64];
    int len = chunk_head(c, told, fault, head, sizeof head);
    uint8_t *at = iiod_out_reserve(c, (size_t)len + sent);
    if (!at) return;
    size_t head_at = (size_t)(at - c->out);
    memcpy(at, head, (size_t)len);
    int rc = s->host.receive(s->host.ctx, s->pluto, n, s->block);
    if (rc < 0) {
        c->out_len = head_at;
        c->read_left = 0;
        iiod_put_code(c, rc);
        return;
    }
    if (c->mask != 3) // one component only
        for (size_t i = 0; i < n; i++)
            s->block[i] = s->block[2 * i + (c->mask == 2)];
    memset(at + len, 0, sent);
    memcpy(at + len, s->block, sent < n * frame ? sent : n * frame);
    c->read_left -= n * frame;
    c->mask_due = false;
    if (fault == IIOD_FAULT_SHORT) {
        c->read_left = 0;
        iiod_put_code(c, 0);
    }
    if (fault == IIOD_FAULT_CRASH) {
        c->read_left = 0;
        c->closing = s->crashed = true;
    }
}
// Does what can be done now; frees c when the connection is over.
