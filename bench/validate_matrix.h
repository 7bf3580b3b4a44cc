// The kill matrix: what each seeded fault did to each case, and what that proves.
//
// Pure: cells are filled in by who runs the cases, judged here. The caller owns the struct
// (matrix_init … matrix_deinit). One thread.
#ifndef BENCH_VALIDATE_MATRIX_H
#define BENCH_VALIDATE_MATRIX_H

#include <stdbool.h>
#include <stddef.h>

#include "bench/base/bytes.h"
#include "bench/base/json.h"
#include "bench/record/verdict.h"

enum { MATRIX_NAME_MAX = 64, MATRIX_REASON_MAX = 480, MATRIX_CASES_MAX = 512 };

/// How a case ended under one device; all its axes taken together.
struct matrix_outcome {
    bool known; // it was run, or is known not to apply
    enum verdict verdict;
    enum blame blame;
    char reason[MATRIX_REASON_MAX];
};

enum matrix_kind {
    MATRIX_NONE,     // not run
    MATRIX_KILLED,   // a case that names the fault failed, the device to blame: as it must be
    MATRIX_MISSED,   // a case that names the fault let it pass
    MATRIX_OPEN,     // a case that names it decided nothing
    MATRIX_ERROR,    // bench, suite, operator or configuration failed: never a kill
    MATRIX_NA,       // does not apply to any device there is
    MATRIX_UNPROVEN, // it failed, but does so (or decides nothing) without the fault as well
    MATRIX_CLEAN,    // a case that does not name the fault is untouched by it
    MATRIX_STRAY,    // a case that does not name the fault fails under it
};

struct matrix_case {
    char id[MATRIX_NAME_MAX];
    char device[MATRIX_NAME_MAX]; // to which it applies; "" when to none
    char level[MATRIX_NAME_MAX];  // that demands it; "" is basic
    struct matrix_outcome reference;
};

struct matrix_cell {
    bool named;
    struct matrix_outcome outcome;
};

struct matrix_fault {
    char id[MATRIX_NAME_MAX];
    char text[MATRIX_REASON_MAX];
    struct matrix_cell *cells; // one for each case
};

struct matrix {
    struct matrix_case *cases;
    size_t n_cases;
    struct matrix_fault *faults;
    size_t n_faults;
};

/// A fault that must die, and a bench that is broken on purpose: does this proof work at all?
struct matrix_canary {
    char fault[MATRIX_NAME_MAX];
    char id[MATRIX_NAME_MAX]; // of the case
    struct matrix_outcome outcome, reference;
    struct matrix_outcome broken; // of the same case on a bench without instruments
};

/// Takes a verdict of one more axis of a case in: the worst stays, and a fail on account of the
/// device is worse than anything.
void matrix_outcome_add(struct matrix_outcome *o, enum verdict v, enum blame b, const char *reason);

void matrix_init(struct matrix *m);
/// Accepts a zeroed struct; may run twice.
void matrix_deinit(struct matrix *m);
/// All cases come before the first fault. *out is lent until the next one is added; NULL is fine.
FOX_CHECK int matrix_add_case(struct matrix *m, const char *id, struct matrix_case **out,
                              struct err *err);
FOX_CHECK int matrix_add_fault(struct matrix *m, const char *id, const char *text,
                               struct matrix_fault **out, struct err *err);
/// Index of a case, or -1.
int matrix_find_case(const struct matrix *m, const char *id);

/// Whether what a correct device did is fit to compare with: pass, info or warn.
bool matrix_is_sound(const struct matrix_outcome *reference);
enum matrix_kind matrix_judge(const struct matrix_cell *cell,
                              const struct matrix_outcome *reference);
/// Whether at least one case that names the fault killed it.
bool matrix_is_killed(const struct matrix *m, size_t fault);
/// Why it lives, in one line. "" for one that was killed.
void matrix_survival(const struct matrix *m, size_t fault, char *out, size_t size);
/// How many cells are of this kind.
size_t matrix_count(const struct matrix *m, enum matrix_kind kind);
bool matrix_canary_died(const struct matrix_canary *c);
/// A broken bench must give an error or run nothing.
bool matrix_broken_is_no_kill(const struct matrix_canary *c);

/// The table for people.
FOX_CHECK int matrix_print(const struct matrix *m, const struct matrix_canary *canary,
                           struct bytes *out, struct err *err);
/// {faults killed survivors reference canary ratio matrix} (new; NULL with err set).
struct jval *matrix_json(const struct matrix *m, const struct matrix_canary *canary,
                         struct err *err);

#endif
