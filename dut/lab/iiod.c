#include "dut/lab/iiod.h"

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

enum {
    CONNS_MAX = 64,
    BACKLOG = 256,
    ACCEPT_AT_ONCE = 16,
    LINE_MAX_BYTES = 1024, // the longest command of the client is far below
    IN_BYTES = 65536,      // read at once
    ATTR_MAX = 65536,      // the longest value that may be written
    SAMPLES_MAX = 8 << 20, // of one buffer
    WORDS_MAX = 8,
    KERNEL_BUFFERS_MAX = 64,
};

struct conn {
    struct iiod *server;
    int fd;
    bool closing; // closed when all output is gone
    char *in;     // IN_BYTES
    size_t in_len;

    uint8_t *out; // bytes [out_at, out_len) wait to be sent
    size_t out_at, out_len, out_cap;

    // A WRITE whose value is still coming.
    bool taking;
    struct context_device *write_device;
    const struct context_attr *write_attr;
    size_t write_len;

    // An open buffer.
    enum { STREAM_NONE, STREAM_RECEIVE, STREAM_TRANSMIT } stream;
    size_t block_samples;
    uint32_t mask;
    // A READBUF in progress.
    size_t read_left; // bytes
    bool mask_due;    // the first chunk of a READBUF carries the mask
    // A WRITEBUF in progress.
    char *push; // its samples so far; NULL: none is coming
    size_t push_len, push_at;
    size_t push_owed; // the answer that is due once a kernel block is free
};

struct iiod {
    struct loop *loop;
    struct pluto *pluto;
    struct iiod_host host;
    int listener; // -1 while unplugged
    unsigned port;
    bool stalled;
    struct conn *conns[CONNS_MAX];
    size_t n_conns;
    int16_t *block; // one block of the open stream, I and Q
};

static void serve(struct conn *c);

// --- output

static uint8_t *out_reserve(struct conn *c, size_t n)
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

static void put(struct conn *c, const void *data, size_t n)
{
    uint8_t *at = out_reserve(c, n);
    if (at) memcpy(at, data, n);
}

static void put_code(struct conn *c, long code)
{
    char text[32];
    put(c, text, (size_t)snprintf(text, sizeof text, "%ld\n", code));
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

static void stream_close(struct conn *c)
{
    if (c->stream == STREAM_NONE) return;
    bool transmit = c->stream == STREAM_TRANSMIT;
    c->stream = STREAM_NONE;
    c->read_left = c->push_owed = 0;
    c->server->host.closed(c->server->host.ctx, c->server->pluto, transmit);
}

static void conn_free(struct conn *c)
{
    if (!c) return;
    struct iiod *s = c->server;
    stream_close(c);
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

static void cmd_print(struct conn *c)
{
    const struct context *x = c->server->pluto->context;
    put_code(c, (long)x->xml_len);
    put(c, x->xml, x->xml_len);
    put(c, "\n", 1);
}

// Where an attribute command points: "DEV [DEBUG|BUFFER|INPUT CHN|OUTPUT CHN] [ATTR]".
struct target {
    struct context_device *device; // NULL: no such device
    enum context_kind kind;
    const char *channel;
    const char *attr; // NULL: all
};

static struct target parse_target(struct conn *c, char **words, int n)
{
    struct target t = {.kind = CONTEXT_KIND_DEVICE, .channel = ""};
    t.device = context_find_device(c->server->pluto->context, words[0]);
    int at = 1;
    if (n > at && strcmp(words[at], "DEBUG") == 0) {
        t.kind = CONTEXT_KIND_DEBUG;
        at++;
    } else if (n > at && strcmp(words[at], "BUFFER") == 0) {
        t.kind = CONTEXT_KIND_BUFFER;
        at++;
    } else if (n > at + 1 &&
               (strcmp(words[at], "INPUT") == 0 || strcmp(words[at], "OUTPUT") == 0)) {
        t.kind = words[at][0] == 'I' ? CONTEXT_KIND_INPUT : CONTEXT_KIND_OUTPUT;
        t.channel = words[at + 1];
        at += 2;
    }
    t.attr = n > at ? words[at] : NULL;
    return t;
}

// All attributes in one answer: each a big-endian length or -errno, then the value padded to four
// bytes.
static void read_all(struct conn *c, const struct target *t)
{
    size_t total = 0;
    for (int pass = 0; pass < 2; pass++) {
        if (pass) put_code(c, (long)total);
        for (size_t i = 0; i < t->device->n_attrs; i++) {
            const struct context_attr *a = &t->device->attrs[i];
            if (a->kind != t->kind || strcmp(a->channel, t->channel) != 0) continue;
            const char *value;
            int rc = pluto_read(c->server->pluto, t->device, a, &value);
            size_t len = rc < 0 ? 0 : strlen(value) + 1, padded = (len + 3) & ~(size_t)3;
            total += 4 + (pass ? 0 : padded);
            if (!pass) continue;
            uint32_t word = htonl(rc < 0 ? (uint32_t)rc : (uint32_t)len);
            put(c, &word, 4);
            uint8_t *at = out_reserve(c, padded);
            if (!at) return;
            memset(at, 0, padded);
            if (len) memcpy(at, value, len);
        }
    }
    put(c, "\n", 1);
}

static void cmd_read(struct conn *c, char **words, int n)
{
    struct target t = parse_target(c, words + 1, n - 1);
    if (!t.device) {
        put_code(c, -ENODEV);
        return;
    }
    if (!t.attr) {
        read_all(c, &t);
        return;
    }
    const struct context_attr *a = context_find_attr(t.device, t.kind, t.channel, t.attr);
    const char *value;
    int rc = a ? pluto_read(c->server->pluto, t.device, a, &value) : -ENOENT;
    if (rc < 0) {
        put_code(c, rc);
        return;
    }
    size_t len = strlen(value) + 1; // the daemon counts the terminating zero
    put_code(c, (long)len);
    put(c, value, len);
    put(c, "\n", 1);
}

static void cmd_write(struct conn *c, char **words, int n)
{
    char *end;
    unsigned long len = strtoul(words[n - 1], &end, 10);
    if (*end || len > ATTR_MAX) { // what follows cannot be told from commands any more
        put_code(c, -EINVAL);
        c->closing = true;
        return;
    }
    struct target t = parse_target(c, words + 1, n - 2);
    c->taking = true;
    c->write_len = len;
    c->write_device = t.device;
    c->write_attr =
        t.device && t.attr ? context_find_attr(t.device, t.kind, t.channel, t.attr) : NULL;
}

static void write_taken(struct conn *c, const char *data)
{
    char *text = strndup(data, c->write_len);
    int rc = !c->write_device ? -ENODEV : !c->write_attr ? -ENOENT : !text ? -ENOMEM : 0;
    if (rc == 0) rc = pluto_write(c->server->pluto, c->write_device, c->write_attr, text);
    free(text);
    put_code(c, rc < 0 ? rc : (long)c->write_len);
}

static int open_stream(struct conn *c, char **words, int n)
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
    if (n > 4) return -EOPNOTSUPP; // CYCLIC: goes on when its client is long dead
    if (transmit ? s->pluto->transmitter.open : s->pluto->streaming) return -EBUSY;
    if (!transmit) {
        int16_t *block = realloc(s->block, samples * 2 * sizeof *block);
        if (!block) return -ENOMEM;
        s->block = block;
    }
    c->stream = transmit ? STREAM_TRANSMIT : STREAM_RECEIVE;
    c->block_samples = samples;
    c->mask = (uint32_t)mask;
    s->host.opened(s->host.ctx, s->pluto, transmit);
    return 0;
}

// Is d what this connection has open?
static bool has_stream(const struct conn *c, const struct context_device *d)
{
    const struct pluto *p = c->server->pluto;
    return (c->stream == STREAM_RECEIVE && d == p->rx) ||
           (c->stream == STREAM_TRANSMIT && d == p->tx);
}

static int close_stream(struct conn *c, const char *device)
{
    struct context_device *d = context_find_device(c->server->pluto->context, device);
    if (!d) return -ENODEV;
    if (!has_stream(c, d)) return -EBADF;
    stream_close(c);
    return 0;
}

static int set_buffers(struct conn *c, const char *device, const char *count)
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

static int begin_read(struct conn *c, const char *device, const char *bytes)
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

static int begin_write(struct conn *c, const char *device, const char *bytes)
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
static void push_complete(struct conn *c)
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
        put_code(c, rc);
    else
        c->push_owed = c->push_len;
}

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
        put(c, "0.24.v0.24  \n", 13);
    else if (strcmp(verb, "PRINT") == 0)
        cmd_print(c);
    else if (strcmp(verb, "TIMEOUT") == 0 && n == 2)
        put_code(c, 0);
    else if ((strcmp(verb, "GETTRIG") == 0 || strcmp(verb, "SETTRIG") == 0) && n >= 2)
        put_code(c, context_find_device(c->server->pluto->context, words[1]) ? -ENOENT : -ENODEV);
    else if (strcmp(verb, "SET") == 0 && n == 4 && strcmp(words[2], "BUFFERS_COUNT") == 0)
        put_code(c, set_buffers(c, words[1], words[3]));
    else if (strcmp(verb, "OPEN") == 0 && (n == 4 || n == 5))
        put_code(c, open_stream(c, words, n));
    else if (strcmp(verb, "CLOSE") == 0 && n == 2)
        put_code(c, close_stream(c, words[1]));
    else if (strcmp(verb, "READ") == 0 && n >= 2)
        cmd_read(c, words, n);
    else if (strcmp(verb, "WRITE") == 0 && n >= 3)
        cmd_write(c, words, n);
    else if (strcmp(verb, "READBUF") == 0 && n == 3) {
        int rc = begin_read(c, words[1], words[2]);
        if (rc < 0) put_code(c, rc);
    } else if (strcmp(verb, "WRITEBUF") == 0 && n == 3)
        put_code(c, begin_write(c, words[1], words[2]));
    else
        put_code(c, -EINVAL); // also the right answer to ZPRINT
}

// --- samples

static size_t chunk_samples(const struct conn *c)
{
    size_t n = c->read_left / (2 * (size_t)__builtin_popcount(c->mask));
    return n < c->block_samples ? n : c->block_samples;
}

static bool must_wait(struct conn *c)
{
    struct iiod *s = c->server;
    return s->stalled || s->host.ahead(s->host.ctx, s->pluto, chunk_samples(c));
}

// One kernel block a chunk, as the daemon sends them; the next one only when this one is gone.
static void send_chunk(struct conn *c)
{
    size_t frame = 2 * (size_t)__builtin_popcount(c->mask);
    size_t n = chunk_samples(c);
    char head[64];
    int len = snprintf(head, sizeof head, "%zu\n", n * frame);
    if (c->mask_due) len += snprintf(head + len, sizeof head - (size_t)len, "%08x\n", c->mask);
    uint8_t *at = out_reserve(c, (size_t)len + n * frame);
    if (!at) return;
    size_t head_at = (size_t)(at - c->out);
    memcpy(at, head, (size_t)len);
    struct iiod *s = c->server;
    int rc = s->host.receive(s->host.ctx, s->pluto, n, s->block);
    if (rc < 0) {
        c->out_len = head_at;
        c->read_left = 0;
        put_code(c, rc);
        return;
    }
    if (c->mask != 3) // one component only
        for (size_t i = 0; i < n; i++)
            s->block[i] = s->block[2 * i + (c->mask == 2)];
    memcpy(at + len, s->block, n * frame);
    c->read_left -= n * frame;
    c->mask_due = false;
}

// Does what can be done now; frees c when the connection is over.
static void serve(struct conn *c)
{
    for (;;) {
        if (!flush_out(c)) {
            conn_free(c);
            return;
        }
        bool sending = c->out_at < c->out_len;
        if (sending || (c->read_left && must_wait(c))) break;
        if (c->closing) {
            conn_free(c);
            return;
        }
        if (c->read_left) {
            send_chunk(c);
            continue;
        }
        if (c->push_owed) {
            struct iiod *s = c->server;
            if (s->stalled || !s->host.room(s->host.ctx, s->pluto)) break;
            put_code(c, (long)c->push_owed);
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
            push_complete(c);
            continue;
        }
        if (c->taking) {
            // One value ends with its length, without a line end.
            if (c->in_len < c->write_len) break;
            write_taken(c, c->in);
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

void iiod_wake(struct iiod *s)
{
    for (size_t i = s->n_conns; i-- > 0;)
        if (s->conns[i]->read_left || s->conns[i]->push_owed) serve(s->conns[i]);
}

void iiod_stall(struct iiod *s, bool stalled)
{
    s->stalled = stalled;
    for (size_t i = s->n_conns; i-- > 0 && !stalled;)
        serve(s->conns[i]);
}
