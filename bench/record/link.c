#include "bench/record/link.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "bench/base/bytes.h"

enum { HEAD = 4, MAX_FDS = 8, CHUNK = 65536 };

struct link {
    int fd;
    struct bytes in; // the message that is arriving: its length, then as many bytes
    int in_fd;       // the descriptor that came with it, or -1
};

int link_new(struct link **out, int fd, struct err *err)
{
    struct link *l = calloc(1, sizeof *l);
    if (!l) {
        close(fd);
        return err_set(err, ERR_NOMEM, "link: out of memory");
    }
    l->fd = fd;
    l->in_fd = -1;
    bytes_init(&l->in, HEAD + LINK_MESSAGE_MAX);
    *out = l;
    return ERR_OK;
}

void link_free(struct link *l)
{
    if (!l) return;
    if (l->in_fd >= 0) close(l->in_fd);
    close(l->fd);
    bytes_deinit(&l->in);
    free(l);
}

int link_fd(const struct link *l)
{
    return l->fd;
}

static int send_all(struct link *l, struct iovec iov[2], int fd, struct err *err)
{
    union {
        char bytes[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control = {0};
    struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
    if (fd >= 0) {
        m.msg_control = control.bytes;
        m.msg_controllen = sizeof control.bytes;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    while (m.msg_iovlen > 0) {
        ssize_t n = sendmsg(l->fd, &m, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
            return err_set(err, ERR_TIMEOUT, "link: the other side does not read");
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET))
            return err_set(err, ERR_GONE, "link: the other side is gone");
        if (n < 0) return err_set(err, ERR_IO, "link: sending failed: %s", strerror(errno));
        m.msg_control = NULL; // the descriptor went with the first byte
        m.msg_controllen = 0;
        for (size_t left = (size_t)n; m.msg_iovlen > 0;) {
            size_t step = left < m.msg_iov->iov_len ? left : m.msg_iov->iov_len;
            m.msg_iov->iov_base = (char *)m.msg_iov->iov_base + step;
            m.msg_iov->iov_len -= step;
            left -= step;
            if (m.msg_iov->iov_len > 0) break;
            m.msg_iov++;
            m.msg_iovlen--;
        }
    }
    return ERR_OK;
}

int link_send(struct link *l, const struct jval *message, int fd, struct err *err)
{
    char *text = jval_dump(message, err);
    if (!text) return ERR_FORMAT;
    size_t len = strlen(text);
    int rc;
    if (len > LINK_MESSAGE_MAX) {
        rc = err_set(err, ERR_LIMIT, "link: a message of %zu bytes is longer than %d", len,
                     LINK_MESSAGE_MAX);
    } else {
        uint8_t head[HEAD];
        for (int i = 0; i < HEAD; i++)
            head[i] = (uint8_t)(len >> 8 * i);
        struct iovec iov[2] = {{head, HEAD}, {text, len}};
        rc = send_all(l, iov, fd, err);
    }
    free(text);
    return rc;
}

static int64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int wait_readable(const struct link *l, int64_t deadline_ms, struct err *err)
{
    for (;;) {
        int64_t left = deadline_ms < 0 ? -1 : deadline_ms - now_ms();
        if (deadline_ms >= 0 && left < 0) left = 0;
        struct pollfd p = {.fd = l->fd, .events = POLLIN};
        int n = poll(&p, 1, left > INT32_MAX ? INT32_MAX : (int)left);
        if (n > 0) return ERR_OK;
        if (n == 0) return err_set(err, ERR_TIMEOUT, "link: no message in time");
        if (errno != EINTR) return err_set(err, ERR_IO, "link: poll: %s", strerror(errno));
    }
}

// Keeps the one descriptor a message may have; closes any other. ERR_FORMAT when there was another.
static int take_descriptors(struct link *l, struct msghdr *m, bool first_byte, struct err *err)
{
    int taken = 0, refused = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
        size_t n = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
            if (first_byte && l->in_fd < 0) {
                l->in_fd = fd;
                taken++;
            } else {
                close(fd);
                refused++;
            }
        }
    }
    if (refused > 0 || m->msg_flags & MSG_CTRUNC)
        return err_set(err, ERR_FORMAT,
                       "link: expected at most one descriptor, with the first byte of a message");
    return taken;
}

// Reads at most `want` bytes. Never more than the message's own: a descriptor belongs to the
// message whose first byte it came with, and one read must not span two of them.
static int read_some(struct link *l, size_t want, int64_t deadline_ms, struct err *err)
{
    uint8_t chunk[CHUNK];
    for (;;) {
        union {
            char bytes[CMSG_SPACE(MAX_FDS * sizeof(int))];
            struct cmsghdr align;
        } control;
        struct iovec iov = {chunk, want < sizeof chunk ? want : sizeof chunk};
        struct msghdr m = {.msg_iov = &iov,
                           .msg_iovlen = 1,
                           .msg_control = control.bytes,
                           .msg_controllen = sizeof control.bytes};
        ssize_t n = recvmsg(l->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
        if (n > 0) {
            int rc = take_descriptors(l, &m, l->in.len == 0, err);
            return rc < 0 ? rc : bytes_append(&l->in, chunk, (size_t)n, err);
        }
        if (n == 0 || errno == ECONNRESET)
            return err_set(err, ERR_GONE, "link: the other side is gone%s",
                           l->in.len > 0 ? " in the middle of a message" : "");
        if (errno == EINTR) continue;
        if (errno != EAGAIN && errno != EWOULDBLOCK)
            return err_set(err, ERR_IO, "link: receiving failed: %s", strerror(errno));
        int rc = wait_readable(l, deadline_ms, err);
        if (rc < 0) return rc;
    }
}

static int read_message(struct link *l, int64_t deadline_ms, struct err *err)
{
    for (;;) {
        size_t need = HEAD;
        if (l->in.len >= HEAD) {
            const uint8_t *h = l->in.data;
            uint32_t len = h[0] | (uint32_t)h[1] << 8 | (uint32_t)h[2] << 16 | (uint32_t)h[3] << 24;
            if (len == 0 || len > LINK_MESSAGE_MAX)
                return err_set(err, ERR_FORMAT, "link: expected a message of 1 to %d bytes, got %u",
                               LINK_MESSAGE_MAX, len);
            need += len;
        }
        if (l->in.len == need) return ERR_OK;
        int rc = read_some(l, need - l->in.len, deadline_ms, err);
        if (rc < 0) return rc;
    }
}

int link_receive(struct link *l, struct jval **out, int *fd, int timeout_ms, struct err *err)
{
    *out = NULL;
    *fd = -1;
    int rc = read_message(l, timeout_ms < 0 ? -1 : now_ms() + timeout_ms, err);
    if (rc < 0) return rc;
    rc = jval_parse(out, (const char *)l->in.data + HEAD, l->in.len - HEAD, err);
    if (rc == ERR_OK && jval_kind(*out) != JVAL_OBJECT) {
        jval_free(*out);
        *out = NULL;
        rc = err_set(err, ERR_FORMAT, "expected an object");
    }
    bytes_deinit(&l->in);
    if (rc < 0) {
        err_prefix(err, "link: garbage instead of a message");
        return rc;
    }
    *fd = l->in_fd;
    l->in_fd = -1;
    return ERR_OK;
}
