// The command line of a subcommand, and the pages that are made from its description in manual.def:
// help, manual page and completion.
#ifndef BENCH_ARGUMENTS_H
#define BENCH_ARGUMENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "bench/base/err.h"

// Values of an option that may be given several times; lent from argv.
enum { ARGUMENT_VALUES_MAX = 32 };
struct values {
    const char *list[ARGUMENT_VALUES_MAX];
    size_t n;
};

// What an option sets: a value (lent from argv), a flag, or one value more. A table ends with a
// zeroed one.
struct argument {
    const char *name;
    const char **value;
    bool *flag;
    struct values *values;
};

// Words that are no options, moved to the front of argv[1…]; the options follow them as they came.
struct words {
    char **list;
    size_t n;
    size_t max; // more are refused
};

enum { ARGUMENTS_GO_ON = 0, ARGUMENTS_HELP = 1 };

/// ARGUMENTS_HELP when the help was asked for. words NULL: none are taken. ERR_USAGE says what was
/// expected.
FOX_CHECK int arguments_parse(const struct argument *arguments, struct words *words, int argc,
                              char **argv, struct err *err);
/// Reads a whole number from `least` to `most`; ERR_USAGE names the option and what was expected.
FOX_CHECK int arguments_number(const char *option, const char *text, long long least,
                               long long most, long long *out, struct err *err);
/// Prints the command's help (stdout) or the error (stderr); returns the exit code.
int arguments_exit(const char *command, int rc, const struct err *err);

/// The help of a command, whole.
void manual_print(const char *command, FILE *out);
/// What its own help lacks: examples.
void manual_print_examples(const char *command, FILE *out);
/// All commands as a manual page (roff) and as completion for bash.
void manual_print_roff(FILE *out);
void manual_print_bash(FILE *out);

#endif
