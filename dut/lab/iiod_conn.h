// Inside of the protocol server, shared by its parts: iiod.c (connections, commands), iiod_attr.c
// (contexts and attributes), iiod_stream.c (buffers).
#ifndef DUT_LAB_IIOD_CONN_H
#define DUT_LAB_IIOD_CONN_H

#include "dut/lab/iiod.h"

enum {
    CONNS_MAX = 64,
    BACKLOG = 256,
    ACCEPT_AT_ONCE = 16,
    LINE_MAX_BYTES = 1024, // the longest command of the client is far below
    IN_BYTES = 65536,      // read at once
    ATTR_MAX = 65536,      // the longest value that may be written
    SAMPLES_MAX = 8 << 20, // of one buffer
    WORDS_MAX = 8,
    KERNEL_BUFFERS_MAX = 64,
};

struct conn {
    struct iiod *server;
    int fd;
    bool closing; // closed when all output is gone
    char *in;     // IN_BYTES
    size_t in_len;

    uint8_t *out; // bytes [out_at, out_len) wait to be sent
    size_t out_at, out_len, out_cap;

    // A WRITE whose value is still coming.
    bool taking;
    struct context_device *write_device;
    const struct context_attr *write_attr;
    size_t write_len;

    // An open buffer.
    enum { STREAM_NONE, STREAM_RECEIVE, STREAM_TRANSMIT } stream;
    size_t block_samples;
    uint32_t mask;
    // A READBUF in progress.
    size_t read_left; // bytes
    bool mask_due;    // the first chunk of a READBUF carries the mask
    // A WRITEBUF in progress.
    char *push; // its samples so far; NULL: none is coming
    size_t push_len, push_at;
    size_t push_owed; // the answer that is due once a kernel block is free
};

struct iiod {
    struct loop *loop;
    struct pluto *pluto;
    struct iiod_host host;
    int listener; // -1 while unplugged
    unsigned port;
    bool stalled;
    enum iiod_fault fault; // of the next block
    bool crashed;          // all connections end as soon as they may
    struct conn *conns[CONNS_MAX];
    size_t n_conns;
    int16_t *block; // one block of the open stream, I and Q
};

/// Room for n bytes of answer. NULL: none, and the connection closes.
uint8_t *iiod_out_reserve(struct conn *c, size_t n);
void iiod_put(struct conn *c, const void *data, size_t n);
void iiod_put_code(struct conn *c, long code);

/// PRINT, READ, and WRITE up to its value, which is then taken.
void iiod_print(struct conn *c);
void iiod_read(struct conn *c, char **words, int n);
void iiod_write(struct conn *c, char **words, int n);
void iiod_write_taken(struct conn *c, const char *data);

/// OPEN, CLOSE, SET BUFFERS_COUNT, READBUF and WRITEBUF: 0 or -errno.
int iiod_stream_open(struct conn *c, char **words, int n);
int iiod_stream_close_named(struct conn *c, const char *device);
int iiod_stream_set_buffers(struct conn *c, const char *device, const char *count);
int iiod_stream_begin_read(struct conn *c, const char *device, const char *bytes);
int iiod_stream_begin_write(struct conn *c, const char *device, const char *bytes);
/// Ends whatever the connection has open.
void iiod_stream_close(struct conn *c);
/// The next chunk of a READBUF, and whether it must wait.
bool iiod_stream_must_wait(struct conn *c);
void iiod_stream_send(struct conn *c);
/// All bytes of a WRITEBUF are here.
void iiod_stream_push_complete(struct conn *c);

#endif
