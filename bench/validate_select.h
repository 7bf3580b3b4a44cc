// What `foxbench validate` works on: which cases, which faults, which of them belong together.
//
// Fills a matrix; nothing is kept. One thread.
#ifndef BENCH_VALIDATE_SELECT_H
#define BENCH_VALIDATE_SELECT_H

#include "bench/validate_matrix.h"

struct validate_options {
    char **select; // case ids, globs, suites; lent
    size_t n_select;
    const char *profile; // NULL: all there is
    const char *fault;   // glob; NULL: all
    const char *html;    // file to write the page to; NULL: none
    bool full;
    bool json;
    bool help;
};

extern const char validate_help[];
/// Permutes argv so that the patterns stand together. ERR_USAGE says what was expected.
FOX_CHECK int validate_options_parse(struct validate_options *o, int argc, char **argv,
                                     struct err *err);

/// Puts cases and faults into the matrix and marks who names whom. `cases` is what `foxbench list
/// --json` prints, `faults` the text that `foxdut --list-faults` prints. A fault belongs to it when
/// one of the cases names it; without a selection all of them do. ERR_USAGE: unknown case, fault or
/// profile.
FOX_CHECK int validate_select(struct matrix *m, const struct validate_options *o,
                              const struct jval *cases, const char *faults, struct err *err);

/// What `foxdut --list-faults` prints, from the foxdut beside `foxbench`.
FOX_CHECK int validate_list_faults(const char *foxbench, struct bytes *out, struct err *err);

#endif
