// What can be wrong with a serial line: bytes that change, vanish, come twice or late.
//
// A small value inside struct uart; pure. What happens to a byte depends on the key and on how many
// bytes came before it.
#ifndef DUT_LAB_UART_FAULT_H
#define DUT_LAB_UART_FAULT_H

#include <stddef.h>
#include <stdint.h>

enum uart_fault {
    UART_FAULT_NONE,
    UART_FAULT_CORRUPT, // one byte of eight has a bit turned
    UART_FAULT_DROP,    // one byte of eight is lost
    UART_FAULT_DOUBLE,  // one byte of eight comes twice
    UART_FAULT_SPLIT,   // a pause of 150 ms behind every fourth byte
    UART_FAULT_MISBAUD, // the device's clock is a third off: no byte is what it was
    UART_FAULT_MUTE     // nothing gets through
};

struct uart_faults {
    enum uart_fault kind;
    uint64_t key, count;
};

struct uart_effect {
    uint8_t bytes[2];
    size_t n;         // how many of them
    int64_t pause_ns; // before the first
};

/// What becomes of the next byte.
struct uart_effect uart_fault_next(struct uart_faults *f, uint8_t byte);

#endif
