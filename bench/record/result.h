// The result record of one attempt, made out of its events and nothing else.
//
// The supervisor writes verdict.json with it, and `verify` recomputes the same record from the
// ledger. A result owns what it collected until result_free. One thread.
#ifndef BENCH_RECORD_RESULT_H
#define BENCH_RECORD_RESULT_H

#include <stdint.h>

#include "bench/base/err.h"
#include "bench/base/json.h"
#include "bench/record/verdict.h"

struct result;

FOX_CHECK int result_new(struct result **out, const char *id, const char *axes, int attempt,
                         int64_t started, struct err *err);
/// Accepts NULL.
void result_free(struct result *r);
/// Takes one event of the attempt in (borrowed). ERR_FORMAT when its verdict or blame is no word of
/// the lists; nothing changes then.
FOX_CHECK int result_event(struct result *r, const struct jval *event, struct err *err);
/// Closes the verdict. No event may follow.
void result_end(struct result *r, int64_t ended);

const struct verdict_fold *result_verdict(const struct result *r);
/// Content of measurements.json. New.
struct jval *result_measurements(const struct result *r, struct err *err);
/// Content of verdict.json. `run` is run.json, `planned` the case's entry in plan.json,
/// `instruments` what result_instrument collected, `files` the attempt's files (verdict.json left
/// out). New.
struct jval *result_record(const struct result *r, const struct jval *run,
                           const struct jval *planned, const struct jval *instruments,
                           const struct jval *files, struct err *err);
/// The case.end event without seq and prev. `files` with verdict.json. New.
struct jval *result_case_end(const struct result *r, const struct jval *files, struct err *err);

/// "k=v,k=v" (or "_") as an object. New.
struct jval *result_parameters(const char *axes, struct err *err);

/// Keeps the newest `instrument` event of every unit in `instruments` (an object); other events
/// change nothing.
FOX_CHECK int result_instrument(struct jval *instruments, const struct jval *event,
                                struct err *err);

#endif
