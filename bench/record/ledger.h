// The ledger of a run: events.jsonl, a chain of digests, and wall.jsonl, the wall times of the same
// events in a chain of its own. docs/EVIDENCE.md gives the fields.
//
// A ledger owns both files and locks the run directory while it lives. Nothing is ever overwritten.
// After a failure the ledger is spoilt: what was written before stays valid. One thread.
#ifndef BENCH_RECORD_LEDGER_H
#define BENCH_RECORD_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "bench/base/crypto.h"
#include "bench/base/err.h"
#include "bench/base/json.h"

enum { LEDGER_LINE_MAX = 4 << 20 }; // bytes of one event, without its newline

struct ledger;

/// Starts the two files in an existing directory. ERR_BUSY when another process works on it, ERR_IO
/// when there is a ledger already.
FOX_CHECK int ledger_create(struct ledger **out, const char *run_dir, struct err *err);
/// Goes on with the ledger of a run that broke off or was closed: a torn last line is cut off, an
/// event without a wall line gets one, the closing line is taken back. Every whole event stays.
/// ERR_BUSY as above, ERR_CHECK when the ledger was altered (nothing is changed then), ERR_NOTFOUND
/// when it holds no event.
FOX_CHECK int ledger_reopen(struct ledger **out, const char *run_dir, struct err *err);
/// Accepts NULL. Ends the lock.
void ledger_free(struct ledger *l);

/// Appends one event (an object with `type` and `t`) after adding `seq` and `prev` to it. `t` must
/// not decrease (ERR_SEQUENCE). run.begin, case.end, fault and run.end are on the disk when this
/// returns.
FOX_CHECK int ledger_append(struct ledger *l, struct jval *event, struct err *err);
/// `t` of the last event, 0 before the first.
int64_t ledger_time(const struct ledger *l);
/// Writes the closing line of wall.jsonl; nothing can be appended after it.
FOX_CHECK int ledger_seal(struct ledger *l, struct err *err);

/// The closing line itself, without newline: it follows from the number of events and from the
/// digest of the line before, so that no bit of it is free. free() it.
char *ledger_seal_line(size_t events, const char prev[SHA256_HEX_LEN], struct err *err);
/// Digest of a line as the chains use it: 64 hex digits.
FOX_CHECK int ledger_digest(const char *line, size_t len, char out[SHA256_HEX_LEN],
                            struct err *err);
/// `prev` of the first line of a chain: 64 zeros.
extern const char ledger_origin[SHA256_HEX_LEN];

#endif
