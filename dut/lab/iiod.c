#include "dut/lab/iiod_conn.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/base/log.h"

static void serve(struct conn *c);

// --- output

uint8_t *iiod_out_reserve(struct conn *c, size_t n)
{
    if (c->out_at == c->out_len) c->out_at = c->out_len = 0;
    if (c->out_len + n > c->out_cap) {
        size_t cap = 2 * (c->out_len + n);
        uint8_t *more = realloc(c->out, cap);
        if (!more) {
            c->closing = true;
            return NULL;
        }
        c->out = more;
        c->out_cap = cap;
    }
    uint8_t *at = c->out + c->out_len;
    c->out_len += n;
    return at;
}

void iiod_put(struct conn *c, const void *data, size_t n)
{
    uint8_t *at = iiod_out_reserve(c, n);
    if (at) memcpy(at, data, n);
}

void iiod_put_code(struct conn *c, long code)
{
    char text[32];
    iiod_put(c, text, (size_t)snprintf(text, sizeof text, "%ld\n", code));
}

// Sends what it can; false when the peer is gone.
static bool flush_out(struct conn *c)
{
    while (c->out_at < c->out_len) {
        ssize_t n =
            send(c->fd, c->out + c->out_at, c->out_len - c->out_at, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0) return errno == EAGAIN || errno == EINTR;
        c->out_at += (size_t)n;
    }
    return true;
}

// --- connections

static void conn_free(struct conn *c)
{
    if (!c) return;
    struct iiod *s = c->server;
    iiod_stream_close(c);
    if (c->fd >= 0) {
        loop_remove(s->loop, c->fd);
        close(c->fd);
    }
    for (size_t i = 0; i < s->n_conns; i++) {
        if (s->conns[i] != c) continue;
        memmove(&s->conns[i], &s->conns[i + 1], (s->n_conns - i - 1) * sizeof *s->conns);
        s->n_conns--;
        break;
    }
    free(c->push);
    free(c->in);
    free(c->out);
    free(c);
}

static void conn_ready(void *ctx, short revents)
{
    struct conn *c = ctx;
    // A peer that closes while a block is owed to it is not coming back.
    bool gone = (revents & POLLRDHUP) && !(revents & POLLIN);
    if (gone || revents & (POLLERR | POLLNVAL)) {
        conn_free(c);
        return;
    }
    if (revents & (POLLIN | POLLHUP)) {
        ssize_t n = recv(c->fd, c->in + c->in_len, IN_BYTES - c->in_len, MSG_DONTWAIT);
        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            conn_free(c);
            return;
        }
        if (n > 0) c->in_len += (size_t)n;
    }
    serve(c);
}

static void add_conn(struct iiod *s, int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct conn *c = calloc(1, sizeof *c);
    if (c) {
        c->server = s;
        c->fd = fd;
        c->in = malloc(IN_BYTES);
    }
    struct err e = {0};
    if (!c || !c->in || s->n_conns == CONNS_MAX ||
        loop_add(s->loop, fd, POLLIN, conn_ready, c, &e) < 0) {
        LOG_WARN("foxlab", "pluto %s: a connection is refused, %zu are open", s->pluto->name,
                 s->n_conns);
        if (c) free(c->in);
        free(c);
        close(fd);
        return;
    }
    s->conns[s->n_conns++] = c;
}

// Several at once: a client whose connection the kernel cannot queue would lose a second. Not all:
// those that are open must get their turn to end.
static void accept_ready(void *ctx, short revents)
{
    (void)revents;
    struct iiod *s = ctx;
    for (int i = 0; i < ACCEPT_AT_ONCE; i++) {
        int fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) return;
        add_conn(s, fd);
    }
}

// --- commands

static void command(struct conn *c, char *line)
{
    char *words[WORDS_MAX], *save = NULL;
    int n = 0;
    for (char *w = strtok_r(line, " \t", &save); w && n < WORDS_MAX;
         w = strtok_r(NULL, " \t", &save))
        words[n++] = w;
    if (n == 0) return;
    const char *verb = words[0];

    if (strcmp(verb, "EXIT") == 0)
        c->closing = true;
    else if (strcmp(verb, "VERSION") == 0)
        iiod_put(c, "0.24.v0.24  \n", 13);
    else if (strcmp(verb, "PRINT") == 0)
        iiod_print(c);
    else if (strcmp(verb, "TIMEOUT") == 0 && n == 2)
        iiod_put_code(c, 0);
    else if ((strcmp(verb, "GETTRIG") == 0 || strcmp(verb, "SETTRIG") == 0) && n >= 2)
        iiod_put_code(c,
                      context_find_device(c->server->pluto->context, words[1]) ? -ENOENT : -ENODEV);
    else if (strcmp(verb, "SET") == 0 && n == 4 && strcmp(words[2], "BUFFERS_COUNT") == 0)
        iiod_put_code(c, iiod_stream_set_buffers(c, words[1], words[3]));
    else if (strcmp(verb, "OPEN") == 0 && (n == 4 || n == 5))
        iiod_put_code(c, iiod_stream_open(c, words, n));
    else if (strcmp(verb, "CLOSE") == 0 && n == 2)
        iiod_put_code(c, iiod_stream_close_named(c, words[1]));
    else if (strcmp(verb, "READ") == 0 && n >= 2)
        iiod_read(c, words, n);
    else if (strcmp(verb, "WRITE") == 0 && n >= 3)
        iiod_write(c, words, n);
    else if (strcmp(verb, "READBUF") == 0 && n == 3) {
        int rc = iiod_stream_begin_read(c, words[1], words[2]);
        if (rc < 0) iiod_put_code(c, rc);
    } else if (strcmp(verb, "WRITEBUF") == 0 && n == 3)
        iiod_put_code(c, iiod_stream_begin_write(c, words[1], words[2]));
    else
        iiod_put_code(c, -EINVAL); // also the right answer to ZPRINT
}

static void serve(struct conn *c)
{
    for (;;) {
        if (!flush_out(c)) {
            conn_free(c);
            return;
        }
        bool sending = c->out_at < c->out_len;
        if (sending || (c->read_left && iiod_stream_must_wait(c))) break;
        if (c->closing) {
            conn_free(c);
            return;
        }
        if (c->read_left) {
            iiod_stream_send(c);
            continue;
        }
        if (c->push_owed) {
            struct iiod *s = c->server;
            if (s->stalled || !s->host.room(s->host.ctx, s->pluto)) break;
            iiod_put_code(c, (long)c->push_owed);
            c->push_owed = 0;
            continue;
        }
        if (c->push) {
            size_t left = c->push_len - c->push_at, here = c->in_len < left ? c->in_len : left;
            memcpy(c->push + c->push_at, c->in, here);
            c->push_at += here;
            c->in_len -= here;
            memmove(c->in, c->in + here, c->in_len);
            if (c->push_at < c->push_len) break;
            iiod_stream_push_complete(c);
            continue;
        }
        if (c->taking) {
            // One value ends with its length, without a line end.
            if (c->in_len < c->write_len) break;
            iiod_write_taken(c, c->in);
            c->in_len -= c->write_len;
            memmove(c->in, c->in + c->write_len, c->in_len);
            c->taking = false;
            continue;
        }
        char *nl = memchr(c->in, '\n', c->in_len);
        if (!nl) {
            if (c->in_len > LINE_MAX_BYTES) {
                LOG_WARN("foxlab", "pluto %s: %zu bytes without a line end; connection closed",
                         c->server->pluto->name, c->in_len);
                conn_free(c);
                return;
            }
            break;
        }
        size_t used = (size_t)(nl - c->in) + 1;
        char line[LINE_MAX_BYTES + 1];
        size_t len = used - 1 < LINE_MAX_BYTES ? used - 1 : LINE_MAX_BYTES;
        memcpy(line, c->in, len);
        if (len && line[len - 1] == '\r') len--;
        line[len] = '\0';
        c->in_len -= used;
        memmove(c->in, c->in + used, c->in_len);
        command(c, line);
    }
    short events = 0;
    bool waits = c->read_left || c->push_owed;
    if (c->in_len < IN_BYTES && !waits) events |= POLLIN;
    if (c->out_at < c->out_len) events |= POLLOUT;
    // While something is owed, a peer that closes is seen by the hang-up.
    if (waits) events |= POLLRDHUP;
    loop_set_events(c->server->loop, c->fd, events);
}

// --- the listener

static int listen_on(struct iiod *s, unsigned port, struct err *err)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int one = 1;
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) < 0 ||
        bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, BACKLOG) < 0 ||
        getsockname(fd, (struct sockaddr *)&a, &len) < 0) {
        int rc = err_set(err, ERR_IO, "pluto %s: cannot listen on 127.0.0.1:%u: %s", s->pluto->name,
                         port, strerror(errno));
        if (fd >= 0) close(fd);
        return rc;
    }
    int rc = loop_add(s->loop, fd, POLLIN, accept_ready, s, err);
    if (rc < 0) {
        close(fd);
        return rc;
    }
    s->listener = fd;
    s->port = ntohs(a.sin_port);
    return ERR_OK;
}

int iiod_new(struct iiod **out, struct loop *loop, struct pluto *pluto,
             const struct iiod_host *host, struct err *err)
{
    struct iiod *s = calloc(1, sizeof *s);
    if (!s) return err_set(err, ERR_NOMEM, "pluto %s", pluto->name);
    s->loop = loop;
    s->pluto = pluto;
    s->host = *host;
    s->listener = -1;
    int rc = listen_on(s, 0, err);
    if (rc < 0) {
        iiod_free(s);
        return rc;
    }
    *out = s;
    return ERR_OK;
}

void iiod_free(struct iiod *s)
{
    if (!s) return;
    while (s->n_conns)
        conn_free(s->conns[s->n_conns - 1]);
    if (s->listener >= 0) {
        loop_remove(s->loop, s->listener);
        close(s->listener);
    }
    free(s->block);
    free(s);
}

unsigned iiod_port(const struct iiod *s)
{
    return s->port;
}

void iiod_unplug(struct iiod *s)
{
    struct linger reset = {.l_onoff = 1, .l_linger = 0};
    while (s->n_conns) {
        struct conn *c = s->conns[s->n_conns - 1];
        setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        conn_free(c);
    }
    if (s->listener >= 0) {
        loop_remove(s->loop, s->listener);
        close(s->listener);
    }
    s->listener = -1;
}

int iiod_replug(struct iiod *s, struct err *err)
{
    return s->listener >= 0 ? ERR_OK : listen_on(s, s->port, err);
}

void iiod_hurt(struct iiod *s, enum iiod_fault fault)
{
    s->fault = fault;
}

// A process that ends: its sockets close, and whoever starts it again listens at once.
static void crash(struct iiod *s)
{
    s->crashed = false;
    while (s->n_conns) {
        flush_out(s->conns[s->n_conns - 1]);
        conn_free(s->conns[s->n_conns - 1]);
    }
}

void iiod_wake(struct iiod *s)
{
    if (s->crashed) crash(s);
    for (size_t i = s->n_conns; i-- > 0;)
        if (s->conns[i]->read_left || s->conns[i]->push_owed) serve(s->conns[i]);
}

void iiod_stall(struct iiod *s, bool stalled)
{
    s->stalled = stalled;
    for (size_t i = s->n_conns; i-- > 0 && !stalled;)
        serve(s->conns[i]);
}
