#include "dut/lab/control.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "dut/lab/commands.h"
#include "dut/lab/lab.h"

enum { CLIENTS_MAX = 8, LINE_BYTES = 256 };

struct client {
    struct control *control;
    int fd; // -1: free
    char line[LINE_BYTES];
    size_t len;
};

struct control {
    struct loop *loop;
    struct lab *lab;
    int listener;
    struct sockaddr_un address;
    struct client clients[CLIENTS_MAX];
};

static void client_close(struct client *c)
{
    if (c->fd < 0) return;
    loop_remove(c->control->loop, c->fd);
    close(c->fd);
    c->fd = -1;
}

static void answer_line(struct client *c)
{
    struct lab *lab = c->control->lab;
    struct err why = {0};
    char answer[300] = "", line[2200];
    int rc = command_carry_out(lab, c->line, answer, sizeof answer, &why);
    int n = rc < 0 ? snprintf(line, sizeof line, "error: %s\n", why.text)
                   : snprintf(line, sizeof line, "%s\n", answer);
    // A client that does not read its answers loses them; a full socket never stops the lab.
    if (send(c->fd, line, (size_t)n, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 && errno != EAGAIN)
        client_close(c);
}

static void client_ready(void *ctx, short revents)
{
    (void)revents;
    struct client *c = ctx;
    ssize_t n = recv(c->fd, c->line + c->len, sizeof c->line - 1 - c->len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0) {
        client_close(c);
        return;
    }
    c->len += (size_t)n;
    char *nl;
    while (c->fd >= 0 && (nl = memchr(c->line, '\n', c->len))) {
        *nl = '\0';
        answer_line(c);
        size_t used = (size_t)(nl - c->line) + 1;
        c->len -= used;
        memmove(c->line, c->line + used, c->len);
    }
    if (c->len == sizeof c->line - 1) client_close(c); // no command is that long
}

static void accept_ready(void *ctx, short revents)
{
    (void)revents;
    struct control *c = ctx;
    int fd = accept4(c->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    for (int i = 0; i < CLIENTS_MAX; i++) {
        struct client *k = &c->clients[i];
        if (k->fd >= 0) continue;
        *k = (struct client){.control = c, .fd = fd};
        if (loop_add(c->loop, fd, POLLIN, client_ready, k, NULL) >= 0) return;
        k->fd = -1;
        break;
    }
    close(fd);
}

int control_new(struct control **out, struct loop *loop, struct lab *lab, const char *dir,
                struct err *err)
{
    struct control *c = calloc(1, sizeof *c);
    if (!c) return err_set(err, ERR_NOMEM, "control socket");
    c->loop = loop;
    c->lab = lab;
    for (int i = 0; i < CLIENTS_MAX; i++)
        c->clients[i].fd = -1;
    c->address.sun_family = AF_UNIX;
    snprintf(c->address.sun_path, sizeof c->address.sun_path, "%s/control", dir);
    c->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = ERR_OK;
    if (c->listener < 0 ||
        bind(c->listener, (struct sockaddr *)&c->address, sizeof c->address) < 0 ||
        listen(c->listener, CLIENTS_MAX) < 0)
        rc = err_set(err, ERR_IO, "control socket %s: %s", c->address.sun_path, strerror(errno));
    if (rc >= 0) rc = loop_add(loop, c->listener, POLLIN, accept_ready, c, err);
    if (rc < 0) {
        control_free(c);
        return rc;
    }
    *out = c;
    return ERR_OK;
}

void control_free(struct control *c)
{
    if (!c) return;
    for (int i = 0; i < CLIENTS_MAX; i++)
        client_close(&c->clients[i]);
    if (c->listener >= 0) {
        loop_remove(c->loop, c->listener);
        close(c->listener);
        unlink(c->address.sun_path);
    }
    free(c);
}

const char *control_path(const struct control *c)
{
    return c->address.sun_path;
}
