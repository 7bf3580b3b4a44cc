#include "dut/lab/loop.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { LOOP_MAX = 256 };

struct watch {
    int fd; // -1: removed, its place is free after the present round
    short events;
    void (*ready)(void *ctx, short revents);
    void *ctx;
};

struct loop {
    struct watch watches[LOOP_MAX];
    size_t n;
};

int loop_new(struct loop **out, struct err *err)
{
    *out = calloc(1, sizeof **out);
    return *out ? ERR_OK : err_set(err, ERR_NOMEM, "poll loop");
}

void loop_free(struct loop *l)
{
    free(l);
}

int loop_add(struct loop *l, int fd, short events, void (*ready)(void *ctx, short revents),
             void *ctx, struct err *err)
{
    if (l->n == LOOP_MAX)
        return err_set(err, ERR_LIMIT, "more than %d open descriptors; close a connection",
                       LOOP_MAX);
    l->watches[l->n++] = (struct watch){.fd = fd, .events = events, .ready = ready, .ctx = ctx};
    return ERR_OK;
}

static struct watch *find(struct loop *l, int fd)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->watches[i].fd == fd) return &l->watches[i];
    return NULL;
}

void loop_set_events(struct loop *l, int fd, short events)
{
    struct watch *w = find(l, fd);
    if (w) w->events = events;
}

void loop_remove(struct loop *l, int fd)
{
    struct watch *w = find(l, fd);
    if (w) w->fd = -1;
}

static void compact(struct loop *l)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->n; i++)
        if (l->watches[i].fd >= 0) l->watches[kept++] = l->watches[i];
    l->n = kept;
}

int loop_once(struct loop *l, int timeout_ms, struct err *err)
{
    compact(l);
    struct pollfd fds[LOOP_MAX];
    size_t n = l->n;
    for (size_t i = 0; i < n; i++)
        fds[i] = (struct pollfd){.fd = l->watches[i].fd, .events = l->watches[i].events};

    int rc = poll(fds, n, timeout_ms);
    if (rc < 0) {
        if (errno == EINTR) return ERR_OK;
        return err_set(err, ERR_IO, "poll: %s", strerror(errno));
    }
    // A callback may remove a later watch, or remove it and add another one with the same number:
    // the watch at this place must still be the one that was asked about.
    for (size_t i = 0; i < n && rc > 0; i++) {
        if (fds[i].revents && l->watches[i].fd == fds[i].fd)
            l->watches[i].ready(l->watches[i].ctx, fds[i].revents);
    }
    return ERR_OK;
}
