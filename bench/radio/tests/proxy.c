#include "proxy.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PAIRS_MAX = 16 };

struct pair {
    int bench;
    int server;
};

struct proxy {
    int listener;
    int quit[2]; // a byte here ends the thread
    pthread_t thread;
    char uri[64];
    struct sockaddr_in upstream;
    int answers; // 0: upstream is silence
    atomic_int mode;
    const char *from;
    const char *to;
    struct pair pairs[PAIRS_MAX];
    size_t n;
};

static void close_pair(struct proxy *p, size_t i, int reset)
{
    if (reset) {
        struct linger now = {1, 0};
        setsockopt(p->pairs[i].bench, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    close(p->pairs[i].bench);
    if (p->pairs[i].server >= 0) close(p->pairs[i].server);
    p->pairs[i] = p->pairs[--p->n];
}

static int send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n <= 0) return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

// One answer's bytes on their way to the bench; negative when the pair has to end.
static int pass_answer(struct proxy *p, size_t i, char *data, size_t len)
{
    int fd = p->pairs[i].bench;
    switch ((enum proxy_mode)atomic_load(&p->mode)) {
    case PROXY_STALL:
        return 0;
    case PROXY_FIN:
        (void)send_all(fd, data, len / 2);
        return -1;
    case PROXY_RESET:
        return -2;
    case PROXY_GARBAGE:
        return send_all(fd, "\x7f\xff what?\n", 9);
    case PROXY_HONEST:
        return send_all(fd, data, len);
    case PROXY_PASS:
        break;
    }
    if (p->from)
        for (char *at = data;
             (at = memmem(at, len - (size_t)(at - data), p->from, strlen(p->from)));
             at += strlen(p->to))
            memcpy(at, p->to, strlen(p->to));
    return send_all(fd, data, len);
}

static void accept_pair(struct proxy *p)
{
    int bench = accept4(p->listener, NULL, NULL, SOCK_CLOEXEC);
    if (bench < 0) return;
    int server = -1;
    if (p->answers) {
        server = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (server < 0 ||
            connect(server, (struct sockaddr *)&p->upstream, sizeof p->upstream) < 0) {
            if (server >= 0) close(server);
            close(bench);
            return;
        }
    }
    if (p->n == PAIRS_MAX) abort();
    p->pairs[p->n++] = (struct pair){bench, server};
}

static void *run(void *ctx)
{
    struct proxy *p = ctx;
    static _Thread_local char data[1 << 16];
    for (;;) {
        struct pollfd fds[2 + 2 * PAIRS_MAX] = {{p->quit[0], POLLIN, 0}, {p->listener, POLLIN, 0}};
        for (size_t i = 0; i < p->n; i++) {
            fds[2 + 2 * i] = (struct pollfd){p->pairs[i].bench, POLLIN, 0};
            fds[3 + 2 * i] = (struct pollfd){p->pairs[i].server, POLLIN, 0};
        }
        size_t n = p->n;
        if (poll(fds, 2 + 2 * n, -1) < 0) continue;
        if (fds[0].revents) return NULL;
        for (size_t i = n; i-- > 0;) { // downwards: closing moves the last one here
            int end = 0;
            if (fds[2 + 2 * i].revents) {
                ssize_t got = recv(p->pairs[i].bench, data, sizeof data, 0);
                if (got <= 0)
                    end = -1;
                else if (p->pairs[i].server >= 0)
                    end = send_all(p->pairs[i].server, data, (size_t)got);
            }
            if (end == 0 && p->pairs[i].server >= 0 && fds[3 + 2 * i].revents) {
                ssize_t got = recv(p->pairs[i].server, data, sizeof data, 0);
                end = got <= 0 ? -1 : pass_answer(p, i, data, (size_t)got);
            }
            if (end < 0) close_pair(p, i, end == -2);
        }
        if (fds[1].revents) accept_pair(p);
    }
}

struct proxy *proxy_start(const char *upstream)
{
    struct proxy *p = calloc(1, sizeof *p);
    struct sockaddr_in own = {.sin_family = AF_INET};
    socklen_t len = sizeof own;
    own.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!p) abort();
    if (upstream) {
        char address[64];
        int port = 0;
        if (sscanf(upstream, "ip:%63[0-9.]:%d", address, &port) != 2) abort();
        p->upstream.sin_family = AF_INET;
        p->upstream.sin_port = htons((uint16_t)port);
        if (inet_pton(AF_INET, address, &p->upstream.sin_addr) != 1) abort();
        p->answers = 1;
    }
    p->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (p->listener < 0 || bind(p->listener, (struct sockaddr *)&own, sizeof own) < 0 ||
        listen(p->listener, PAIRS_MAX) < 0 ||
        getsockname(p->listener, (struct sockaddr *)&own, &len) < 0 || pipe(p->quit) < 0)
        abort();
    snprintf(p->uri, sizeof p->uri, "ip:127.0.0.1:%d", ntohs(own.sin_port));
    if (pthread_create(&p->thread, NULL, run, p) != 0) abort();
    return p;
}

void proxy_stop(struct proxy *p)
{
    if (write(p->quit[1], "q", 1) != 1) abort();
    pthread_join(p->thread, NULL);
    while (p->n)
        close_pair(p, 0, 0);
    close(p->listener);
    close(p->quit[0]);
    close(p->quit[1]);
    free(p);
}

const char *proxy_uri(const struct proxy *p)
{
    return p->uri;
}

void proxy_set_mode(struct proxy *p, enum proxy_mode mode)
{
    atomic_store(&p->mode, mode);
}

void proxy_falsify(struct proxy *p, const char *from, const char *to)
{
    p->from = from;
    p->to = to;
}
