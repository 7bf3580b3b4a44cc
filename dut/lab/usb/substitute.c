// libusb-1.0.so.0 for programs inside the lab: the same calls, answered by the lab's adapters
// instead of the kernel. The real libftdi and libiio run on it unmodified; it exports what those
// two import, and nothing more.
//
// Asynchronous transfers are carried out one after the other when events are handled: libftdi asks
// for no more. Without FOXLAB_USB in the environment no adapter is plugged in.
#include "dut/lab/usb/substitute.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { UNITS_MAX = 32, QUEUE_MAX = 64 };

struct libusb_context {
    int unused;
};

struct libusb_device_handle {
    struct libusb_device *device;
    int fd; // -1: the adapter is gone
    int configuration;
};

// Submitted transfers in their order. libusb's transfers know no context before they are submitted,
// and their handles may belong to any.
static struct libusb_transfer *queue[QUEUE_MAX];
static size_t queued;

// --- the socket

static int dial(void)
{
    const char *path = getenv(USB_WIRE_VARIABLE);
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    if (!path || strlen(path) >= sizeof a.sun_path) return -1;
    memcpy(a.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static bool send_all(int fd, const void *data, size_t len)
{
    const uint8_t *p = data;
    while (len) {
        ssize_t n = send(fd, p, len, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

// 0, LIBUSB_ERROR_TIMEOUT or LIBUSB_ERROR_NO_DEVICE.
static int receive_all(int fd, void *data, size_t len, unsigned timeout_ms)
{
    uint8_t *p = data;
    while (len) {
        struct pollfd f = {.fd = fd, .events = POLLIN};
        int ready = poll(&f, 1, timeout_ms ? (int)timeout_ms : -1);
        if (ready < 0 && errno == EINTR) continue;
        if (ready == 0) return LIBUSB_ERROR_TIMEOUT;
        ssize_t n = ready < 0 ? -1 : recv(fd, p, len, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return LIBUSB_ERROR_NO_DEVICE;
        p += n;
        len -= (size_t)n;
    }
    return 0;
}

// One request and its answer. Returns how many bytes came (of an OUT: were taken), or an error.
static int ask(int fd, const struct usb_wire_request *q, const void *out, void *in, size_t in_max,
               unsigned timeout_ms)
{
    struct usb_wire_answer a;
    size_t out_len = out ? q->len : 0;
    if (!send_all(fd, q, sizeof *q) || !send_all(fd, out, out_len)) return LIBUSB_ERROR_NO_DEVICE;
    int rc = receive_all(fd, &a, sizeof a, timeout_ms);
    if (rc < 0) return rc;
    if (q->op != USB_WIRE_OUT) {
        if (a.len > in_max) return LIBUSB_ERROR_OVERFLOW;
        rc = receive_all(fd, in, a.len, timeout_ms);
        if (rc < 0) return rc;
    }
    return a.status < 0 ? a.status : (int)a.len;
}

// The same on an open handle, which does not survive being out of step with the lab.
static int ask_device(struct libusb_device_handle *h, const struct usb_wire_request *q,
                      const void *out, void *in, size_t in_max, unsigned timeout_ms)
{
    if (h->fd < 0) return LIBUSB_ERROR_NO_DEVICE;
    int rc = ask(h->fd, q, out, in, in_max, timeout_ms);
    if (rc == LIBUSB_ERROR_NO_DEVICE || rc == LIBUSB_ERROR_OVERFLOW || rc == LIBUSB_ERROR_TIMEOUT) {
        close(h->fd);
        h->fd = -1;
    }
    return rc;
}

// --- library and devices

int LIBUSB_CALL libusb_init(libusb_context **out)
{
    if (!out) return 0;
    *out = calloc(1, sizeof **out);
    return *out ? 0 : LIBUSB_ERROR_NO_MEM;
}

void LIBUSB_CALL libusb_exit(libusb_context *c)
{
    free(c);
}

const struct libusb_version *LIBUSB_CALL libusb_get_version(void)
{
    static const struct libusb_version version = {1, 0, 26, 11724, "", "the virtual lab's"};
    return &version;
}

ssize_t LIBUSB_CALL libusb_get_device_list(libusb_context *c, libusb_device ***out)
{
    (void)c;
    struct usb_wire_unit units[UNITS_MAX];
    const struct usb_wire_request q = {.op = USB_WIRE_LIST};
    int fd = dial();
    int got = fd < 0 ? 0 : ask(fd, &q, NULL, units, sizeof units, 0);
    if (fd >= 0) close(fd);
    size_t n = got > 0 ? (size_t)got / sizeof *units : 0;
    libusb_device **list = calloc(n + 1, sizeof *list);
    if (!list) return LIBUSB_ERROR_NO_MEM;
    for (size_t i = 0; i < n; i++) {
        list[i] = calloc(1, sizeof **list);
        if (!list[i]) {
            libusb_free_device_list(list, 1);
            return LIBUSB_ERROR_NO_MEM;
        }
        list[i]->unit = units[i];
        list[i]->references = 1;
    }
    *out = list;
    return (ssize_t)n;
}

void LIBUSB_CALL libusb_free_device_list(libusb_device **list, int unref)
{
    if (!list) return;
    for (size_t i = 0; unref && list[i]; i++)
        libusb_unref_device(list[i]);
    free(list);
}

libusb_device *LIBUSB_CALL libusb_ref_device(libusb_device *d)
{
    d->references++;
    return d;
}

void LIBUSB_CALL libusb_unref_device(libusb_device *d)
{
    if (d && --d->references == 0) free(d);
}

uint8_t LIBUSB_CALL libusb_get_bus_number(libusb_device *d)
{
    return d->unit.bus;
}

uint8_t LIBUSB_CALL libusb_get_device_address(libusb_device *d)
{
    return d->unit.address;
}

// --- handles

int LIBUSB_CALL libusb_open(libusb_device *d, libusb_device_handle **out)
{
    libusb_device_handle *h = calloc(1, sizeof *h);
    if (!h) return LIBUSB_ERROR_NO_MEM;
    h->fd = dial();
    h->device = libusb_ref_device(d);
    h->configuration = 1;
    const struct usb_wire_request q = {.op = USB_WIRE_OPEN, .where = d->unit.unit};
    int rc = h->fd < 0 ? LIBUSB_ERROR_NO_DEVICE : ask(h->fd, &q, NULL, NULL, 0, 0);
    if (rc < 0) {
        libusb_close(h);
        return rc;
    }
    *out = h;
    return 0;
}

void LIBUSB_CALL libusb_close(libusb_device_handle *h)
{
    if (!h) return;
    if (h->fd >= 0) close(h->fd);
    libusb_unref_device(h->device);
    free(h);
}

int LIBUSB_CALL libusb_get_configuration(libusb_device_handle *h, int *out)
{
    *out = h->configuration;
    return 0;
}

int LIBUSB_CALL libusb_set_configuration(libusb_device_handle *h, int configuration)
{
    h->configuration = configuration;
    return h->fd < 0 ? LIBUSB_ERROR_NO_DEVICE : 0;
}

int LIBUSB_CALL libusb_claim_interface(libusb_device_handle *h, int interface)
{
    const struct usb_wire_request q = {.op = USB_WIRE_CLAIM, .where = (uint32_t)interface};
    return ask_device(h, &q, NULL, NULL, 0, 0);
}

int LIBUSB_CALL libusb_release_interface(libusb_device_handle *h, int interface)
{
    const struct usb_wire_request q = {.op = USB_WIRE_RELEASE, .where = (uint32_t)interface};
    return ask_device(h, &q, NULL, NULL, 0, 0);
}

int LIBUSB_CALL libusb_detach_kernel_driver(libusb_device_handle *h, int interface)
{
    (void)h;
    (void)interface;
    errno = ENODATA; // no driver was bound; libftdi reads errno
    return LIBUSB_ERROR_NOT_FOUND;
}

int LIBUSB_CALL libusb_set_auto_detach_kernel_driver(libusb_device_handle *h, int enable)
{
    (void)h;
    (void)enable;
    return 0;
}

// --- transfers

int LIBUSB_CALL libusb_control_transfer(libusb_device_handle *h, uint8_t type, uint8_t request,
                                        uint16_t value, uint16_t index, unsigned char *data,
                                        uint16_t len, unsigned timeout_ms)
{
    bool in = type & LIBUSB_ENDPOINT_IN;
    const struct usb_wire_request q = {
        .op = USB_WIRE_CONTROL,
        .len = in ? 0 : len,
        .setup = {type, request, (uint8_t)value, (uint8_t)(value >> 8), (uint8_t)index,
                  (uint8_t)(index >> 8), (uint8_t)len, (uint8_t)(len >> 8)}};
    int rc = ask_device(h, &q, in || len == 0 ? NULL : data, data, in ? len : 0, timeout_ms);
    return rc < 0 || in ? rc : len;
}

int LIBUSB_CALL libusb_bulk_transfer(libusb_device_handle *h, unsigned char endpoint,
                                     unsigned char *data, int len, int *done, unsigned timeout_ms)
{
    bool in = endpoint & LIBUSB_ENDPOINT_IN;
    int n = 0, rc = 0;
    do {
        int part = len - n < USB_WIRE_TRANSFER_MAX ? len - n : USB_WIRE_TRANSFER_MAX;
        const struct usb_wire_request q = {
            .op = in ? USB_WIRE_IN : USB_WIRE_OUT, .where = endpoint, .len = (uint32_t)part};
        rc = ask_device(h, &q, in ? NULL : data + n, in ? data + n : NULL, in ? (size_t)part : 0,
                        timeout_ms);
        if (rc > 0) n += rc;
        if (rc < part) break; // a short packet ends a transfer
    } while (n < len);
    if (done) *done = n;
    if (rc >= 0 && !in && n < len) return LIBUSB_ERROR_TIMEOUT; // the chip is full
    return rc < 0 ? rc : 0;
}

struct libusb_transfer *LIBUSB_CALL libusb_alloc_transfer(int iso_packets)
{
    return calloc(1, sizeof(struct libusb_transfer) +
                         sizeof(struct libusb_iso_packet_descriptor) * (size_t)iso_packets);
}

void LIBUSB_CALL libusb_free_transfer(struct libusb_transfer *t)
{
    free(t);
}

int LIBUSB_CALL libusb_submit_transfer(struct libusb_transfer *t)
{
    if (queued == QUEUE_MAX) return LIBUSB_ERROR_BUSY;
    queue[queued++] = t;
    return 0;
}

static void finish(size_t i, enum libusb_transfer_status status)
{
    struct libusb_transfer *t = queue[i];
    memmove(queue + i, queue + i + 1, (--queued - i) * sizeof *queue);
    t->status = status;
    t->callback(t); // may free it
}

int LIBUSB_CALL libusb_cancel_transfer(struct libusb_transfer *t)
{
    for (size_t i = 0; i < queued; i++) {
        if (queue[i] != t) continue;
        finish(i, LIBUSB_TRANSFER_CANCELLED);
        return 0;
    }
    return LIBUSB_ERROR_NOT_FOUND;
}

int LIBUSB_CALL libusb_handle_events_timeout_completed(libusb_context *c, struct timeval *limit,
                                                       int *completed)
{
    (void)c;
    (void)limit;
    if (completed && *completed) return 0;
    if (queued == 0) {
        nanosleep(&(struct timespec){0, 1000000}, NULL); // as if something might still happen
        return 0;
    }
    struct libusb_transfer *t = queue[0];
    int rc = libusb_bulk_transfer(t->dev_handle, t->endpoint, t->buffer, t->length,
                                  &t->actual_length, t->timeout);
    finish(0, rc == 0                        ? LIBUSB_TRANSFER_COMPLETED
              : rc == LIBUSB_ERROR_TIMEOUT   ? LIBUSB_TRANSFER_TIMED_OUT
              : rc == LIBUSB_ERROR_NO_DEVICE ? LIBUSB_TRANSFER_NO_DEVICE
                                             : LIBUSB_TRANSFER_ERROR);
    return 0;
}

int LIBUSB_CALL libusb_handle_events_timeout(libusb_context *c, struct timeval *limit)
{
    return libusb_handle_events_timeout_completed(c, limit, NULL);
}

int LIBUSB_CALL libusb_handle_events_completed(libusb_context *c, int *completed)
{
    return libusb_handle_events_timeout_completed(c, NULL, completed);
}
