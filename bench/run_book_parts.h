// What run_book.c and run_book_resume.c share: the inside of a book.
#ifndef BENCH_RUN_BOOK_PARTS_H
#define BENCH_RUN_BOOK_PARTS_H

#include <limits.h>
#include <stdio.h>

#include "bench/record/ledger.h"
#include "bench/record/result.h"
#include "bench/record/store.h"
#include "bench/record/tap.h"
#include "bench/run_book.h"

struct book {
    char dir[PATH_MAX];
    struct ledger *ledger;
    FILE *tap_file;
    struct tap tap;
    struct jval *run;
    struct jval *plan; // plan.json
    struct jval *instruments;
    struct jval *seen;    // events of cases that some other case watches
    struct jval *history; // what a new worker's core network must know
    struct book_case *cases;
    size_t n_cases;
    unsigned workers; // that have opened the instruments, before `resume`

    // the running attempt; result is NULL outside one
    size_t current;
    struct store *store;
    struct result *result;
    size_t n_events;
    size_t n_at_once; // since sample time last moved
};

FOX_CHECK int book_fill_cases(struct book *b, struct err *err);
FOX_CHECK int book_open_tap(struct book *b, int version, struct err *err);
/// Keeps what a new worker's network must know of an event.
FOX_CHECK int book_remember(struct book *b, const struct jval *event, struct err *err);
/// Whether some case of the plan judges the traffic of case `id`.
bool book_is_watched(const struct book *b, const char *id);

#endif
