#include "dut/lab/uart_fault.h"

#include "bench/base/rng.h"

enum { ONE_OF = 8, SPLIT_EVERY = 4 };
static const int64_t split_ns = 150000000;

struct uart_effect uart_fault_next(struct uart_faults *f, uint8_t byte)
{
    struct uart_effect e = {.bytes = {byte, byte}, .n = 1};
    uint64_t at = f->count++;
    uint64_t bits = rng_u64(f->key, at);
    switch (f->kind) {
    case UART_FAULT_NONE:
        break;
    case UART_FAULT_CORRUPT:
        if (bits % ONE_OF == 0) e.bytes[0] = (uint8_t)(byte ^ 1u << (bits >> 8) % 8);
        break;
    case UART_FAULT_DROP:
        if (bits % ONE_OF == 0) e.n = 0;
        break;
    case UART_FAULT_DOUBLE:
        if (bits % ONE_OF == 0) e.n = 2;
        break;
    case UART_FAULT_SPLIT:
        if (at % SPLIT_EVERY == SPLIT_EVERY - 1) e.pause_ns = split_ns;
        break;
    case UART_FAULT_MISBAUD: // a receiver that samples too late sees bits of their neighbours
        e.bytes[0] = (uint8_t)((byte >> 1 | byte << 3) ^ (bits & 0x81));
        if (e.bytes[0] == byte) e.bytes[0] ^= 0x40;
        break;
    case UART_FAULT_MUTE:
        e.n = 0;
        break;
    }
    return e;
}
