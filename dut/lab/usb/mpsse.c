#include "dut/lab/usb/mpsse.h"

enum { PIN_CLOCK = 0, PIN_OUT = 1, PIN_IN = 2, PIN_TMS = 3, REPLY_MAX = 1 << 18 };

void mpsse_init(struct mpsse *m, const struct ft232h_wires *wires)
{
    *m = (struct mpsse){.wires = *wires};
    bytes_init(&m->to_chip, 2 * MPSSE_COMMAND_MAX);
    bytes_init(&m->to_host, REPLY_MAX);
}

void mpsse_deinit(struct mpsse *m)
{
    bytes_deinit(&m->to_chip);
    bytes_deinit(&m->to_host);
}

void mpsse_reset(struct mpsse *m)
{
    m->loopback = false;
    m->divided = true;
    m->divisor = 0;
    m->value = m->direction = m->open_drain = 0; // pins float until the first 80 or 82
    m->wake_ns = INT64_MAX;
    bytes_drop(&m->to_chip, m->to_chip.len);
    mpsse_drive(m);
}

void mpsse_drive(struct mpsse *m)
{
    // An open-drain pin is driven only while it is 0.
    uint16_t driven = m->direction & (uint16_t) ~(m->open_drain & m->value);
    uint16_t level = (uint16_t)((m->value & driven) | (uint16_t)~driven); // pulled up inside
    m->level = m->wires.change(m->wires.ctx, level, driven);
}

static void put(struct mpsse *m, uint8_t byte)
{
    (void)!bytes_append(&m->to_host, &byte, 1, NULL); // what nobody reads is lost at last
}

static void set_pin(struct mpsse *m, int pin, bool high)
{
    uint16_t bit = (uint16_t)(1u << pin);
    m->value = (uint16_t)(high ? m->value | bit : m->value & ~bit);
}

static bool sample(const struct mpsse *m)
{
    return (m->loopback ? m->value >> PIN_OUT : m->level >> PIN_IN) & 1;
}

// One clock pulse away from the idle level and back. Data out change on the edge that bit 0 of the
// opcode names (1: falling), in are sampled on the one of bit 2.
static bool pulse(struct mpsse *m, uint8_t op, int pin, int bit)
{
    bool idle = m->value >> PIN_CLOCK & 1;
    bool out_first = (op & 1) == idle; // it changes with the first edge, not before it
    bool in_first = (op >> 2 & 1) == idle;
    if (bit >= 0 && !out_first) {
        set_pin(m, pin, bit);
        mpsse_drive(m);
    }
    bool first = sample(m);
    if (bit >= 0 && out_first) set_pin(m, pin, bit);
    set_pin(m, PIN_CLOCK, !idle);
    mpsse_drive(m);
    bool second = sample(m);
    set_pin(m, PIN_CLOCK, idle);
    mpsse_drive(m);
    return in_first ? first : second;
}

static void shift_bits(struct mpsse *m, uint8_t op, uint8_t out, unsigned n)
{
    bool lsb = op & 0x08;
    uint8_t in = 0;
    for (unsigned i = 0; i < n; i++) {
        int bit = op & 0x10 ? (lsb ? out >> i : out >> (7 - i)) & 1 : -1;
        bool got = pulse(m, op, PIN_OUT, bit);
        in = (uint8_t)(lsb ? in >> 1 | got << 7 : in << 1 | got);
    }
    if (op & 0x20) put(m, in);
}

// 4x, 6x: up to seven bits on TMS; bit 7 of the data stands on the data line meanwhile.
static void shift_tms(struct mpsse *m, uint8_t op, uint8_t out, unsigned n)
{
    uint8_t in = 0;
    set_pin(m, PIN_OUT, out >> 7);
    for (unsigned i = 0; i < n; i++)
        in = (uint8_t)(in >> 1 | pulse(m, op, PIN_TMS, out >> i & 1) << 7);
    if (op & 0x20) put(m, in);
}

// A clocking command; bytes used, 0 when it is not complete yet, -1 when it is none.
static int shift(struct mpsse *m, const uint8_t *p, size_t n)
{
    uint8_t op = p[0];
    if (op & 0x40) {
        if (!(op & 0x02)) return -1;
        if (n < 3) return 0;
        shift_tms(m, op, p[2], (p[1] & 7u) + 1);
        return 3;
    }
    if (!(op & 0x30)) return -1;
    if (op & 0x02) {
        size_t need = op & 0x10 ? 3 : 2;
        if (n < need) return 0;
        shift_bits(m, op, op & 0x10 ? p[2] : 0, (p[1] & 7u) + 1);
        return (int)need;
    }
    if (n < 3) return 0;
    size_t len = (size_t)(p[1] | p[2] << 8) + 1, need = 3 + (op & 0x10 ? len : 0);
    if (n < need) return 0;
    for (size_t i = 0; i < len; i++)
        shift_bits(m, op, op & 0x10 ? p[3 + i] : 0, 8);
    return (int)need;
}

static void set_byte(uint16_t *word, bool high, uint8_t byte)
{
    *word = (uint16_t)(high ? (*word & 0x00ff) | byte << 8 : (*word & 0xff00) | byte);
}

static void clock_only(struct mpsse *m, unsigned clocks, int64_t now_ns)
{
    for (unsigned i = 0; i < clocks; i++)
        pulse(m, 0, PIN_OUT, -1);
    int64_t base_hz = m->divided ? 12000000 : 60000000;
    int64_t ns = clocks * INT64_C(2000000000) * (1 + m->divisor) / base_hz;
    if (ns >= FT232H_WAIT_NS) m->wake_ns = now_ns + ns;
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

static void obey(struct mpsse *m, const uint8_t *p, int64_t now_ns)
{
    switch (p[0]) {
    case 0x80:
    case 0x82:
        set_byte(&m->value, p[0] == 0x82, p[1]);
        set_byte(&m->direction, p[0] == 0x82, p[2]);
        mpsse_drive(m);
        break;
    case 0x81:
    case 0x83:
        mpsse_drive(m);
        put(m, (uint8_t)(p[0] == 0x83 ? m->level >> 8 : m->level));
        break;
    case 0x84:
    case 0x85:
        m->loopback = p[0] == 0x84;
        break;
    case 0x86:
        m->divisor = (uint16_t)(p[1] | p[2] << 8);
        break;
    case 0x8a:
    case 0x8b:
        m->divided = p[0] == 0x8b;
        break;
    case 0x8e:
        clock_only(m, (p[1] & 7u) + 1, now_ns);
        break;
    case 0x8f:
        clock_only(m, 8 * ((unsigned)(p[1] | p[2] << 8) + 1), now_ns);
        break;
    case 0x9e:
        m->open_drain = (uint16_t)(p[1] | p[2] << 8);
        mpsse_drive(m);
        break;
    default: // flush, waits for pins, three phases, adaptive clock: nothing hangs on them here
        break;
    }
}

// One command; bytes used, 0 when it is not complete yet.
static size_t step(struct mpsse *m, const uint8_t *p, size_t n, int64_t now_ns)
{
    int used;
    if (m->misses_next) {
        m->misses_next = false;
        used = -1;
    } else if (p[0] & 0x80) {
        size_t len = p[0] == 0x9e && !m->has_open_drain ? 0 : command_len(p[0]);
        if (len > n) return 0;
        if (len) obey(m, p, now_ns);
        used = len ? (int)len : -1;
    } else {
        used = shift(m, p, n);
    }
    if (used >= 0) return (size_t)used;
    put(m, 0xfa);
    put(m, p[0]);
    return 1;
}

bool mpsse_is_stuck(const struct mpsse *m)
{
    return m->wake_ns != INT64_MAX || m->to_host.len >= FT232H_FIFO;
}

void mpsse_run(struct mpsse *m, int64_t now_ns)
{
    if (m->wake_ns <= now_ns) m->wake_ns = INT64_MAX;
    size_t at = 0, used = 1;
    while (at < m->to_chip.len && used && !mpsse_is_stuck(m)) {
        used = step(m, m->to_chip.data + at, m->to_chip.len - at, now_ns);
        at += used;
    }
    bytes_drop(&m->to_chip, at);
}
