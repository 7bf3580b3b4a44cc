#include "dut/lab/wire.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "dut/port/port_wire.h"

enum { HEADER = 8 };

uint32_t wire_u32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

int64_t wire_i64(const uint8_t *p)
{
    return (int64_t)((uint64_t)wire_u32(p) | (uint64_t)wire_u32(p + 4) << 32);
}

double wire_f64(const uint8_t *p)
{
    int64_t bits = wire_i64(p);
    double v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

void wire_put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

void wire_put_i64(uint8_t *p, int64_t v)
{
    wire_put_u32(p, (uint32_t)v);
    wire_put_u32(p + 4, (uint32_t)((uint64_t)v >> 32));
}

void wire_put_f64(uint8_t *p, double v)
{
    int64_t bits;
    memcpy(&bits, &v, sizeof bits);
    wire_put_i64(p, bits);
}

void wire_init(struct wire *w, int fd, int limit_ms)
{
    *w = (struct wire){.fd = fd, .limit_ms = limit_ms};
    bytes_init(&w->in, (size_t)PORT_BODY_MAX + HEADER + 65536);
}

void wire_deinit(struct wire *w)
{
    bytes_deinit(&w->in);
}

static int wait_for(struct wire *w, short events, struct err *err)
{
    struct pollfd p = {.fd = w->fd, .events = events};
    int rc = poll(&p, 1, w->limit_ms);
    if (rc < 0 && errno != EINTR) return err_set(err, ERR_IO, "poll: %s", strerror(errno));
    if (rc == 0)
        return err_set(err, ERR_TIMEOUT, "did not answer for %g s of wall time",
                       w->limit_ms / 1000.0);
    return ERR_OK;
}

static int fill(struct wire *w, struct err *err)
{
    uint8_t data[65536];
    for (;;) {
        ssize_t n = recv(w->fd, data, sizeof data, MSG_DONTWAIT);
        if (n > 0) return bytes_append(&w->in, data, (size_t)n, err);
        if (n == 0 || errno == ECONNRESET)
            return err_set(err, ERR_GONE, "closed its end of the device port");
        if (errno != EAGAIN && errno != EINTR)
            return err_set(err, ERR_IO, "device port: %s", strerror(errno));
        int rc = wait_for(w, POLLIN, err);
        if (rc < 0) return rc;
    }
}

int wire_receive(struct wire *w, struct wire_message *out, struct err *err)
{
    bytes_drop(&w->in, w->used);
    w->used = 0;
    while (w->in.len < HEADER) {
        int rc = fill(w, err);
        if (rc < 0) return rc;
    }
    unsigned type = w->in.data[0] | (unsigned)w->in.data[1] << 8;
    unsigned zero = w->in.data[2] | (unsigned)w->in.data[3] << 8;
    uint32_t len = wire_u32(w->in.data + 4);
    if (zero || len > PORT_BODY_MAX)
        return err_set(err, ERR_FORMAT,
                       "sent a header that is none (type %u, zero %u, length %u); expected port "
                       "version %d",
                       type, zero, len, PORT_VERSION);
    while (w->in.len < HEADER + len) {
        int rc = fill(w, err);
        if (rc < 0) return rc;
    }
    w->used = HEADER + len;
    *out = (struct wire_message){.type = type, .body = w->in.data + HEADER, .len = len};
    return ERR_OK;
}

static int send_all(struct wire *w, const uint8_t *data, size_t len, int flags, struct err *err)
{
    while (len) {
        ssize_t n = send(w->fd, data, len, MSG_NOSIGNAL | MSG_DONTWAIT | flags);
        if (n > 0) {
            data += n;
            len -= (size_t)n;
            continue;
        }
        if (n < 0 && errno != EAGAIN && errno != EINTR)
            return err_set(err, ERR_GONE, "closed its end of the device port");
        int rc = wait_for(w, POLLOUT, err);
        if (rc < 0) return rc;
    }
    return ERR_OK;
}

int wire_send(struct wire *w, unsigned type, const void *head, size_t head_len, const void *tail,
              size_t tail_len, struct err *err)
{
    uint8_t small[HEADER + 128];
    memset(small, 0, HEADER);
    small[0] = (uint8_t)type;
    small[1] = (uint8_t)(type >> 8);
    wire_put_u32(small + 4, (uint32_t)(head_len + tail_len));
    if (head_len) memcpy(small + HEADER, head, head_len);
    int rc = send_all(w, small, HEADER + head_len, tail_len ? MSG_MORE : 0, err);
    if (rc >= 0 && tail_len) rc = send_all(w, tail, tail_len, 0, err);
    return rc;
}
