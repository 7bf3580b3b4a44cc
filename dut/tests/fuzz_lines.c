// Fuzzes the reading of a device's lines. The first byte chooses the dialect, the rest is what
// happens: bytes that arrive, in portions, and between them what a host does. Lines must be whole,
// in order and within bounds, and the state must follow from them.
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "dut/dut.h"
#include "dut/port_ops.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth) abort();
}

// A port that gives the next bytes of the input.
struct fed_port {
    struct port base;
    const uint8_t *data;
    size_t left; // of the present portion
};

static int fed_write(struct port *p, const void *data, size_t len, struct err *err)
{
    (void)p, (void)data, (void)len, (void)err;
    return ERR_OK;
}

static int fed_read(struct port *p, void *data, size_t max, struct err *err)
{
    (void)err;
    struct fed_port *f = (struct fed_port *)p;
    size_t n = f->left < max ? f->left : max;
    memcpy(data, f->data, n);
    f->data += n;
    f->left -= n;
    return (int)n;
}

static int fed_set_line(struct port *p, enum port_line line, bool active, struct err *err)
{
    (void)p, (void)line, (void)active, (void)err;
    return ERR_OK;
}

static void fed_close(struct port *p)
{
    (void)p;
}

static const struct port_ops fed_ops = {fed_write, fed_read, fed_set_line, fed_close};

// The dialects that there are, and one that has everything at once.
static const struct dut_dialect dialects[] = {
    {.name = "sfm10r",
     .line_end = "\r",
     .ok = "OK",
     .errors = {"ERROR", "ERR_"},
     .downlink = "RX="},
    {.name = "at_slave",
     .line_end = "\r",
     .ok = "OK",
     .errors = {"AT_"},
     .downlink = "+RX=",
     .downlink_raw_len = 8,
     .echo = true},
    {.name = "nucleo", .line_end = "\r\n", .ok = "OK", .errors = {"ERROR:"}, .echo = true},
    {.name = "bare", .line_end = "\n", .ok = "0"},
};

enum { DIALECTS = sizeof dialects / sizeof dialects[0], PORTION_MAX = 64, COMMAND_MAX = 16 };

struct watch {
    int64_t last_sample; // of the newest line taken out
    size_t received;     // bytes fed
    size_t taken;        // bytes in lines taken out
};

static void take_lines(struct dut *d, const struct dut_dialect *dialect, int64_t now,
                       struct watch *w)
{
    struct dut_line line;
    for (unsigned n = 0; dut_next_line(d, &line); n++) {
        demand(n < DUT_QUEUE_MAX);
        demand(line.len > 0 && line.len <= DUT_LINE_MAX && line.text[line.len] == '\0');
        demand(!line.cut || line.len == DUT_LINE_MAX);
        demand(line.at_sample >= w->last_sample && line.at_sample <= now);
        w->last_sample = line.at_sample;
        w->taken += line.len;
        demand(w->taken <= w->received);
        if (dialect->downlink_raw_len == 0)
            demand(!memchr(line.text, '\r', line.len) && !memchr(line.text, '\n', line.len));
    }
}

// A command of up to COMMAND_MAX bytes out of the input; what is refused leaves the state alone.
static size_t send_command(struct dut *d, const uint8_t *data, size_t size, int64_t now)
{
    char text[COMMAND_MAX + 1] = {0};
    size_t len = size < COMMAND_MAX ? size : COMMAND_MAX;
    memcpy(text, data, len);
    len = strlen(text);
    enum dut_state before = dut_state(d);
    int rc = dut_command(d, text, now, NULL);
    if (rc == ERR_OK)
        demand(before != DUT_STATE_WAITING && dut_state(d) == DUT_STATE_WAITING);
    else
        demand(rc == ERR_SEQUENCE ? before == DUT_STATE_WAITING : rc == ERR_INVALID);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    const struct dut_dialect *dialect = &dialects[data[0] % DIALECTS];
    struct fed_port port = {.base = {.ops = &fed_ops}, .data = data};
    struct dut *d = NULL;
    struct watch w = {0};
    demand(dut_new(&d, &port.base, dialect, NULL) == ERR_OK);
    int64_t now = 0;
    for (size_t at = 1; at < size; now++) {
        uint8_t what = data[at++];
        size_t rest = size - at;
        if (what < 0xC0) { // a portion arrives
            port.data = data + at;
            port.left = what % PORTION_MAX < rest ? what % PORTION_MAX : rest;
            at += port.left;
            w.received += port.left;
            demand(dut_poll(d, now, NULL) == ERR_OK && port.left == 0);
            if (what < 0x80) take_lines(d, dialect, now, &w);
        } else if (what < 0xE0) {
            at += send_command(d, data + at, rest, now);
        } else if (what < 0xF0) {
            dut_abandon(d);
            demand(dut_state(d) != DUT_STATE_WAITING);
        } else {
            dut_conclude(d);
            demand(dut_state(d) != DUT_STATE_WAITING);
        }
    }
    take_lines(d, dialect, now, &w);
    dut_free(d);
    return 0;
}
