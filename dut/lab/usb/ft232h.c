#include "dut/lab/usb/ft232h.h"

#include <stdlib.h>
#include <string.h>

#include "bench/base/bytes.h"

enum {
    PIN_CLOCK = 0,
    PIN_OUT = 1,
    PIN_IN = 2,
    PIN_TMS = 3,
    PACKET = 512,
    MODE_RESET = 0x00,
    MODE_MPSSE = 0x02,
    COMMAND_MAX = 3 + 65536,
    REPLY_MAX = 1 << 18,
    IN_ENDPOINT = 0x81,
    OUT_ENDPOINT = 0x02
};

struct ft232h {
    const char *strings[3];
    char serial[32];
    uint8_t device[FT232H_DEVICE_LEN];
    uint8_t config[FT232H_CONFIG_LEN];
    struct ft232h_wires wires;
    uint8_t mode, latency;
    uint16_t eeprom[128];
    // MPSSE
    bool loopback; // 84
    bool divided;  // 8B: 12 MHz instead of 60
    uint16_t divisor;
    uint16_t value, direction, open_drain; // as commanded, bit 8 + n: AC n
    uint16_t level;                        // on the pins
    struct bytes to_chip, to_host;
    int64_t wake_ns; // INT64_MAX: it does not wait
};

static void drive(struct ft232h *c)
{
    // An open-drain pin is driven only while it is 0.
    uint16_t driven = c->direction & (uint16_t) ~(c->open_drain & c->value);
    uint16_t level = (uint16_t)((c->value & driven) | (uint16_t)~driven); // pulled up inside
    c->level = c->wires.change(c->wires.ctx, level, driven);
}

static void put(struct ft232h *c, uint8_t byte)
{
    (void)!bytes_append(&c->to_host, &byte, 1, NULL); // what nobody reads is lost at last
}

static void set_pin(struct ft232h *c, int pin, bool high)
{
    uint16_t bit = (uint16_t)(1u << pin);
    c->value = (uint16_t)(high ? c->value | bit : c->value & ~bit);
}

static bool sample(const struct ft232h *c)
{
    return (c->loopback ? c->value >> PIN_OUT : c->level >> PIN_IN) & 1;
}

// One clock pulse away from the idle level and back. Data out change on the edge that bit 0 of the
// opcode names (1: falling), in are sampled on the one of bit 2.
static bool pulse(struct ft232h *c, uint8_t op, int pin, int bit)
{
    bool idle = c->value >> PIN_CLOCK & 1;
    bool out_first = (op & 1) == idle; // it changes with the first edge, not before it
    bool in_first = (op >> 2 & 1) == idle;
    if (bit >= 0 && !out_first) {
        set_pin(c, pin, bit);
        drive(c);
    }
    bool first = sample(c);
    if (bit >= 0 && out_first) set_pin(c, pin, bit);
    set_pin(c, PIN_CLOCK, !idle);
    drive(c);
    bool second = sample(c);
    set_pin(c, PIN_CLOCK, idle);
    drive(c);
    return in_first ? first : second;
}

static void shift_bits(struct ft232h *c, uint8_t op, uint8_t out, unsigned n)
{
    bool lsb = op & 0x08;
    uint8_t in = 0;
    for (unsigned i = 0; i < n; i++) {
        int bit = op & 0x10 ? (lsb ? out >> i : out >> (7 - i)) & 1 : -1;
        bool got = pulse(c, op, PIN_OUT, bit);
        in = (uint8_t)(lsb ? in >> 1 | got << 7 : in << 1 | got);
    }
    if (op & 0x20) put(c, in);
}

// 4x, 6x: up to seven bits on TMS; bit 7 of the data stands on the data line meanwhile.
static void shift_tms(struct ft232h *c, uint8_t op, uint8_t out, unsigned n)
{
    uint8_t in = 0;
    set_pin(c, PIN_OUT, out >> 7);
    for (unsigned i = 0; i < n; i++)
        in = (uint8_t)(in >> 1 | pulse(c, op, PIN_TMS, out >> i & 1) << 7);
    if (op & 0x20) put(c, in);
}

// A clocking command; bytes used, 0 when it is not complete yet, -1 when it is none.
static int shift(struct ft232h *c, const uint8_t *p, size_t n)
{
    uint8_t op = p[0];
    if (op & 0x40) {
        if (!(op & 0x02)) return -1;
        if (n < 3) return 0;
        shift_tms(c, op, p[2], (p[1] & 7u) + 1);
        return 3;
    }
    if (!(op & 0x30)) return -1;
    if (op & 0x02) {
        size_t need = op & 0x10 ? 3 : 2;
        if (n < need) return 0;
        shift_bits(c, op, op & 0x10 ? p[2] : 0, (p[1] & 7u) + 1);
        return (int)need;
    }
    if (n < 3) return 0;
    size_t len = (size_t)(p[1] | p[2] << 8) + 1, need = 3 + (op & 0x10 ? len : 0);
    if (n < need) return 0;
    for (size_t i = 0; i < len; i++)
        shift_bits(c, op, op & 0x10 ? p[3 + i] : 0, 8);
    return (int)need;
}

static void set_byte(uint16_t *word, bool high, uint8_t byte)
{
    *word = (uint16_t)(high ? (*word & 0x00ff) | byte << 8 : (*word & 0xff00) | byte);
}

static void clock_only(struct ft232h *c, unsigned clocks, int64_t now_ns)
{
    for (unsigned i = 0; i < clocks; i++)
        pulse(c, 0, PIN_OUT, -1);
    int64_t base_hz = c->divided ? 12000000 : 60000000;
    int64_t ns = clocks * INT64_C(2000000000) * (1 + c->divisor) / base_hz;
    if (ns >= FT232H_WAIT_NS) c->wake_ns = now_ns + ns;
}

// Length of the commands from 80 on; 0: the chip does not know it.
static size_t command_len(uint8_t op)
{
    switch (op) {
    case 0x80:
    case 0x82:
    case 0x86:
    case 0x8f:
    case 0x9c:
    case 0x9d:
    case 0x9e:
        return 3;
    case 0x8e:
        return 2;
    case 0x81:
    case 0x83:
    case 0x84:
    case 0x85:
    case 0x87:
    case 0x88:
    case 0x89:
    case 0x8a:
    case 0x8b:
    case 0x8c:
    case 0x8d:
    case 0x94:
    case 0x95:
    case 0x96:
    case 0x97:
        return 1;
    default:
        return 0;
    }
}

static void obey(struct ft232h *c, const uint8_t *p, int64_t now_ns)
{
    switch (p[0]) {
    case 0x80:
    case 0x82:
        set_byte(&c->value, p[0] == 0x82, p[1]);
        set_byte(&c->direction, p[0] == 0x82, p[2]);
        drive(c);
        break;
    case 0x81:
    case 0x83:
        drive(c);
        put(c, (uint8_t)(p[0] == 0x83 ? c->level >> 8 : c->level));
        break;
    case 0x84:
    case 0x85:
        c->loopback = p[0] == 0x84;
        break;
    case 0x86:
        c->divisor = (uint16_t)(p[1] | p[2] << 8);
        break;
    case 0x8a:
    case 0x8b:
        c->divided = p[0] == 0x8b;
        break;
    case 0x8e:
        clock_only(c, (p[1] & 7u) + 1, now_ns);
        break;
    case 0x8f:
        clock_only(c, 8 * ((unsigned)(p[1] | p[2] << 8) + 1), now_ns);
        break;
    case 0x9e:
        c->open_drain = (uint16_t)(p[1] | p[2] << 8);
        drive(c);
        break;
    default: // flush, waits for pins, three phases, adaptive clock: nothing hangs on them here
        break;
    }
}

// One command; bytes used, 0 when it is not complete yet.
static size_t step(struct ft232h *c, const uint8_t *p, size_t n, int64_t now_ns)
{
    int used;
    if (p[0] & 0x80) {
        size_t len = command_len(p[0]);
        if (len > n) return 0;
        if (len) obey(c, p, now_ns);
        used = len ? (int)len : -1;
    } else {
        used = shift(c, p, n);
    }
    if (used >= 0) return (size_t)used;
    put(c, 0xfa);
    put(c, p[0]);
    return 1;
}

static bool is_stuck(const struct ft232h *c)
{
    return c->wake_ns != INT64_MAX || c->to_host.len >= FT232H_FIFO;
}

void ft232h_run(struct ft232h *c, int64_t now_ns)
{
    if (c->wake_ns <= now_ns) c->wake_ns = INT64_MAX;
    size_t at = 0, used = 1;
    while (at < c->to_chip.len && used && !is_stuck(c)) {
        used = step(c, c->to_chip.data + at, c->to_chip.len - at, now_ns);
        at += used;
    }
    bytes_drop(&c->to_chip, at);
}

int64_t ft232h_next_ns(const struct ft232h *c)
{
    return c->wake_ns;
}

// --- USB

int ft232h_new(struct ft232h **out, const char *serial, const struct ft232h_wires *wires,
               struct err *err)
{
    // USB 2, vendor 0403, product 6014, release 9.00; one interface, two bulk endpoints.
    static const uint8_t device[FT232H_DEVICE_LEN] = {18,   1,    0x00, 0x02, 0, 0, 0, 64, 0x03,
                                                      0x04, 0x14, 0x60, 0x00, 9, 1, 2, 3,  1};
    static const uint8_t config[FT232H_CONFIG_LEN] = {
        9, 2,           32, 0, 1, 1, 0, 0x80, 45,           9, 4, 0, 0, 2, 0xff, 0xff, 0xff, 2, 7,
        5, IN_ENDPOINT, 2,  0, 2, 0, 7, 5,    OUT_ENDPOINT, 2, 0, 2, 0};
    struct ft232h *c = calloc(1, sizeof *c);
    if (!c) return err_set(err, ERR_NOMEM, "adapter %s", serial);
    memcpy(c->device, device, sizeof device);
    memcpy(c->config, config, sizeof config);
    memcpy(c->serial, serial, strnlen(serial, sizeof c->serial - 1));
    c->strings[0] = "FTDI";
    c->strings[1] = "C232HM (virtual lab)";
    c->strings[2] = c->serial;
    c->wires = *wires;
    memset(c->eeprom, 0xff, sizeof c->eeprom); // none is fitted
    bytes_init(&c->to_chip, 2 * COMMAND_MAX);
    bytes_init(&c->to_host, REPLY_MAX);
    ft232h_unplug(c);
    *out = c;
    return ERR_OK;
}

void ft232h_free(struct ft232h *c)
{
    if (!c) return;
    bytes_deinit(&c->to_chip);
    bytes_deinit(&c->to_host);
    free(c);
}

static void set_mode(struct ft232h *c, uint8_t mode)
{
    c->mode = mode;
    c->loopback = false;
    c->divided = true;
    c->divisor = 0;
    c->value = c->direction = c->open_drain = 0; // pins float until the first 80 or 82
    c->wake_ns = INT64_MAX;
    bytes_drop(&c->to_chip, c->to_chip.len);
    drive(c);
}

void ft232h_unplug(struct ft232h *c)
{
    c->latency = 16;
    bytes_drop(&c->to_host, c->to_host.len);
    set_mode(c, MODE_RESET);
}

const uint8_t *ft232h_device_descriptor(const struct ft232h *c)
{
    return c->device;
}

const uint8_t *ft232h_config_descriptor(const struct ft232h *c)
{
    return c->config;
}

static int string_descriptor(const struct ft232h *c, unsigned index, uint8_t *in)
{
    if (index > 3) return -1;
    int n = 2;
    const char *text = index ? c->strings[index - 1] : "\x09\x04"; // 0: the languages
    for (const char *t = text; *t; t++) {
        in[n++] = (uint8_t)*t;
        if (index) in[n++] = 0;
    }
    in[0] = (uint8_t)n;
    in[1] = 3;
    return n;
}

static int standard(const struct ft232h *c, uint8_t request, uint16_t value, uint8_t *in)
{
    if (request == 9 || request == 11) return 0; // set configuration, interface
    if (request != 6) return -1;
    switch (value >> 8) {
    case 1:
        memcpy(in, c->device, sizeof c->device);
        return sizeof c->device;
    case 2:
        memcpy(in, c->config, sizeof c->config);
        return sizeof c->config;
    case 3:
        return string_descriptor(c, value & 0xff, in);
    default:
        return -1;
    }
}

static int vendor(struct ft232h *c, uint8_t request, uint16_t value, uint16_t index, uint8_t *in)
{
    switch (request) {
    case 0x00: // reset; 1: forget what came in, 2: forget what goes out
        if (value == 0 || value == 1) bytes_drop(&c->to_chip, c->to_chip.len);
        if (value == 0 || value == 2) bytes_drop(&c->to_host, c->to_host.len);
        return 0;
    case 0x01:
    case 0x02:
    case 0x03:
    case 0x04:
    case 0x06:
    case 0x07:
        return 0; // of the serial port
    case 0x05:
        in[0] = 0x32;
        in[1] = 0x60;
        return 2;
    case 0x09:
        c->latency = (uint8_t)value;
        return 0;
    case 0x0a:
        in[0] = c->latency;
        return 1;
    case 0x0b: // other modes are not modelled
        if (value >> 8 != MODE_RESET && value >> 8 != MODE_MPSSE) return -1;
        set_mode(c, (uint8_t)(value >> 8));
        return 0;
    case 0x0c:
        drive(c);
        in[0] = (uint8_t)c->level;
        return 1;
    case 0x90:
        in[0] = (uint8_t)c->eeprom[index & 127];
        in[1] = (uint8_t)(c->eeprom[index & 127] >> 8);
        return 2;
    default:
        return -1;
    }
}

int ft232h_control(struct ft232h *c, const uint8_t setup[8], uint8_t *in, int64_t now_ns)
{
    uint16_t value = (uint16_t)(setup[2] | setup[3] << 8);
    uint16_t index = (uint16_t)(setup[4] | setup[5] << 8);
    int len = setup[6] | setup[7] << 8, n;
    if ((setup[0] & 0x60) == 0)
        n = standard(c, setup[1], value, in);
    else
        n = vendor(c, setup[1], value, index, in);
    ft232h_run(c, now_ns); // it may go on now that there is room
    return n > len ? len : n;
}

int ft232h_out(struct ft232h *c, uint8_t endpoint, const uint8_t *data, size_t len, int64_t now_ns)
{
    if (endpoint != OUT_ENDPOINT) return -1;
    if (c->mode != MODE_MPSSE) return (int)len; // leaves by the serial port, where nobody listens
    size_t done = 0;
    while (done < len) {
        size_t room = is_stuck(c) ? FT232H_FIFO : COMMAND_MAX;
        if (c->to_chip.len >= room) break;
        size_t n = room - c->to_chip.len < len - done ? room - c->to_chip.len : len - done;
        if (n > FT232H_FIFO) n = FT232H_FIFO; // it may get stuck any time
        if (bytes_append(&c->to_chip, data + done, n, NULL) < 0) break;
        done += n;
        ft232h_run(c, now_ns);
    }
    return (int)done;
}

int ft232h_in(struct ft232h *c, uint8_t endpoint, uint8_t *data, size_t max, int64_t now_ns)
{
    if (endpoint != IN_ENDPOINT || max < 2) return -1;
    size_t n = 0, used = 0, part;
    do {
        part = c->to_host.len - used;
        if (part > PACKET - 2) part = PACKET - 2;
        if (part > max - n - 2) part = max - n - 2;
        data[n++] = 0x32;
        data[n++] = 0x60;
        if (part) memcpy(data + n, c->to_host.data + used, part);
        n += part;
        used += part;
    } while (part == PACKET - 2 && max - n >= PACKET); // a short packet ends the transfer
    bytes_drop(&c->to_host, used);
    ft232h_run(c, now_ns);
    return (int)n;
}
