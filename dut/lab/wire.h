// The lab's end of the device port: framed messages over a socket, with a wall-clock limit.
//
// Borrows the descriptor. One thread. Protocol: dut/port/port_wire.h.
#ifndef DUT_LAB_WIRE_H
#define DUT_LAB_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/bytes.h"
#include "bench/base/err.h"

struct wire {
    int fd;
    int limit_ms; // a peer that is silent for longer is ERR_TIMEOUT
    struct bytes in;
    size_t used; // bytes of `in` that belong to the message last given
};

struct wire_message {
    unsigned type;
    const uint8_t *body; // lent until the next call
    size_t len;
};

void wire_init(struct wire *w, int fd, int limit_ms);
/// Does not close the descriptor. Accepts a zeroed struct.
void wire_deinit(struct wire *w);
/// The next message. A closed socket is ERR_GONE, a header that is none ERR_FORMAT.
FOX_CHECK int wire_receive(struct wire *w, struct wire_message *out, struct err *err);
/// Sends a header and a body in two parts (either may be empty).
FOX_CHECK int wire_send(struct wire *w, unsigned type, const void *head, size_t head_len,
                        const void *tail, size_t tail_len, struct err *err);

uint32_t wire_u32(const uint8_t *p);
int64_t wire_i64(const uint8_t *p);
double wire_f64(const uint8_t *p);
void wire_put_u32(uint8_t *p, uint32_t v);
void wire_put_i64(uint8_t *p, int64_t v);
void wire_put_f64(uint8_t *p, double v);

#endif
