#include "dut/lab/usb/bus.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "bench/base/bytes.h"
#include "bench/base/log.h"
#include "dut/lab/usb/wire.h"

enum { CONNECTIONS_MAX = 16, NO_UNIT = -1, STALL = -9, NO_DEVICE = -4, NO_SUCH = -5, BUSY = -6 };

struct connection {
    struct usb_bus *bus;
    int fd; // -1: free
    int unit;
    uint32_t claimed; // interfaces, a bit each
    struct bytes in;
};

struct usb_bus {
    struct usb_bus_config config;
    struct sockaddr_un address;
    int listener;
    struct connection connections[CONNECTIONS_MAX];
    uint8_t data[USB_WIRE_TRANSFER_MAX]; // of the answer under way
};

static void hang_up(struct connection *c)
{
    if (c->fd < 0) return;
    loop_remove(c->bus->config.loop, c->fd);
    close(c->fd);
    bytes_deinit(&c->in);
    c->fd = -1;
}

// The client waits for each answer, so it fits the socket's buffer; a client that does not is gone.
static void answer(struct connection *c, int32_t status, const void *data, uint32_t len)
{
    const struct usb_wire_answer a = {status, len};
    const uint8_t *p = data;
    size_t left = p ? len : 0;
    bool good = send(c->fd, &a, sizeof a, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof a;
    while (good && left) {
        ssize_t n = send(c->fd, p, left, MSG_NOSIGNAL | MSG_DONTWAIT);
        good = n > 0;
        if (good) p += n, left -= (size_t)n;
    }
    if (!good) hang_up(c);
}

static void list_units(struct connection *c)
{
    const struct usb_bus *b = c->bus;
    struct usb_wire_unit units[16] = {{0}};
    uint32_t n = 0;
    for (size_t i = 0; i < b->config.n_probes && n < 16; i++) {
        const struct probe *p = b->config.probes[i];
        if (!p->plugged) continue;
        struct usb_wire_unit *u = &units[n++];
        u->unit = (uint32_t)i;
        u->bus = 1;
        u->address = (uint8_t)(i + 2);
        memcpy(u->device, ft232h_device_descriptor(p->chip), sizeof u->device);
        u->config_len = (uint16_t)ft232h_config_len(p->chip);
        memcpy(u->config, ft232h_config_descriptor(p->chip), u->config_len);
    }
    answer(c, 0, units, n * (uint32_t)sizeof *units);
}

static void open_unit(struct connection *c, uint32_t unit)
{
    const struct usb_bus *b = c->bus;
    bool there = unit < b->config.n_probes && b->config.probes[unit]->plugged;
    c->unit = there ? (int)unit : NO_UNIT;
    answer(c, there ? 0 : NO_DEVICE, NULL, 0);
}

// An interface belongs to one handle at a time.
static void claim(struct connection *c, uint32_t interface)
{
    const struct usb_bus *b = c->bus;
    if (interface >= FT232H_CHANNELS) {
        answer(c, NO_SUCH, NULL, 0);
        return;
    }
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        const struct connection *other = &b->connections[i];
        if (other == c || other->fd < 0 || other->unit != c->unit) continue;
        if (!(other->claimed >> interface & 1)) continue;
        answer(c, BUSY, NULL, 0);
        return;
    }
    c->claimed |= UINT32_C(1) << interface;
    answer(c, 0, NULL, 0);
}

static void serve(struct connection *c, const struct usb_wire_request *q, const uint8_t *out)
{
    struct usb_bus *b = c->bus;
    int64_t now_ns = b->config.now(b->config.ctx);
    if (q->op == USB_WIRE_LIST) {
        list_units(c);
        return;
    }
    if (q->op == USB_WIRE_OPEN) {
        open_unit(c, q->where);
        return;
    }
    if (c->unit == NO_UNIT) {
        answer(c, NO_DEVICE, NULL, 0);
        return;
    }
    if (q->op == USB_WIRE_CLAIM) {
        claim(c, q->where);
        return;
    }
    if (q->op == USB_WIRE_RELEASE) {
        if (q->where < FT232H_CHANNELS) c->claimed &= ~(UINT32_C(1) << q->where);
        answer(c, 0, NULL, 0);
        return;
    }
    struct ft232h *chip = b->config.probes[c->unit]->chip;
    int n = STALL;
    if (q->op == USB_WIRE_CONTROL) {
        n = ft232h_control(chip, q->setup, b->data, now_ns);
    } else if (q->op == USB_WIRE_OUT) {
        n = ft232h_out(chip, (uint8_t)q->where, out, q->len, now_ns);
        if (n >= 0) {
            answer(c, 0, NULL, (uint32_t)n);
            return;
        }
    } else if (q->op == USB_WIRE_IN) {
        size_t max = q->len < sizeof b->data ? q->len : sizeof b->data;
        n = ft232h_in(chip, (uint8_t)q->where, b->data, max, now_ns);
    }
    bool in = q->op == USB_WIRE_IN || q->setup[0] & 0x80;
    if (n < 0)
        answer(c, STALL, NULL, 0);
    else
        answer(c, 0, b->data, in ? (uint32_t)n : 0);
}

static size_t body_len(const struct usb_wire_request *q)
{
    return q->op == USB_WIRE_OUT || q->op == USB_WIRE_CONTROL ? q->len : 0;
}

static void connection_ready(void *ctx, short revents)
{
    (void)revents;
    struct connection *c = ctx;
    uint8_t chunk[16384];
    ssize_t n = recv(c->fd, chunk, sizeof chunk, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (n <= 0 || bytes_append(&c->in, chunk, (size_t)n, NULL) < 0) {
        hang_up(c);
        return;
    }
    struct usb_wire_request q;
    while (c->fd >= 0 && c->in.len >= sizeof q) {
        memcpy(&q, c->in.data, sizeof q);
        if (body_len(&q) > USB_WIRE_TRANSFER_MAX) {
            hang_up(c);
            return;
        }
        if (c->in.len < sizeof q + body_len(&q)) return;
        serve(c, &q, c->in.data + sizeof q);
        if (c->fd >= 0) bytes_drop(&c->in, sizeof q + body_len(&q));
    }
}

static void accept_ready(void *ctx, short revents)
{
    (void)revents;
    struct usb_bus *b = ctx;
    int fd = accept4(b->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return;
    int room = 2 * USB_WIRE_TRANSFER_MAX;
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        struct connection *c = &b->connections[i];
        if (c->fd >= 0) continue;
        *c = (struct connection){.bus = b, .fd = fd, .unit = NO_UNIT};
        bytes_init(&c->in, 2 * (USB_WIRE_TRANSFER_MAX + sizeof(struct usb_wire_request)));
        if (loop_add(b->config.loop, fd, POLLIN, connection_ready, c, NULL) >= 0) return;
        c->fd = -1;
        break;
    }
    LOG_WARN("foxlab", "usb: more than %d connections", CONNECTIONS_MAX);
    close(fd);
}

int usb_bus_new(struct usb_bus **out, const struct usb_bus_config *config, struct err *err)
{
    struct usb_bus *b = calloc(1, sizeof *b);
    if (!b) return err_set(err, ERR_NOMEM, "usb");
    b->config = *config;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        b->connections[i].fd = -1;
    b->address.sun_family = AF_UNIX;
    snprintf(b->address.sun_path, sizeof b->address.sun_path, "%s/usb", config->dir);
    b->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int rc = ERR_OK;
    if (b->listener < 0 ||
        bind(b->listener, (struct sockaddr *)&b->address, sizeof b->address) < 0 ||
        listen(b->listener, CONNECTIONS_MAX) < 0)
        rc = err_set(err, ERR_IO, "usb socket %s: %s", b->address.sun_path, strerror(errno));
    if (rc >= 0) rc = loop_add(config->loop, b->listener, POLLIN, accept_ready, b, err);
    if (rc < 0) {
        usb_bus_free(b);
        return rc;
    }
    *out = b;
    return ERR_OK;
}

void usb_bus_free(struct usb_bus *b)
{
    if (!b) return;
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        hang_up(&b->connections[i]);
    if (b->listener >= 0) {
        loop_remove(b->config.loop, b->listener);
        close(b->listener);
        unlink(b->address.sun_path);
    }
    free(b);
}

const char *usb_bus_path(const struct usb_bus *b)
{
    return b->address.sun_path;
}

void usb_bus_unplug(struct usb_bus *b, size_t unit)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++)
        if (b->connections[i].fd >= 0 && b->connections[i].unit == (int)unit)
            hang_up(&b->connections[i]);
    probe_unplug(b->config.probes[unit]);
}

void usb_bus_replug(struct usb_bus *b, size_t unit)
{
    b->config.probes[unit]->plugged = true;
}
