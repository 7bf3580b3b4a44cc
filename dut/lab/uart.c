#include "dut/lab/uart.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "bench/base/log.h"
#include "dut/lab/uart_line.h"

static int open_pty(struct uart *u, struct err *err)
{
    char name[64] = "";
    struct termios raw;
    u->master = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (u->master < 0 || grantpt(u->master) < 0 || unlockpt(u->master) < 0 ||
        ptsname_r(u->master, name, sizeof name) != 0)
        goto fail;
    u->slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (u->slave < 0 || tcgetattr(u->slave, &raw) < 0) goto fail;
    cfmakeraw(&raw); // before anybody can open it: a pty starts with echo on
    if (tcsetattr(u->slave, TCSANOW, &raw) < 0) goto fail;
    // Who opens it and sets no rate has the right one.
    if (uart_line_preset(u->slave, u->baud) < 0) goto fail;
    unsigned number;
    if (sscanf(name, "/dev/pts/%u", &number) != 1) goto fail;
    u->lines->pts_plus_1 = number + 1;
    unlink(u->link);
    if (symlink(name, u->link) < 0) goto fail;
    return ERR_OK;
fail:
    return err_set(err, ERR_IO, "uart %s: cannot make a pty (%s): %s; is /dev/pts mounted?",
                   u->name, name, strerror(errno));
}

static void close_pty(struct uart *u)
{
    struct foxshim_port *l = u->lines;
    l->pts_plus_1 = 0;
    if (l->out) { // an adapter that is pulled drives its lines no more
        l->out = 0;
        l->history[l->changes % FOXSHIM_HISTORY] = 0;
        l->changes++;
    }
    unlink(u->link);
    if (u->slave >= 0) close(u->slave);
    if (u->master >= 0) close(u->master);
    u->slave = u->master = -1;
}

int uart_new(struct uart **out, const char *name, unsigned baud, const char *dir,
             struct foxshim_port *lines, struct err *err)
{
    struct uart *u = calloc(1, sizeof *u);
    if (!u) return err_set(err, ERR_NOMEM, "uart %s", name);
    u->master = u->slave = -1;
    u->baud = baud;
    u->byte_ns = 10 * INT64_C(1000000000) / baud;
    u->lines = lines;
    snprintf(u->name, sizeof u->name, "%s", name);
    snprintf(u->link, sizeof u->link, "%s/tty-%s", dir, name);
    // libserialport wants a name below /dev that also exists below /sys/class/tty: three steps up
    // from either is the root.
    snprintf(u->path, sizeof u->path, "/dev/../../..%s/tty-%s", dir, name);
    int rc = open_pty(u, err);
    if (rc < 0) {
        uart_free(u);
        return rc;
    }
    *out = u;
    return ERR_OK;
}

void uart_free(struct uart *u)
{
    if (!u) return;
    close_pty(u);
    free(u->to_device.bytes);
    free(u->to_bench.bytes);
    free(u);
}

bool uart_next_lines(struct uart *u, unsigned *lines)
{
    uint32_t changes = __atomic_load_n(&u->lines->changes, __ATOMIC_SEQ_CST);
    if (changes == u->lines_seen) return false;
    if (changes - u->lines_seen > FOXSHIM_HISTORY) {
        LOG_WARN("foxlab",
                 "uart %s: more than %d changes of its lines at one instant; the first "
                 "ones are lost",
                 u->name, FOXSHIM_HISTORY);
        u->lines_seen = changes - FOXSHIM_HISTORY;
    }
    *lines = u->lines->history[u->lines_seen++ % FOXSHIM_HISTORY];
    return true;
}

static void push(struct uart *u, struct uart_queue *q, int64_t t_ns, uint8_t byte)
{
    if (q->first && q->first == q->n) q->first = q->n = 0;
    if (q->n == q->cap) {
        size_t cap = q->cap ? 2 * q->cap : 256;
        struct uart_byte *more =
            cap <= UART_QUEUE_MAX ? realloc(q->bytes, cap * sizeof *more) : NULL;
        if (!more) {
            LOG_WARN("foxlab", "uart %s: %zu bytes wait, one more is lost", u->name, q->n);
            return;
        }
        q->bytes = more;
        q->cap = cap;
    }
    int64_t start = q->free_ns > t_ns ? q->free_ns : t_ns;
    q->free_ns = start + u->byte_ns;
    q->bytes[q->n++] = (struct uart_byte){q->free_ns, byte};
}

static void queue_clear(struct uart_queue *q, int64_t t_ns)
{
    q->first = q->n = 0;
    q->free_ns = t_ns;
}

// The device's end: 8N1 at the scenario's rate.
static struct uart_format own_format(const struct uart *u)
{
    return (struct uart_format){.baud = u->baud, .bits = 8};
}

void uart_take_input(struct uart *u, int64_t now_ns)
{
    uint8_t data[1024], heard[UART_LINE_GROWTH * sizeof data];
    for (;;) {
        ssize_t n = u->master < 0 ? -1 : read(u->master, data, sizeof data);
        if (n <= 0) return;
        const struct uart_format own = own_format(u), bench = uart_line_format(u->master, own);
        size_t len = (size_t)n;
        const uint8_t *bytes = data;
        if (!uart_line_same(bench, own)) {
            len = uart_line_convert(bench, own, data, len, heard);
            bytes = heard;
        }
        for (size_t i = 0; i < len; i++)
            push(u, &u->to_device, now_ns, bytes[i]);
    }
}

void uart_break(struct uart *u, int64_t now_ns)
{
    push(u, &u->to_device, now_ns, 0x00);
}

void uart_set_inputs(struct uart *u, uint32_t device_outputs)
{
    static const uint32_t lines[] = {TIOCM_CTS, TIOCM_DSR, TIOCM_CD, TIOCM_RI};
    uint32_t in = 0;
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++)
        if (device_outputs >> (UART_FIRST_OUTPUT + i) & 1) in |= lines[i];
    __atomic_store_n(&u->lines->in, in, __ATOMIC_SEQ_CST);
}

int64_t uart_next_arrival(const struct uart *u)
{
    const struct uart_queue *q = &u->to_device;
    return q->first < q->n ? q->bytes[q->first].t_ns : INT64_MAX;
}

size_t uart_arrived(struct uart *u, int64_t t_ns, uint8_t *out, size_t max)
{
    struct uart_queue *q = &u->to_device;
    size_t n = 0;
    while (n < max && q->first < q->n && q->bytes[q->first].t_ns <= t_ns)
        out[n++] = q->bytes[q->first++].byte;
    return n;
}

static void transmit(struct uart *u, int64_t t_ns, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        struct uart_effect e = uart_fault_next(&u->faults, data[i]);
        if (e.pause_ns && u->to_bench.free_ns < t_ns) u->to_bench.free_ns = t_ns;
        u->to_bench.free_ns += e.pause_ns;
        for (size_t k = 0; k < e.n; k++)
            push(u, &u->to_bench, t_ns, e.bytes[k]);
    }
}

void uart_transmit(struct uart *u, int64_t t_ns, const uint8_t *data, size_t len)
{
    const struct uart_format own = own_format(u), bench = uart_line_format(u->master, own);
    if (uart_line_same(bench, own)) {
        transmit(u, t_ns, data, len);
        return;
    }
    uint8_t heard[UART_LINE_GROWTH * 256];
    for (size_t at = 0; at < len; at += 256) {
        size_t part = len - at < 256 ? len - at : 256;
        transmit(u, t_ns, heard, uart_line_convert(own, bench, data + at, part, heard));
    }
}

void uart_deliver(struct uart *u, int64_t t_ns)
{
    struct uart_queue *q = &u->to_bench;
    uint8_t data[1024];
    for (;;) {
        size_t n = 0;
        while (n < sizeof data && q->first + n < q->n && q->bytes[q->first + n].t_ns <= t_ns) {
            data[n] = q->bytes[q->first + n].byte;
            n++;
        }
        if (n == 0) return;
        // A port that is unplugged swallows what is sent to it; a full one keeps it for later.
        ssize_t done = u->master < 0 ? (ssize_t)n : write(u->master, data, n);
        if (done <= 0) return;
        q->first += (size_t)done;
    }
}

void uart_drop(struct uart *u, int64_t t_ns)
{
    uart_deliver(u, t_ns);
    queue_clear(&u->to_bench, t_ns);
    queue_clear(&u->to_device, t_ns);
}

void uart_unplug(struct uart *u)
{
    close_pty(u);
}

int uart_replug(struct uart *u, struct err *err)
{
    return u->master >= 0 ? ERR_OK : open_pty(u, err);
}
