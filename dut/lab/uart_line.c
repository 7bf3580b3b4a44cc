// <asm/termbits.h> has the kernel's struct with rates as numbers; <termios.h> must not be near.
#include "dut/lab/uart_line.h"

#include <asm/termbits.h>
#include <math.h>
#include <sys/ioctl.h>

struct uart_format uart_line_format(int fd, struct uart_format other)
{
    struct termios2 t;
    if (fd < 0 || ioctl(fd, TCGETS2, &t) < 0 || t.c_ospeed == 0) return other;
    return (struct uart_format){.baud = t.c_ospeed,
                                .bits = 5 + ((t.c_cflag & CSIZE) >> 4),
                                .parity = t.c_cflag & PARENB,
                                .odd = t.c_cflag & PARODD,
                                .stops2 = t.c_cflag & CSTOPB};
}

int uart_line_preset(int fd, unsigned baud)
{
    struct termios2 t;
    if (ioctl(fd, TCGETS2, &t) < 0) return -1;
    t.c_cflag = (t.c_cflag & ~(tcflag_t)CBAUD) | BOTHER;
    t.c_ispeed = t.c_ospeed = baud;
    return ioctl(fd, TCSETS2, &t);
}

bool uart_line_same(struct uart_format a, struct uart_format b)
{
    return a.baud == b.baud && a.bits == b.bits && a.parity == b.parity &&
           (!a.parity || a.odd == b.odd); // a second stop bit is idle line to the other end
}

static unsigned slot_len(struct uart_format f)
{
    return 1 + f.bits + f.parity + (f.stops2 ? 2 : 1);
}

// The line while a byte is sent, a bit a place from bit 0: the start bit, data, parity, stop.
static unsigned slot(struct uart_format f, uint8_t byte)
{
    unsigned data = byte & ((1u << f.bits) - 1), at = 1 + f.bits, word = data << 1;
    if (f.parity) word |= ((unsigned)__builtin_parity(data) ^ f.odd) << at++;
    return word | (f.stops2 ? 3u : 1u) << at;
}

struct line {
    struct uart_format tx;
    const uint8_t *bytes;
    size_t n;
};

// Level in bit number k of the sender; idle before and after.
static bool level(const struct line *l, long k)
{
    unsigned len = slot_len(l->tx);
    if (k < 0 || (size_t)k / len >= l->n) return true;
    return slot(l->tx, l->bytes[(size_t)k / len]) >> ((size_t)k % len) & 1;
}

static bool level_at(const struct line *l, double bits)
{
    return level(l, (long)floor(bits));
}

size_t uart_line_convert(struct uart_format tx, struct uart_format rx, const uint8_t *in, size_t n,
                         uint8_t *out)
{
    const struct line l = {tx, in, n};
    const double step = (double)tx.baud / rx.baud; // a bit of the receiver in bits of the sender
    const long end = (long)(n * slot_len(tx));
    size_t got = 0;
    for (long k = 0; k < end;) {
        if (level(&l, k) || !level(&l, k - 1)) { // no falling edge
            k++;
            continue;
        }
        if (level_at(&l, (double)k + 0.5 * step)) { // a spike
            k++;
            continue;
        }
        uint8_t byte = 0;
        for (unsigned i = 0; i < rx.bits; i++)
            byte |= (uint8_t)(level_at(&l, (double)k + (1.5 + i) * step) << i);
        if (got < UART_LINE_GROWTH * n) out[got++] = byte;
        double stop = (double)k + (1.5 + rx.bits + rx.parity) * step;
        k = (long)floor(stop) + 1; // edges before its middle are no new start
    }
    return got;
}
