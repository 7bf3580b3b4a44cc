// Verdicts and blames: the words of verdict.def and blame.def, and the fold that makes one verdict
// of an attempt out of its events. design.md 7.
//
// Pure: the same events give the same verdict, so anyone can recompute it from the ledger. The
// caller owns every struct.
#ifndef BENCH_RECORD_VERDICT_H
#define BENCH_RECORD_VERDICT_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/base/err.h"
#include "bench/base/json.h"

enum verdict {
#define VERDICT(name, order, tap, text) VERDICT_##name,
#include "bench/record/verdict.def"
#undef VERDICT
    VERDICTS
};

enum blame {
#define BLAME(name, text) BLAME_##name,
#include "bench/record/blame.def"
#undef BLAME
    BLAMES
};

/// The word in records: "pass", "inconclusive", …
const char *verdict_name(enum verdict v);
/// The sentence of verdict.def.
const char *verdict_text(enum verdict v);
/// Place in the order; -1 for the verdicts outside it.
int verdict_order(enum verdict v);
/// Whether its TAP line is `ok`.
bool verdict_is_ok(enum verdict v);
bool verdict_find(const char *word, enum verdict *out);

/// "none", "device", …
const char *blame_name(enum blame b);
const char *blame_text(enum blame b);
bool blame_find(const char *word, enum blame *out);

/// The running verdict of one attempt. Start with {0}.
struct verdict_fold {
    size_t n; // events that carried a verdict
    enum verdict verdict;
    enum blame blame;
    char reason[480];   // from the first event that reached the verdict
    bool device_failed; // in one of them, whatever came after
};

/// Takes one verdict in. It may only get worse; blame and reason are those of the first one that
/// reached it. Only a device can fail: a fail with another blame becomes an error. A verdict
/// outside the order counts as a defect of the bench.
void verdict_fold_add(struct verdict_fold *f, enum verdict v, enum blame b, const char *reason);
/// Takes an event in when it is an `expect`, `measure`, `claim` or `fault`; others change nothing.
/// ERR_FORMAT when its verdict or blame is missing or unknown (nothing changes then).
FOX_CHECK int verdict_fold_event(struct verdict_fold *f, const struct jval *event, struct err *err);
/// Closes the fold: without any verdict it becomes inconclusive, blame suite; the reason of a pass
/// is how many demands were met.
void verdict_fold_end(struct verdict_fold *f);

#endif
