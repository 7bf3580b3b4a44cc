// A device under test behind a serial command dialect: requests as the bench means them, answers as
// lines.
//
// A `struct dut` borrows its port and its dialect. Nothing waits: the caller advances the sample
// clock between dut_poll calls and passes the present sample time, so every line carries the time
// at which it was seen. One thread calls.
#ifndef DUT_DUT_H
#define DUT_DUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "dut/port.h"

enum { DUT_LINE_MAX = 512, DUT_PATTERNS_MAX = 16, DUT_QUEUE_MAX = 128 };

// How a dialect's lines look. Strings are lent and outlive the dut.
struct dut_dialect {
    const char *name;
    const char *line_end;                 // sent after a command, "\r"
    const char *ok;                       // a line that ends a command with success, "OK"
    const char *errors[DUT_PATTERNS_MAX]; // prefixes of lines that end a command with failure;
                                          // NULL-terminated
    const char *downlink; // prefix of the line that carries a downlink, "RX="; a plus at its front
                          // may be missing
    bool echo;            // the device repeats what it is sent, as far as is known: what it does
                          // is learned
    size_t downlink_raw_len; // raw bytes that follow the downlink prefix and may look like line
                             // ends; 0: the downlink is text
    double pause_s; // that a line may take longer, in all, than its bytes do on the wire; a longer
                    // one came in pieces. For the caller, who knows the clock
};

enum dut_state { DUT_STATE_IDLE, DUT_STATE_WAITING, DUT_STATE_OK, DUT_STATE_ERROR };

struct dut;

FOX_CHECK int dut_new(struct dut **out, struct port *port, const struct dut_dialect *dialect,
                      struct err *err);
void dut_free(struct dut *d);
/// Sends a command line and forgets what earlier commands answered; unsolicited lines stay.
/// ERR_SEQUENCE while another one is WAITING.
FOX_CHECK int dut_command(struct dut *d, const char *line, int64_t now_sample, struct err *err);
/// Gives up waiting for the present command. Should its answer still come, it is unsolicited.
void dut_abandon(struct dut *d);
/// Ends the present command well: the lines so far are its whole answer. For questions that a
/// device answers without saying ok. Nothing is owed then.
void dut_conclude(struct dut *d);
/// Reads what has arrived and splits it into lines. ERR_GONE when the port is unplugged.
FOX_CHECK int dut_poll(struct dut *d, int64_t now_sample, struct err *err);
enum dut_state dut_state(const struct dut *d);
/// Whether the present answer may belong to an abandoned command: an answer was still owed when
/// this one came, and nothing in the dialect tells them apart. Ask again before building on it.
bool dut_is_doubtful(const struct dut *d);

struct dut_line {
    int64_t began_sample; // of the poll that brought its first byte
    int64_t at_sample;    // of the poll that brought its end
    bool solicited;       // began while a command was waiting; its last line is the ok or the error
    bool cut;             // was longer than DUT_LINE_MAX: only its beginning is here
    unsigned lost; // lines before this one that were dropped: more than DUT_QUEUE_MAX were waiting
    size_t len;    // raw bytes may contain NUL
    char text[DUT_LINE_MAX + 1];
};

/// Bytes of a line whose end has not come.
size_t dut_unfinished(const struct dut *d);
/// Lines since the last call, oldest first; true while there is one.
bool dut_next_line(struct dut *d, struct dut_line *out);
/// Called with every byte sent ('>') or received ('<'), for the serial log. ctx is lent.
void dut_set_tap(struct dut *d,
                 void (*tap)(void *ctx, char direction, int64_t at_sample, const uint8_t *data,
                             size_t len),
                 void *ctx);

#endif
