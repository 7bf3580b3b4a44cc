#include "dut/port/link.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { HEADER = 8, FLUSH_AT = 256 * 1024, READ_AT_LEAST = 65536 };
enum { EXIT_POWER_GONE = 0, EXIT_BROKEN_LAB = 3 };

void portlink_lab_broken(const char *what)
{
    fprintf(stderr, "device port: %s; the lab and this program speak version %d?\n", what,
            PORT_VERSION);
    exit(EXIT_BROKEN_LAB);
}

void portlink_misused(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("device port: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(EXIT_BROKEN_LAB);
}

void portlink_no_memory(void)
{
    fprintf(stderr, "device port: no memory left\n");
    exit(EXIT_BROKEN_LAB);
}

void portlink_deinit(struct portlink *l)
{
    close(l->fd);
    free(l->in.data);
    free(l->out.data);
}

void portlink_put32(uint8_t *out, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        out[i] = (uint8_t)(v >> 8 * i);
}

void portlink_put64(uint8_t *out, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        out[i] = (uint8_t)(v >> 8 * i);
}

void portlink_put_double(uint8_t *out, double v)
{
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    portlink_put64(out, bits);
}

uint32_t portlink_get32(const uint8_t *in)
{
    return (uint32_t)in[0] | (uint32_t)in[1] << 8 | (uint32_t)in[2] << 16 | (uint32_t)in[3] << 24;
}

uint64_t portlink_get64(const uint8_t *in)
{
    return (uint64_t)portlink_get32(in) | (uint64_t)portlink_get32(in + 4) << 32;
}

// Room for n more bytes at the end; what was read goes first.
static uint8_t *buffer_room(struct portlink_buffer *b, size_t n)
{
    if (b->from > 0) {
        memmove(b->data, b->data + b->from, b->to - b->from);
        b->to -= b->from;
        b->from = 0;
    }
    if (b->cap - b->to < n) {
        size_t cap = b->cap ? b->cap : 4096;
        while (cap - b->to < n)
            cap *= 2;
        uint8_t *data = realloc(b->data, cap);
        if (!data) portlink_no_memory();
        b->data = data;
        b->cap = cap;
    }
    return b->data + b->to;
}

void portlink_flush(struct portlink *l)
{
    struct portlink_buffer *b = &l->out;
    while (b->from < b->to) {
        ssize_t n = send(l->fd, b->data + b->from, b->to - b->from, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) exit(EXIT_POWER_GONE);
        b->from += (size_t)n;
    }
    b->from = b->to = 0;
}

// Queues header and head, and returns the place of a tail of tail_len bytes.
static uint8_t *begin(struct portlink *l, enum port_message type, const void *head, size_t head_len,
                      size_t tail_len)
{
    if (l->out.to > FLUSH_AT) portlink_flush(l);
    uint8_t *at = buffer_room(&l->out, HEADER + head_len + tail_len);
    portlink_put32(at, (uint32_t)type); // two bytes of type, two of zero
    portlink_put32(at + 4, (uint32_t)(head_len + tail_len));
    if (head_len > 0) memcpy(at + HEADER, head, head_len);
    l->out.to += HEADER + head_len + tail_len;
    return at + HEADER + head_len;
}

void portlink_put(struct portlink *l, enum port_message type, const void *head, size_t head_len,
                  const void *tail, size_t tail_len)
{
    uint8_t *at = begin(l, type, head, head_len, tail_len);
    if (tail_len > 0) memcpy(at, tail, tail_len);
}

void portlink_put_floats(struct portlink *l, enum port_message type, const void *head,
                         size_t head_len, const float *tail, size_t n)
{
    uint8_t *at = begin(l, type, head, head_len, 4 * n);
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &tail[i], sizeof bits);
        portlink_put32(at + 4 * i, bits);
    }
}

static void fill(struct portlink *l)
{
    for (;;) {
        uint8_t *at = buffer_room(&l->in, READ_AT_LEAST);
        ssize_t n = recv(l->fd, at, l->in.cap - l->in.to, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) exit(EXIT_POWER_GONE);
        l->in.to += (size_t)n;
        return;
    }
}

unsigned portlink_next(struct portlink *l, const uint8_t **body, size_t *len)
{
    while (l->in.to - l->in.from < HEADER)
        fill(l);
    size_t n = portlink_get32(l->in.data + l->in.from + 4);
    if (n > PORT_BODY_MAX) portlink_lab_broken("a message longer than PORT_BODY_MAX came");
    while (l->in.to - l->in.from < HEADER + n)
        fill(l);
    const uint8_t *at = l->in.data + l->in.from;
    l->in.from += HEADER + n;
    *body = at + HEADER;
    *len = n;
    return (unsigned)at[0] | (unsigned)at[1] << 8;
}
