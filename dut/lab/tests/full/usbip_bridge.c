// usbip_bridge: the lab's adapters as a USB/IP server, for a guest whose kernel imports them.
//
// Runs inside a lab (FOXLAB_USB), listens on a free port of 127.0.0.1 and prints it as its first
// line. Each import is served by a process of its own: adapter n is bus id 1-(n+1). Ends with its
// parent. The protocol is the kernel's (Documentation/usb/usbip_protocol.rst).
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "dut/lab/usb/wire.h"

enum {
    VERSION = 0x0111,
    REQUEST_LIST = 0x8005,
    REQUEST_IMPORT = 0x8003,
    REPLY_LIST = 0x0005,
    REPLY_IMPORT = 0x0003,
    SUBMIT = 1,
    UNLINK = 2,
    RETURN_SUBMIT = 3,
    RETURN_UNLINK = 4,
    HEADER = 48,
    DEVICE = 312,
    SPEED_HIGH = 3,
    STALL = 32, // EPIPE
    UNITS = 8
};

struct device {
    int lab;   // handle of the adapter
    int guest; // the imported connection
    uint8_t data[USB_WIRE_TRANSFER_MAX];
};

static bool read_all(int fd, void *data, size_t len)
{
    uint8_t *p = data;
    while (len) {
        ssize_t n = recv(fd, p, len, 0);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

static bool write_all(int fd, const void *data, size_t len)
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

static void put32(uint8_t *p, uint32_t v)
{
    v = htonl(v);
    memcpy(p, &v, 4);
}

static uint32_t get32(const uint8_t *p)
{
    uint32_t v;
    memcpy(&v, p, 4);
    return ntohl(v);
}

// --- the lab's side

static int dial_lab(void)
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    const char *path = getenv(USB_WIRE_VARIABLE);
    if (!path || strlen(path) >= sizeof a.sun_path) return -1;
    memcpy(a.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&a, sizeof a) == 0) return fd;
    return -1;
}

// Bytes that came (of an OUT: were taken), a negative libusb error, or -100: the lab is gone.
static int ask(int fd, const struct usb_wire_request *q, const void *out, void *in)
{
    struct usb_wire_answer a;
    if (!write_all(fd, q, sizeof *q) || (out && !write_all(fd, out, q->len))) return -100;
    if (!read_all(fd, &a, sizeof a)) return -100;
    if (q->op != USB_WIRE_OUT && a.len && !read_all(fd, in, a.len)) return -100;
    return a.status < 0 ? a.status : (int)a.len;
}

static size_t list_units(struct usb_wire_unit units[UNITS])
{
    uint8_t all[16 * sizeof *units];
    const struct usb_wire_request q = {.op = USB_WIRE_LIST};
    int fd = dial_lab(), n = fd < 0 ? 0 : ask(fd, &q, NULL, all);
    if (fd >= 0) close(fd);
    if (n < 0) n = 0;
    size_t count = (size_t)n / sizeof *units;
    if (count > UNITS) count = UNITS;
    memcpy(units, all, count * sizeof *units);
    return count;
}

// --- USB/IP

static void describe(const struct usb_wire_unit *u, uint8_t out[DEVICE])
{
    memset(out, 0, DEVICE);
    snprintf((char *)out, 256, "/sys/devices/foxlab/1-%u", u->unit + 1);
    snprintf((char *)out + 256, 32, "1-%u", u->unit + 1);
    put32(out + 288, 1);
    put32(out + 292, u->unit + 2);
    put32(out + 296, SPEED_HIGH);
    for (int i = 0; i < 3; i++) { // vendor, product, release: little-endian to big-endian
        out[300 + 2 * i] = u->device[9 + 2 * i];
        out[301 + 2 * i] = u->device[8 + 2 * i];
    }
    out[309] = 1;             // configuration
    out[310] = u->device[17]; // how many of them
    out[311] = u->config[4];  // interfaces
}

static void reply_head(uint8_t head[8], unsigned code, uint32_t status)
{
    put32(head, (uint32_t)VERSION << 16 | code);
    put32(head + 4, status);
}

static bool reply_list(int fd)
{
    struct usb_wire_unit units[UNITS];
    uint8_t head[12], device[DEVICE];
    size_t n = list_units(units);
    reply_head(head, REPLY_LIST, 0);
    put32(head + 8, (uint32_t)n);
    bool good = write_all(fd, head, sizeof head);
    for (size_t i = 0; i < n && good; i++) {
        const uint8_t interface[4] = {0xff, 0xff, 0xff, 0};
        describe(&units[i], device);
        good = write_all(fd, device, sizeof device);
        for (unsigned k = 0; k < device[311] && good; k++)
            good = write_all(fd, interface, sizeof interface);
    }
    return good;
}

static bool reply_import(struct device *d)
{
    struct usb_wire_unit units[UNITS];
    char bus[33] = "";
    uint8_t head[8], device[DEVICE];
    unsigned number = 0;
    if (!read_all(d->guest, bus, 32)) return false;
    size_t n = list_units(units), at = 0;
    if (sscanf(bus, "1-%u", &number) != 1) number = 0;
    while (at < n && units[at].unit + 1 != number)
        at++;
    const struct usb_wire_request q = {.op = USB_WIRE_OPEN, .where = number - 1};
    d->lab = at < n ? dial_lab() : -1;
    bool there = d->lab >= 0 && ask(d->lab, &q, NULL, NULL) >= 0;
    reply_head(head, REPLY_IMPORT, there ? 0 : 1);
    if (!write_all(d->guest, head, sizeof head) || !there) return false;
    describe(&units[at], device);
    return write_all(d->guest, device, sizeof device);
}

static bool give_back(struct device *d, uint32_t sequence, int n, bool in)
{
    uint8_t h[HEADER] = {0};
    put32(h, RETURN_SUBMIT);
    put32(h + 4, sequence);
    put32(h + 20, n < 0 ? (uint32_t)-STALL : 0);
    put32(h + 24, n < 0 ? 0 : (uint32_t)n);
    put32(h + 32, UINT32_MAX); // no isochronous packets
    return write_all(d->guest, h, sizeof h) &&
           (!in || n <= 0 || write_all(d->guest, d->data, (size_t)n));
}

// The guest wants something meanwhile: perhaps to give up what is under way.
static bool is_interrupted(struct device *d)
{
    struct pollfd p = {.fd = d->guest, .events = POLLIN};
    return poll(&p, 1, 1) != 0;
}

// What does not fit the chip waits, as on the bus; -1 with *cancelled when the guest gave up.
static int send_bulk(struct device *d, uint32_t endpoint, size_t len)
{
    size_t done = 0;
    while (done < len) {
        const struct usb_wire_request q = {
            .op = USB_WIRE_OUT, .where = endpoint, .len = (uint32_t)(len - done)};
        int n = ask(d->lab, &q, d->data + done, NULL);
        if (n < 0) return n;
        done += (size_t)n;
        if (done < len && is_interrupted(d)) break;
    }
    return (int)done;
}

static bool serve_one(struct device *d, const uint8_t h[HEADER])
{
    uint32_t sequence = get32(h + 4), endpoint = get32(h + 16), len = get32(h + 24);
    bool in = get32(h + 12);
    int n;
    if (len > sizeof d->data) return false;
    if (!in && len && !read_all(d->guest, d->data, len)) return false;
    if (endpoint == 0) {
        struct usb_wire_request q = {.op = USB_WIRE_CONTROL, .len = in ? 0 : len};
        memcpy(q.setup, h + 40, 8);
        n = ask(d->lab, &q, in || len == 0 ? NULL : d->data, d->data);
        if (n >= 0 && !in) n = (int)len;
    } else if (in) {
        const struct usb_wire_request q = {.op = USB_WIRE_IN, .where = endpoint | 0x80, .len = len};
        n = ask(d->lab, &q, NULL, d->data);
        if (n == 2) nanosleep(&(struct timespec){0, 1000000}, NULL); // nothing yet: latency
    } else {
        n = send_bulk(d, endpoint, len);
    }
    return n != -100 && give_back(d, sequence, n, in);
}

// Transfers are carried out in the order in which they come, so there is never one to take back.
static void serve(struct device *d)
{
    uint8_t h[HEADER];
    while (read_all(d->guest, h, sizeof h)) {
        if (get32(h) == UNLINK) {
            uint8_t answer[HEADER] = {0};
            put32(answer, RETURN_UNLINK);
            memcpy(answer + 4, h + 4, 4);
            if (!write_all(d->guest, answer, sizeof answer)) return;
        } else if (!serve_one(d, h)) {
            return;
        }
    }
}

static void welcome(int fd)
{
    static struct device d; // of this process
    uint8_t head[8];
    int one = 1;
    d.guest = fd;
    d.lab = -1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    if (!read_all(fd, head, sizeof head)) return;
    unsigned code = get32(head) & 0xffff;
    if (code == REQUEST_LIST) (void)reply_list(fd);
    if (code == REQUEST_IMPORT && reply_import(&d)) serve(&d);
}

int main(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof a;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    signal(SIGCHLD, SIG_IGN);
    if (!getenv(USB_WIRE_VARIABLE)) {
        fputs("usbip_bridge: start it inside a lab with an adapter: foxlab run SCENARIO -- …\n",
              stderr);
        return 4;
    }
    if (listener < 0 || bind(listener, (struct sockaddr *)&a, sizeof a) < 0 ||
        listen(listener, UNITS) < 0 || getsockname(listener, (struct sockaddr *)&a, &len) < 0) {
        fprintf(stderr, "usbip_bridge: %s\n", strerror(errno));
        return 3;
    }
    printf("%u\n", ntohs(a.sin_port));
    fflush(stdout);
    for (;;) {
        int fd = accept(listener, NULL, NULL);
        if (fd < 0) continue;
        if (fork() == 0) {
            prctl(PR_SET_PDEATHSIG, SIGTERM);
            welcome(fd);
            _exit(0);
        }
        close(fd);
    }
}
