// The books of a run: its directory, ledger, TAP stream, and where every planned case stands.
//
// A book owns the run directory's files while it lives; only it writes them. After an ERR_IO the
// disk cannot be trusted any more and the run must end. One thread.
#ifndef BENCH_RUN_BOOK_H
#define BENCH_RUN_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/json.h"
#include "bench/record/verdict.h"

struct book;

struct book_case {
    const char *id; // lent from the plan, like title and axes
    const char *axes;
    const char *title;
    const char *safety;
    const char *na; // why it does not apply, or NULL
    double deadline_s;
    char name[256]; // "AUTH-UL-001", "JAM-UL-002/ranks=1+3"
    enum verdict verdict;
    enum blame blame;
    char reason[480];
    bool device_failed; // in the last attempt, whatever broke off what came after
    int attempt;        // the last one, 0: none
    bool settled;       // by an attempt before `resume`: it is not repeated
};

/// Makes PARENT/<UTC time>-<hash>-<device> with run.json, plan.json, the ledger with run.begin, and
/// run.tap, prints the TAP plan (of tap_version, 0: 13), and points PARENT/latest to it. `run` is
/// run.json, `plan` plan.json (both borrowed).
FOX_CHECK int book_open(struct book **out, const char *parent, const struct jval *run,
                        const struct jval *plan, int tap_version, struct err *err);
/// Goes on with the run in `dir`, whose run.json and plan.json these are (borrowed): reads its
/// ledger, closes an attempt that broke off as an error of the bench, and begins run.tap anew.
/// `same_device`: the network still knows what it accepted; a device out of the box starts anew.
/// Errors as of ledger_reopen; ERR_FORMAT when an event does not fit the plan.
FOX_CHECK int book_resume(struct book **out, const char *dir, const struct jval *run,
                          const struct jval *plan, bool same_device, struct err *err);
/// Accepts NULL.
void book_close(struct book *b);

const char *book_dir(const struct book *b);
size_t book_count(const struct book *b);
const struct book_case *book_case(const struct book *b, size_t i);
/// Sample time of the last event.
int64_t book_time(const struct book *b);

/// Whether the disk takes `need` bytes more; else ERR_IO, and the room kept for closing the books
/// is given back: close them.
FOX_CHECK int book_room(const struct book *b, int64_t need, struct err *err);

/// Takes an event that belongs to no attempt (taken).
FOX_CHECK int book_event(struct book *b, struct jval *event, struct err *err);

/// Starts the attempt of case i at the present sample time.
FOX_CHECK int book_case_begin(struct book *b, size_t i, struct err *err);
/// Takes an event of the running attempt (taken). ERR_FORMAT, ERR_SEQUENCE and ERR_LIMIT: it was
/// refused and nothing is written.
FOX_CHECK int book_case_event(struct book *b, struct jval *event, struct err *err);
/// Takes evidence of the running attempt; fd is borrowed. As store_put.
FOX_CHECK int book_case_evidence(struct book *b, const char *path, int fd, const char *media_type,
                                 const char *note, struct err *err);
/// Books why the running attempt (or, outside one, the run) could not go on, at sample time t or
/// later. code 0: no error of the bench.
FOX_CHECK int book_fault(struct book *b, int code, enum blame blame, const char *text,
                         struct err *err);
/// Books that a worker ended before its time, and how.
FOX_CHECK int book_lost(struct book *b, const char *reason, struct err *err);
/// Books a fault that `--chaos` has put into the virtual lab at its time lab_ns.
FOX_CHECK int book_chaos(struct book *b, int64_t lab_ns, const char *command, struct err *err);
/// Ends the attempt: verdict, files, case.end. Another may follow.
FOX_CHECK int book_case_end(struct book *b, int64_t t, struct err *err);
/// What a new worker's core network must know: history_extract of the events so far. Lent; valid
/// until the next event.
struct jval *book_history(const struct book *b);
/// Events of the cases that case i watches, in ledger order. New.
struct jval *book_watched(const struct book *b, size_t i, struct err *err);

/// Prints the TAP line of a case that will not be attempted again.
FOX_CHECK int book_case_print(struct book *b, size_t i, struct err *err);
/// Workers that have opened the instruments so far.
unsigned book_workers(const struct book *b);
/// Whether `resume` would repeat the case: it was not run, or the bench or the operator broke it
/// off.
bool book_case_is_open(const struct book_case *c);

/// Books case i without an attempt: na with the plan's reason, or notrun.
FOX_CHECK int book_case_skip(struct book *b, size_t i, enum verdict v, enum blame blame,
                             const char *reason, struct err *err);

/// Ends the run: run.end, the closing line. Every case must be booked.
FOX_CHECK int book_end(struct book *b, int exit_code, struct err *err);
/// Counts of every verdict over the planned cases; `counts` has VERDICTS places.
void book_counts(const struct book *b, size_t *counts);

#endif
