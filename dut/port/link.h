// The device's end of the wire: whole messages in and out of the socket, batched, and the byte
// order. For client.c only.
//
// The caller owns the struct (zeroed, then fd set) and portlink_deinit closes the socket. Nothing
// here fails to its caller: see client.h on what ends the process instead.
#ifndef DUT_PORT_LINK_H
#define DUT_PORT_LINK_H

#include <stddef.h>
#include <stdint.h>

#include "dut/port/port_wire.h"

// Bytes on their way, in either direction. data[from .. to) is what is there.
struct portlink_buffer {
    uint8_t *data;
    size_t from;
    size_t to;
    size_t cap;
};

struct portlink {
    int fd;
    struct portlink_buffer in;
    struct portlink_buffer out;
};

void portlink_deinit(struct portlink *l);
/// Queues a message whose body is `head` and then `tail`.
void portlink_put(struct portlink *l, enum port_message type, const void *head, size_t head_len,
                  const void *tail, size_t tail_len);
/// The same with n floats as the tail.
void portlink_put_floats(struct portlink *l, enum port_message type, const void *head,
                         size_t head_len, const float *tail, size_t n);
/// Sends what is queued.
void portlink_flush(struct portlink *l);
/// Waits for the next message and returns its type; the body is lent until the next call.
unsigned portlink_next(struct portlink *l, const uint8_t **body, size_t *len);
/// Ends the process: the lab breaks the protocol.
void portlink_lab_broken(const char *what) __attribute__((noreturn));
/// Ends the process: the program calls the client wrongly. What was expected, what came, what to
/// do.
void portlink_misused(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
void portlink_no_memory(void) __attribute__((noreturn));

void portlink_put32(uint8_t *out, uint32_t v);
void portlink_put64(uint8_t *out, uint64_t v);
void portlink_put_double(uint8_t *out, double v);
uint32_t portlink_get32(const uint8_t *in);
uint64_t portlink_get64(const uint8_t *in);

#endif
