// What two ends of a serial line that are set differently make of each other's bytes.
//
// Pure but for asking the kernel how the bench has set its end.
#ifndef DUT_LAB_UART_LINE_H
#define DUT_LAB_UART_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct uart_format {
    unsigned baud;
    unsigned bits;            // 5 to 8
    bool parity, odd, stops2; // stops2: two stop bits
};

enum { UART_LINE_GROWTH = 6 }; // a slow byte looks like several to a fast receiver

/// Sets the rate of the pty behind fd. 0, or -1 with errno.
int uart_line_preset(int fd, unsigned baud);
/// The settings of the pty behind fd; `other` where the kernel does not say.
struct uart_format uart_line_format(int fd, struct uart_format other);
bool uart_line_same(struct uart_format a, struct uart_format b);
/// Bytes sent one behind the other by `tx`, as `rx` samples them: in the middle of its own bits
/// from each falling edge on. A byte whose stop bit is missing is given, too, as a UART gives it.
/// `out` has room for UART_LINE_GROWTH * n; returns how many there are.
size_t uart_line_convert(struct uart_format tx, struct uart_format rx, const uint8_t *in, size_t n,
                         uint8_t *out);

#endif
