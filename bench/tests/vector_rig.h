// Runs `foxbench vectors` inside a test's process, with its output in memory.
#ifndef BENCH_TESTS_VECTOR_RIG_H
#define BENCH_TESTS_VECTOR_RIG_H

#include <stdbool.h>

#include "bench/base/bytes.h"

/// A file of the test's own to write vectors into, and what the last run said.
extern char changed[96];
extern struct bytes output, complaints;

/// For cmocka: make and remove the folder of `changed`.
int make_folder(void **state);
int remove_folder(void **state);
/// The command's exit code.
int run(int argc, const char *const *argv);
int run_file(const char *path);
bool says(const struct bytes *b, const char *text);
void assert_says(const struct bytes *b, const char *text);

#endif
