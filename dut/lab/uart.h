// One emulated serial port: a pty that the real libserialport opens through the shim, and the line
// between it and a device, with the time that each byte takes.
//
// Owns the pty and the link to it. One thread. Nothing moves by itself: the world takes input,
// delivers output and looks at the modem lines at moments of lab time.
#ifndef DUT_LAB_UART_H
#define DUT_LAB_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/lab/shim/page.h"
#include "dut/lab/uart_fault.h"

enum { UART_NAME_MAX = 32, UART_QUEUE_MAX = 65536, UART_FIRST_OUTPUT = 4 };

// Bytes on their way, each with the time at which it is there.
struct uart_byte {
    int64_t t_ns;
    uint8_t byte;
};

struct uart_queue {
    struct uart_byte *bytes;
    size_t first, n, cap;
    int64_t free_ns; // when the line can take the next byte
};

struct uart {
    char name[UART_NAME_MAX];
    int64_t byte_ns; // ten bit times
    unsigned baud;
    char link[256];
    char path[256]; // as the bench opens it
    int master;     // -1 while unplugged
    int slave;      // kept open, so that the master sees no end of file
    struct foxshim_port *lines;
    uint32_t lines_seen; // changes taken so far
    struct uart_queue to_device, to_bench;
    struct uart_faults faults; // of what the device sends
};

/// Makes the port as a link in the folder `dir`; `lines` is its place in the shim's page (lent).
FOX_CHECK int uart_new(struct uart **out, const char *name, unsigned baud, const char *dir,
                       struct foxshim_port *lines, struct err *err);
/// Accepts NULL.
void uart_free(struct uart *u);
/// The next change of the modem lines that was not taken yet: *lines gets TIOCM_DTR | TIOCM_RTS,
/// and FOXSHIM_BREAK where a break began.
bool uart_next_lines(struct uart *u, unsigned *lines);
/// Takes what the bench has written: it is on the line from now_ns on.
void uart_take_input(struct uart *u, int64_t now_ns);
/// The bench sends a break: the device's UART gives a 00.
void uart_break(struct uart *u, int64_t now_ns);
/// What the device drives: its output lines 4 to 7 are CTS, DSR, CD and RI.
void uart_set_inputs(struct uart *u, uint32_t device_outputs);
/// When the next byte reaches the device; INT64_MAX: none is on its way.
int64_t uart_next_arrival(const struct uart *u);
/// Bytes that have reached the device by t_ns.
size_t uart_arrived(struct uart *u, int64_t t_ns, uint8_t *out, size_t max);
/// The device sends from t_ns on.
void uart_transmit(struct uart *u, int64_t t_ns, const uint8_t *data, size_t len);
/// Hands the bench what has reached it by t_ns.
void uart_deliver(struct uart *u, int64_t t_ns);
/// The device lost power at t_ns: what was on the line is lost.
void uart_drop(struct uart *u, int64_t t_ns);
/// The adapter is pulled, and comes back as another pty behind the same link.
void uart_unplug(struct uart *u);
FOX_CHECK int uart_replug(struct uart *u, struct err *err);

#endif
